import { type Request, type Response, Router } from 'express';
import { endedUnpaid } from '../domain/payment.ts';
import { needsRenewal } from '../domain/product.ts';
import { onlyMethods, Problem } from './problems.ts';
import type { Sagas } from './sagas.ts';
import { NoFields, parseBody } from './schemas.ts';
import { gatewayRejected, isOpen, type Waiting, type WaitingRow } from './waiting.ts';

/** `/{id}/prepay` and `/{id}/sync` of payments and of combined ones: for the customer who is in front of the screen now. */
export function frontEndRoutes<Row extends WaitingRow>(
  { sagas, clock }: { sagas: Sagas; clock: () => number },
  waiting: Waiting<Row>,
): Router {
  const router = Router();

  router
    .route('/:id/prepay')
    .post(async (request, response) => {
      parseBody(NoFields, request.body);
      const payment = await renewed(request, response);
      if (payment.status === 'FAILED') throw gatewayRejected(payment, waiting.idField);
      if (!isOpen(payment)) throw notOpen(payment, `the payment is ${payment.status}`);
      await answer(response, payment.status === 'CREATED' ? 202 : 200, payment);
    })
    .all(onlyMethods('POST'));

  router
    .route('/:id/sync')
    .post(async (request, response) => {
      parseBody(NoFields, request.body);
      let payment = await waiting.requested(request, response);
      if (isOpen(payment)) {
        const result = await sagas.syncNow(payment);
        payment = await waiting.requested(request, response);
        if (isOpen(payment) && (result === undefined || result.kind === 'unanswered')) throw notAnswered();
      } else if (endedUnpaid(payment.status)) {
        // The customer may have paid all the same, too late: that has its own way.
        const result = await sagas.lookAgain(payment);
        if (result === undefined || result.kind === 'unanswered') throw notAnswered();
        payment = await waiting.requested(request, response);
      }
      await answer(response, 200, payment);
    })
    .all(onlyMethods('POST'));

  return router;

  async function answer(response: Response, status: number, payment: Row): Promise<void> {
    response.status(status).json(await waiting.shown(payment));
  }

  /** The payment, with something that the customer can pay with if it is pending. */
  async function renewed(request: Request, response: Response): Promise<Row> {
    const payment = await waiting.requested(request, response);
    if (isOpen(payment) && payment.timeExpire.getTime() <= clock()) {
      throw notOpen(payment, 'its window is over, and it is being closed');
    }
    if (payment.status === 'CREATED') await sagas.prepay(payment);
    if (payment.status !== 'PENDING' || !needsRenewal(payment, clock())) {
      return payment.status === 'CREATED' ? await waiting.requested(request, response) : payment;
    }
    const result = await sagas.renewPrepay(payment, payment.prepayIssuedAt);
    const now = await waiting.requested(request, response);
    // Somebody else's request may have renewed it, whatever became of this one.
    if (now.status !== 'PENDING' || !needsRenewal(now, clock())) return now;
    switch (result?.kind) {
      case 'rejected':
        throw new Problem(
          'gateway_rejected',
          `WeChat Pay refused to renew the order with ${result.code}: ${result.message}. The payment is closed in the end, unless it is paid.`,
          { [waiting.idField]: payment.id, gateway_code: result.code },
        );
      case 'ended':
        throw notOpen(now, 'its order is not renewed any more');
      default:
        throw notAnswered();
    }
  }
}

function notOpen({ status }: WaitingRow, why: string): Problem {
  return new Problem('payment_not_open', `The customer cannot pay any more: ${why}.`, { status_now: status });
}

function notAnswered(): Problem {
  return new Problem('temporarily_unavailable', 'WeChat Pay has not answered in time: repeat the request.', {
    headers: { 'retry-after': '2' },
  });
}
