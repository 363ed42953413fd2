import { Router } from 'express';
import { findLatePayment, type LatePayment, listLatePayments } from '../database/late-payments.ts';
import type { Pool } from '../database/pool.ts';
import { rfc3339 } from '../domain/time.ts';
import { caller } from './authentication.ts';
import { listResource } from './lists.ts';
import { requestedPayment } from './payments.ts';
import { onlyMethods, Problem } from './problems.ts';

/** `/v1/payments/{id}/late-payments` and `/v1/late-payments/{id}`: money that came after its payment had ended without it. */
export function latePaymentRoutes({ pool }: { pool: Pool }): Router {
  const router = Router();
  router
    .route('/payments/:id/late-payments')
    .get(async (request, response) => {
      const payment = await requestedPayment(pool, request, response);
      const latePayments = await listLatePayments(pool, payment.id);
      response.json(listResource(latePayments.map(latePaymentResource), false));
    })
    .all(onlyMethods('GET'));
  router
    .route('/late-payments/:id')
    .get(async (request, response) => {
      const { id } = request.params;
      const late = await findLatePayment(pool, caller(response).tenantId, String(id));
      if (!late) throw new Problem('not_found', `There is no late payment ${id}.`);
      response.json(latePaymentResource(late));
    })
    .all(onlyMethods('GET'));
  return router;
}

/** Late money as the API shows it. Times are RFC 3339 in Beijing's offset; amounts are fen. */
function latePaymentResource(late: LatePayment) {
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
