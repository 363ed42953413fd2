import type { Payment } from '../database/payments.ts';
import type { OrderTerms } from '../domain/order.ts';
import { rfc3339 } from '../domain/time.ts';
import type { Cashier } from './cashier.ts';

/**
 * A payment as the API shows it. Times are RFC 3339 in Beijing's offset, as WeChat Pay's are; amounts are fen.
 * @param cashier what the front end needs now; lists have none.
 */
export function paymentResource(payment: Payment, cashier?: Cashier) {
  return {
    id: payment.id,
    object: 'payment',
    merchant_id: payment.merchantId,
    mchid: payment.mchid,
    appid: payment.appid,
    out_trade_no: payment.outTradeNo,
    combined_payment_id: payment.combinedId,
    order_reference: payment.orderReference,
    duplicate_of: payment.duplicateOf,
    product: payment.product,
    sub_merchant: payment.subMchid === null ? null : { mchid: payment.subMchid, appid: payment.subAppid },
    status: payment.status,
    attention: payment.attention,
    attention_reason: payment.attentionReason,
    attention_details: payment.attentionDetails,
    amount: {
      total: payment.amount,
      payer_total: payment.payerTotal,
      refunded: payment.amountRefunded,
      currency: payment.currency,
    },
    description: payment.description,
    attach: payment.attach,
    ...termsResource(payment.terms),
    ...cashier,
    transaction_id: payment.transactionId,
    time_expire: rfc3339(payment.timeExpire),
    success_time: payment.successTime && rfc3339(payment.successTime),
    failure:
      payment.failureCode === null ? null : { code: payment.failureCode, message: payment.failureMessage },
    version: payment.version,
    created_at: rfc3339(payment.createdAt),
    updated_at: rfc3339(payment.updatedAt),
  };
}

/** What the order says besides; null where it says nothing. */
function termsResource({ goods_tag, detail, support_fapiao, limit_pay, settle_info }: OrderTerms) {
  return {
    goods_tag: goods_tag ?? null,
    detail: detail ?? null,
    support_fapiao: support_fapiao ?? null,
    limit_pay: limit_pay ?? null,
    settle_info: settle_info ?? null,
  };
}
