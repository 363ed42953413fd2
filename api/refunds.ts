import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { isUniqueViolation, type Pool } from '../database/pool.ts';
import { listAttempts } from '../database/refund-attempts.ts';
import { lockSource, sourceOf } from '../database/refund-source.ts';
import { findRefund, insertRefund, type Refund, retryRefund } from '../database/refunds.ts';
import { merchantNumber, publicId } from '../domain/identity.ts';
import { REFUND_OBSTACLES, type RefundObstacle, type RefundTerms, refundObstacle } from '../domain/refund.ts';
import { caller } from './authentication.ts';
import { type Intent, storeOnce } from './idempotency.ts';
import { requestedPayment } from './payments.ts';
import { onlyMethods, Problem } from './problems.ts';
import { refundResource } from './refund-resource.ts';
import { CreateRefund, RetryRefund } from './refund-schemas.ts';
import type { Sagas } from './sagas.ts';
import { parseBody } from './schemas.ts';

/** `/v1/payments/{id}/refunds` and `/v1/refunds` */
export function refundRoutes({
  pool,
  sagas,
  clock,
}: {
  pool: Pool;
  sagas: Sagas;
  clock: () => number;
}): Router {
  const router = Router();

  router
    .route('/payments/:id/refunds')
    .post(async (request, response) => {
      const { tenantId } = caller(response);
      const body = parseBody(CreateRefund, request.body);
      const payment = await requestedPayment(pool, request, response);
      const id = publicId('ref', randomUUID());
      const outRefundNo = body.out_refund_no ?? merchantNumber('R', id);
      const scope = { tenantId, path: `/v1/payments/${payment.id}/refunds`, newId: id };
      const intent = await storeOnce(pool, request, scope, async (db) => {
        // A kind word early; what counts is the reservation, which the workflow makes under a lock.
        const source = await sourceOf(db, payment);
        const left = source.amount - source.reserved;
        // Without an amount: all that is left. What may change until it is reserved is not said yet: that something, but too little is left.
        const { refund: amount, currency } = body.amount ?? { refund: left, currency: payment.currency };
        refuseObstacle(refundObstacle({ amount: Math.min(amount, left), currency }, source, clock()));
        await insertRefund(db, {
          id,
          tenantId,
          merchantId: payment.merchantId,
          paymentId: payment.id,
          outRefundNo,
          amount,
          reason: body.reason,
          terms: refundTerms(body),
        });
      }).catch(numberTaken(outRefundNo));
      await answer(intent, response, 201);
    })
    .all(onlyMethods('POST'));

  router
    .route('/refunds/:id')
    .get(async (request, response) => {
      response.json(await shown(pool, await requestedRefund(pool, request, response)));
    })
    .all(onlyMethods('GET'));

  router
    .route('/refunds/:id/retry')
    .post(async (request, response) => {
      const body = parseBody(RetryRefund, request.body);
      const refund = await requestedRefund(pool, request, response);
      // Another number than that of any attempt before.
      const outRefundNo = body.out_refund_no ?? merchantNumber('R', publicId('ref', randomUUID()));
      const scope = { tenantId: refund.tenantId, path: `/v1/refunds/${refund.id}/retry`, newId: refund.id };
      const intent = await storeOnce(pool, request, scope, async (db) => {
        await lockSource(db, refund);
        if (await retryRefund(db, refund.id, { outRefundNo })) return;
        const now = (await findRefund(db, refund.tenantId, refund.id)) ?? refund;
        throw new Problem('refund_not_retryable', notRetryable(now), { status_now: now.status });
      }).catch(numberTaken(outRefundNo));
      await answer(intent, response, 200);
    })
    .all(onlyMethods('POST'));

  return router;

  /** Starts what was stored, waits for a while for WeChat Pay's answer, and shows what is known then. */
  async function answer(intent: Intent, response: Response, done: 200 | 201): Promise<void> {
    const { tenantId } = caller(response);
    let refund = await mustFind(pool, tenantId, intent.id);
    if (!isAnswered(refund)) {
      await sagas.submit(refund);
      refund = await mustFind(pool, tenantId, intent.id);
    }
    if (intent.replayed) response.set('idempotency-replayed', 'true');
    if (refund.status === 'FAILED') throw refusedRefund(refund);
    // 202: stored for good, the gateway has not answered yet; GET tells.
    response
      .status(isAnswered(refund) ? done : 202)
      .location(`/v1/refunds/${refund.id}`)
      .json(await shown(pool, refund));
  }
}

/** What was not said is not in the JSON that is stored. */
function refundTerms({ funds_account, goods_detail, amount }: CreateRefund): RefundTerms {
  return { funds_account, goods_detail, from: amount?.from } as RefundTerms;
}

/** Why this refund cannot be retried. */
function notRetryable({ status, attention, attentionReason }: Refund): string {
  if (attention !== 'none')
    return `The refund waits for an operator (${attentionReason}): see its runbook first.`;
  if (status !== 'FAILED') return `The refund is ${status}.`;
  return 'The late money that it was to give back was accepted, or another refund of it is there.';
}

function isAnswered({ status }: Refund): boolean {
  return status !== 'CREATED' && status !== 'RESERVED';
}

/** A refund as the API shows it, with its attempts. */
export async function shown(pool: Pool, refund: Refund): Promise<ReturnType<typeof refundResource>> {
  return refundResource(refund, await listAttempts(pool, refund.id));
}

/** The refund that the path names, if it is the caller's. */
export async function requestedRefund(pool: Pool, request: Request, response: Response): Promise<Refund> {
  return await mustFind(pool, caller(response).tenantId, String(request.params.id));
}

async function mustFind(pool: Pool, tenantId: string, id: string): Promise<Refund> {
  const refund = await findRefund(pool, tenantId, id);
  if (!refund) throw new Problem('not_found', `There is no refund ${id}.`);
  return refund;
}

/** Names the one thing that may be wrong with a number that has the right form. */
function numberTaken(outRefundNo: string): (error: unknown) => never {
  return (error) => {
    if (!isUniqueViolation(error, 'refund_attempts_merchant_id_out_refund_no_key')) throw error;
    throw new Problem(
      'out_refund_no_exists',
      `${outRefundNo} was used already. Repeat a request with its own Idempotency-Key, or use a new number.`,
    );
  };
}

function refuseObstacle(obstacle: RefundObstacle | undefined): void {
  if (obstacle) throw refusal(obstacle);
}

/** A refusal by our own rules; every other failure code is WeChat Pay's. */
function refusal({ code, message }: RefundObstacle, extensions = {}): Problem {
  return new Problem(code, `Nothing was refunded: ${message}.`, extensions);
}

function refusedRefund(refund: Refund): Problem {
  const extensions = { refund_id: refund.id };
  const code = REFUND_OBSTACLES.find((own) => own === refund.failureCode);
  if (code) return refusal({ code, message: refund.failureMessage ?? '' }, extensions);
  return new Problem(
    'gateway_rejected',
    `WeChat Pay refused the refund with ${refund.failureCode}: ${refund.failureMessage}. Nothing was refunded.`,
    { ...extensions, gateway_code: refund.failureCode },
  );
}
