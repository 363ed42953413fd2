import { Router } from 'express';
import { isPaid } from '../domain/payment.ts';
import { caller } from './authentication.ts';
import { onlyMethods, Problem } from './problems.ts';
import type { Sagas } from './sagas.ts';
import { ClosePayment, parseBody } from './schemas.ts';
import { isOpen, type Waiting, type WaitingRow } from './waiting.ts';

/** `/{id}/close` of payments and of combined ones. */
export function closingRoutes<Row extends WaitingRow>(sagas: Sagas, waiting: Waiting<Row>): Router {
  const router = Router();
  router
    .route('/:id/close')
    .post(async (request, response) => {
      const body = parseBody(ClosePayment, request.body);
      const { id: actor } = caller(response);
      let row = await waiting.requested(request, response);
      if (isOpen(row)) {
        const answer = await sagas.close(row, {
          actor,
          reason: body.reason ?? 'requested through the API',
        });
        row = await waiting.requested(request, response);
        if (!answer && isOpen(row)) {
          await waiting.ensureSoon(row.id);
          throw new Problem(
            'temporarily_unavailable',
            'Nobody can say whether the close has begun: repeat it. Until it is answered the customer may still pay.',
            { headers: { 'retry-after': '2' } },
          );
        }
      }
      if (isPaid(row.status) || row.status === 'FAILED') {
        throw new Problem('payment_not_closable', `The payment is ${row.status}.`, {
          status_now: row.status,
        });
      }
      // 202: the close is noted in the payment's workflow, which waits for an operator, or until a charge may be reversed; the customer may
      // still pay.
      response.status(row.status === 'CLOSED' ? 200 : 202).json(await waiting.shown(row));
    })
    .all(onlyMethods('POST'));
  return router;
}
