import { Router } from 'express';
import { acknowledge } from '../database/acknowledgement.ts';
import { inTransaction, type Pool } from '../database/pool.ts';
import { caller } from './authentication.ts';
import { onlyMethods, Problem } from './problems.ts';
import { AcknowledgePayment, parseBody } from './schemas.ts';
import type { Waiting, WaitingRow } from './waiting.ts';

/** `/{id}/acknowledge` of payments, sub-orders too, and of combined ones. */
export function acknowledgementRoutes<Row extends WaitingRow>(
  pool: Pool,
  { idField, requested, shown }: Waiting<Row>,
): Router {
  const router = Router();
  router
    .route('/:id/acknowledge')
    .post(async (request, response) => {
      const { reason } = parseBody(AcknowledgePayment, request.body);
      const { id: actor, tenantId } = caller(response);
      const { id } = await requested(request, response);
      const subject = idField === 'payment_id' ? { paymentId: id } : { combinedId: id };
      const answer = await inTransaction(pool, (db) => acknowledge(db, subject, { tenantId, actor, reason }));
      if (answer.kind === 'refused')
        throw new Problem('payment_not_acknowledgeable', `Nothing was changed: ${answer.why}.`);
      response.json(await shown(await requested(request, response)));
    })
    .all(onlyMethods('POST'));
  return router;
}
