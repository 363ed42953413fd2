import { z } from 'zod';
import { currency, fen, notifyUrl, outRefundNo, outTradeNo, text } from '../request-body.ts';

/** Body of POST /v3/refund/domestic/refunds (official refund page). */
export const refundRequest = z
  .strictObject({
    /** Service providers only, and they must. */
    sub_mchid: text(32).optional(),
    transaction_id: text(32).optional(),
    out_trade_no: outTradeNo.optional(),
    out_refund_no: outRefundNo,
    reason: text(80).optional(),
    notify_url: notifyUrl(256).optional(),
    funds_account: z.enum(['AVAILABLE', 'UNSETTLED']).optional(),
    amount: z.strictObject({
      refund: fen.positive(),
      total: fen.positive(),
      currency,
      from: z
        .array(z.strictObject({ account: z.enum(['AVAILABLE', 'UNAVAILABLE']), amount: fen.positive() }))
        .optional(),
    }),
    goods_detail: z
      .array(
        z.strictObject({
          merchant_goods_id: text(32),
          wechatpay_goods_id: text(32).optional(),
          goods_name: text(256).optional(),
          unit_price: fen.nonnegative(),
          refund_amount: fen.nonnegative(),
          refund_quantity: z.int().positive(),
        }),
      )
      .optional(),
  })
  .refine(({ transaction_id, out_trade_no }) => transaction_id || out_trade_no, {
    path: ['transaction_id'],
    message: 'one of transaction_id and out_trade_no is required',
  })
  .refine(
    ({ amount: { refund, from } }) => !from || from.reduce((sum, { amount }) => sum + amount, 0) === refund,
    { path: ['amount', 'from'], message: 'must add up to refund' },
  )
  .refine(({ amount: { refund, total } }) => refund <= total, {
    path: ['amount', 'refund'],
    message: 'more than the order',
  });
