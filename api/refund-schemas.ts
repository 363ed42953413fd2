import { z } from 'zod';
import {
  APPROVED_CHOICES,
  BANK_ACCOUNT,
  FUNDS_ACCOUNTS,
  MAX_REFUND_REASON,
  PAYOUT_BANKS,
  REFUND_CHOICES,
  REFUND_FROM,
} from '../domain/refund.ts';
import { fen, identifier, outRefundNo, text } from './fields.ts';
import { fenOrNone, quantity } from './order-terms.ts';

/** How much of a refund an account of the merchant's pays. */
const share = z.strictObject({
  account: z.enum(REFUND_FROM, { message: `must be one of ${REFUND_FROM.join(', ')}` }),
  amount: fen,
});

/** What is given back. */
const returnedGoods = z.strictObject({
  merchant_goods_id: text(32),
  wechatpay_goods_id: text(32).optional(),
  goods_name: text(256).optional(),
  unit_price: fenOrNone,
  refund_amount: fenOrNone,
  refund_quantity: quantity,
});

/** Each account pays once, and all of them the refund. */
function sharesAddUp(
  { refund, from }: { refund: number; from?: z.output<typeof share>[] | undefined },
  context: z.core.$RefinementCtx,
): void {
  if (!from) return;
  const rule = (message: string) => context.addIssue({ code: 'custom', path: ['from'], message });
  if (new Set(from.map(({ account }) => account)).size < from.length) rule('must not name an account twice');
  if (from.reduce((sum, { amount }) => sum + amount, 0) !== refund)
    rule(`must add up to ${refund} fen, the refund`);
}

/** Body of `POST /v1/payments/{id}/refunds`; may be absent, which refunds all that is left. */
export const CreateRefund = z
  .strictObject({
    out_refund_no: outRefundNo.optional(),
    amount: z
      .strictObject({
        refund: fen,
        currency: z.literal('CNY', { message: 'must be "CNY"' }).default('CNY'),
        from: z.array(share).min(1, { message: 'must not be empty' }).optional(),
      })
      .superRefine(sharesAddUp)
      .optional(),
    reason: text(MAX_REFUND_REASON).optional(),
    funds_account: z
      .enum(FUNDS_ACCOUNTS, { message: `must be one of ${FUNDS_ACCOUNTS.join(', ')}` })
      .optional(),
    goods_detail: z.array(returnedGoods).min(1, { message: 'must not be empty' }).optional(),
  })
  .default({});
export type CreateRefund = z.output<typeof CreateRefund>;

/** Body of `POST /v1/refunds/{id}/retry`; may be absent. */
export const RetryRefund = z.strictObject({ out_refund_no: outRefundNo.optional() }).default({});

const operatorReason = text(200);

/** Body of `POST /v1/refunds/{id}/recheck`. */
export const RecheckRefund = z.strictObject({ reason: operatorReason });

/** Body of `POST /v1/refunds/{id}/resolve`. */
export const ResolveRefund = z
  .strictObject({
    choice: z.enum(REFUND_CHOICES, { message: `must be one of ${REFUND_CHOICES.join(', ')}` }),
    reason: operatorReason,
    /** For USER_BANK_CARD: a debit card of the customer's. */
    bank_card: z
      .strictObject({
        bank_type: z.enum(PAYOUT_BANKS, { message: `must be one of ${PAYOUT_BANKS.join(', ')}` }),
        bank_account: z.string().regex(BANK_ACCOUNT, { message: 'must be 12 to 19 digits' }),
        real_name: text(64),
      })
      .optional(),
    /** For OFFLINE and ACCEPT: what two people have agreed on. */
    approval_id: identifier(64).optional(),
  })
  .superRefine(({ choice, bank_card, approval_id }, context) => {
    const rule = (field: string, message: string) =>
      context.addIssue({ code: 'custom', path: [field], message });
    if (choice === 'USER_BANK_CARD' && !bank_card) rule('bank_card', 'is missing: it says which card');
    if (choice !== 'USER_BANK_CARD' && bank_card) rule('bank_card', `is not a field of ${choice}`);
    const approved = choice in APPROVED_CHOICES;
    if (approved && !approval_id) rule('approval_id', `is missing: it takes two people to decide ${choice}`);
    if (!approved && approval_id) rule('approval_id', `is not a field of ${choice}`);
  });
export type ResolveRefund = z.output<typeof ResolveRefund>;
