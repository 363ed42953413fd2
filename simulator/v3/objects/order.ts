import { type Coupon, type Order, payerTotal, TRADE_STATES } from '../../orders/order.ts';
import { chinaTime } from '../../time/china-time.ts';

/**
 * The order object of v3 queries and of TRANSACTION.SUCCESS, a service provider's with the fields of its own; `unpaid` makes it the answer
 * of a gateway that lags behind.
 */
export function orderObject(order: Order, { unpaid = false } = {}): Record<string, unknown> {
  const state = unpaid ? 'NOTPAY' : order.state;
  const partner = order.subMchid !== undefined;
  const identity = {
    ...(partner
      ? {
          sp_appid: order.appid,
          sp_mchid: order.mchid,
          ...(order.subAppid && { sub_appid: order.subAppid }),
          sub_mchid: order.subMchid,
        }
      : { appid: order.appid, mchid: order.mchid }),
    out_trade_no: order.outTradeNo,
  };
  const status = { trade_state: state, trade_state_desc: TRADE_STATES[state] };
  const scene_info = { device_id: order.deviceId ?? '' };
  const { total, currency } = order;
  if (unpaid || order.paidAt === undefined) {
    return {
      ...identity,
      ...status,
      amount: { total, payer_currency: currency },
      promotion_detail: [],
      scene_info,
    };
  }
  return {
    ...identity,
    transaction_id: order.transactionId,
    trade_type: order.tradeType,
    ...status,
    bank_type: 'OTHERS',
    attach: order.attach,
    success_time: chinaTime(order.paidAt),
    payer: partner
      ? {
          sp_openid: order.openid,
          ...(order.subAppid && order.subOpenid && { sub_openid: order.subOpenid }),
        }
      : { openid: order.openid },
    amount: { total, payer_total: payerTotal(order), currency, payer_currency: currency },
    scene_info: order.deviceId ? scene_info : undefined,
    promotion_detail: order.coupons.map((coupon) => promotion(coupon, currency)),
  };
}

/** A coupon as v3 shows it. */
export function promotion({ couponId, name, scope, type, amount }: Coupon, currency: string) {
  return {
    coupon_id: couponId,
    name,
    scope,
    type,
    amount,
    stock_id: couponId,
    wechatpay_contribute: 0,
    merchant_contribute: amount,
    other_contribute: 0,
    currency,
  };
}
