import type { LatePayment } from '../database/late-payments.ts';
import { rfc3339 } from '../domain/time.ts';

/** Late money as the API shows it. Times are RFC 3339 in Beijing's offset; amounts are fen. */
export function latePaymentResource(late: LatePayment) {
  return {
    id: late.id,
    object: 'late_payment',
    payment_id: late.paymentId,
    merchant_id: late.merchantId,
    mchid: late.mchid,
    out_trade_no: late.outTradeNo,
    transaction_id: late.transactionId,
    status: late.status,
    attention: late.attention,
    attention_reason: late.attentionReason,
    amount: { total: late.amount, payer_total: late.payerTotal, currency: late.currency },
    success_time: late.successTime && rfc3339(late.successTime),
    decision:
      late.decision === null
        ? null
        : { decision: late.decision, by: late.decidedBy, reason: late.decisionReason },
    refund_id: late.refundId,
    version: late.version,
    created_at: rfc3339(late.createdAt),
    updated_at: rfc3339(late.updatedAt),
  };
}
