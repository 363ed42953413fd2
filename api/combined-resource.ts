import type { CombinedPayment } from '../database/combined-payments.ts';
import { rfc3339 } from '../domain/time.ts';
import { type Cashier, NOTHING } from './cashier.ts';
import { paymentResource } from './payment-resource.ts';

/** A combined payment as the API shows it, with its sub-orders as the payments that they are. @param cashier as of payments. */
export function combinedResource(combined: CombinedPayment, cashier?: Cashier) {
  return {
    id: combined.id,
    object: 'combined_payment',
    merchant_id: combined.merchantId,
    mchid: combined.mchid,
    appid: combined.appid,
    combine_out_trade_no: combined.combineOutTradeNo,
    product: combined.product,
    status: combined.status,
    attention: combined.attention,
    attention_reason: combined.attentionReason,
    amount: { total: combined.amount, currency: 'CNY' },
    ...cashier,
    time_expire: rfc3339(combined.timeExpire),
    failure:
      combined.failureCode === null ? null : { code: combined.failureCode, message: combined.failureMessage },
    sub_payments: combined.subPayments.map((payment) => paymentResource(payment, cashier && NOTHING)),
    version: combined.version,
    created_at: rfc3339(combined.createdAt),
    updated_at: rfc3339(combined.updatedAt),
  };
}
