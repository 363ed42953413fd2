import type { RefundAttempt } from '../database/refund-attempts.ts';
import type { Refund } from '../database/refunds.ts';
import { rfc3339 } from '../domain/time.ts';

/** A refund as the API shows it. Times are RFC 3339 in Beijing's offset; amounts are fen. */
export function refundResource(refund: Refund, attempts: RefundAttempt[]) {
  return {
    id: refund.id,
    object: 'refund',
    payment_id: refund.paymentId,
    merchant_id: refund.merchantId,
    mchid: refund.mchid,
    out_trade_no: refund.outTradeNo,
    out_refund_no: refund.outRefundNo,
    wechat_refund_id: refund.refundId,
    status: refund.status,
    attention: refund.attention,
    attention_reason: refund.attentionReason,
    amount: { refund: refund.amount, currency: refund.currency, from: refund.terms.from ?? null },
    funds_account: refund.terms.funds_account ?? null,
    goods_detail: refund.terms.goods_detail ?? null,
    reason: refund.reason,
    cause: refund.cause,
    late_payment_id: refund.latePaymentId,
    user_received_account: refund.userReceivedAccount,
    success_time: refund.successTime && rfc3339(refund.successTime),
    settled_offline: refund.settledOffline,
    failure: failureOf(refund),
    attempts: attempts.map((attempt) => ({
      number: attempt.number,
      out_refund_no: attempt.outRefundNo,
      wechat_refund_id: attempt.refundId,
      outcome: attempt.outcome,
      failure: failureOf(attempt),
      created_at: rfc3339(attempt.createdAt),
      sent_at: attempt.sentAt && rfc3339(attempt.sentAt),
      ended_at: attempt.endedAt && rfc3339(attempt.endedAt),
    })),
    version: refund.version,
    created_at: rfc3339(refund.createdAt),
    updated_at: rfc3339(refund.updatedAt),
  };
}

function failureOf({ failureCode, failureMessage }: Pick<Refund, 'failureCode' | 'failureMessage'>) {
  return failureCode === null ? null : { code: failureCode, message: failureMessage };
}
