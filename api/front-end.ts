import { type Request, type Response, Router } from 'express';
import type { Payment } from '../database/payments.ts';
import type { Pool } from '../database/pool.ts';
import { endedUnpaid } from '../domain/payment.ts';
import { needsRenewal } from '../domain/product.ts';
import type { Merchants } from '../gateway/merchants.ts';
import { cashierOf } from './cashier.ts';
import { gatewayRejected, isOpen, paymentResource, requestedPayment } from './payments.ts';
import { onlyMethods, Problem } from './problems.ts';
import type { Sagas } from './sagas.ts';
import { NoFields, parseBody } from './schemas.ts';

/** `/v1/payments/{id}/prepay` and `/v1/payments/{id}/sync`: for the customer who is in front of the screen now. */
export function frontEndRoutes(dependencies: {
  pool: Pool;
  sagas: Sagas;
  merchants: Merchants;
  clock: () => number;
}): Router {
  const { pool, sagas, clock } = dependencies;
  const router = Router();

  router
    .route('/:id/prepay')
    .post(async (request, response) => {
      parseBody(NoFields, request.body);
      const payment = await renewed(request, response);
      if (payment.status === 'FAILED') throw gatewayRejected(payment);
      if (!isOpen(payment)) throw notOpen(payment, `the payment is ${payment.status}`);
      await answer(response, payment.status === 'CREATED' ? 202 : 200, payment);
    })
    .all(onlyMethods('POST'));

  router
    .route('/:id/sync')
    .post(async (request, response) => {
      parseBody(NoFields, request.body);
      let payment = await requestedPayment(pool, request, response);
      if (isOpen(payment)) {
        const result = await sagas.syncNow(payment);
        payment = await requestedPayment(pool, request, response);
        if (isOpen(payment) && (result === undefined || result.kind === 'unanswered')) throw notAnswered();
      } else if (endedUnpaid(payment.status)) {
        // The customer may have paid all the same, too late: that has its own way.
        const result = await sagas.lookAgain(payment);
        if (result === undefined || result.kind === 'unanswered') throw notAnswered();
        payment = await requestedPayment(pool, request, response);
      }
      await answer(response, 200, payment);
    })
    .all(onlyMethods('POST'));

  return router;

  async function answer(response: Response, status: number, payment: Payment): Promise<void> {
    response.status(status).json(paymentResource(payment, await cashierOf(payment, dependencies)));
  }

  /** The payment, with something that the customer can pay with if it is pending. */
  async function renewed(request: Request, response: Response): Promise<Payment> {
    const payment = await requestedPayment(pool, request, response);
    if (isOpen(payment) && payment.timeExpire.getTime() <= clock()) {
      throw notOpen(payment, 'its window is over, and it is being closed');
    }
    if (payment.status === 'CREATED') await sagas.prepay(payment);
    if (payment.status !== 'PENDING' || !needsRenewal(payment, clock())) {
      return payment.status === 'CREATED' ? await requestedPayment(pool, request, response) : payment;
    }
    const result = await sagas.renewPrepay(payment, payment.prepayIssuedAt);
    const now = await requestedPayment(pool, request, response);
    // Somebody else's request may have renewed it, whatever became of this one.
    if (now.status !== 'PENDING' || !needsRenewal(now, clock())) return now;
    switch (result?.kind) {
      case 'rejected':
        throw new Problem(
          'gateway_rejected',
          `WeChat Pay refused to renew the order with ${result.code}: ${result.message}. The payment is closed in the end, unless it is paid.`,
          { payment_id: payment.id, gateway_code: result.code },
        );
      case 'ended':
        throw notOpen(now, 'its order is not renewed any more');
      default:
        throw notAnswered();
    }
  }
}

function notOpen({ status }: Payment, why: string): Problem {
  return new Problem('payment_not_open', `The customer cannot pay any more: ${why}.`, { status_now: status });
}

function notAnswered(): Problem {
  return new Problem('temporarily_unavailable', 'WeChat Pay has not answered in time: repeat the request.', {
    headers: { 'retry-after': '2' },
  });
}
