import { Router } from 'express';
import { findLatePayment, listLatePayments } from '../database/late-payments.ts';
import type { Pool } from '../database/pool.ts';
import { caller } from './authentication.ts';
import { latePaymentResource } from './late-payment-resource.ts';
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
