import { randomUUID } from 'node:crypto';
import { Router } from 'express';
import { isUniqueViolation, type Pool } from '../database/pool.ts';
import { findRefund, insertRefund, type Refund, sumRefunds } from '../database/refunds.ts';
import type { ErrorCode } from '../domain/errors.ts';
import { merchantNumber, publicId } from '../domain/identity.ts';
import { isPaid } from '../domain/payment.ts';
import { rfc3339 } from '../domain/time.ts';
import { caller } from './authentication.ts';
import { storeOnce } from './idempotency.ts';
import { requestedPayment } from './payments.ts';
import { onlyMethods, Problem } from './problems.ts';
import type { Sagas } from './sagas.ts';
import { CreateRefund, parseBody } from './schemas.ts';

/** `/v1/payments/{id}/refunds` and `/v1/refunds` */
export function refundRoutes({ pool, sagas }: { pool: Pool; sagas: Sagas }): Router {
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
        if (!isPaid(payment.status)) throw refusal('payment_not_paid', `the payment is ${payment.status}`);
        const left = payment.amount - (await sumRefunds(db, payment.id)).reserved;
        if (left === 0) throw refusal('refund_exceeds_payment', 'nothing is left to refund');
        await insertRefund(db, {
          id,
          tenantId,
          merchantId: payment.merchantId,
          paymentId: payment.id,
          outRefundNo,
          // Without an amount: all that is left.
          amount: body.amount?.refund ?? left,
          reason: body.reason,
        });
      }).catch((error: unknown) => {
        if (!isUniqueViolation(error, 'refunds_merchant_id_out_refund_no_key')) throw error;
        throw new Problem(
          'out_refund_no_exists',
          `${outRefundNo} was used already. Repeat a request with its own Idempotency-Key, or use a new number.`,
        );
      });

      let refund = await mustFind(pool, tenantId, intent.id);
      if (refund.status === 'CREATED' || refund.status === 'RESERVED') {
        await sagas.submit(refund);
        refund = await mustFind(pool, tenantId, intent.id);
      }
      if (intent.replayed) response.set('idempotency-replayed', 'true');
      if (refund.status === 'FAILED') throw refusedRefund(refund);
      // 202: stored for good, the gateway has not answered yet; GET tells.
      const answered = refund.status !== 'CREATED' && refund.status !== 'RESERVED';
      response
        .status(answered ? 201 : 202)
        .location(`/v1/refunds/${refund.id}`)
        .json(refundResource(refund));
    })
    .all(onlyMethods('POST'));

  router
    .route('/refunds/:id')
    .get(async (request, response) => {
      const refund = await mustFind(pool, caller(response).tenantId, String(request.params.id));
      response.json(refundResource(refund));
    })
    .all(onlyMethods('GET'));

  return router;
}

async function mustFind(pool: Pool, tenantId: string, id: string): Promise<Refund> {
  const refund = await findRefund(pool, tenantId, id);
  if (!refund) throw new Problem('not_found', `There is no refund ${id}.`);
  return refund;
}

/** Codes of our own rules; every other failure code is WeChat Pay's. */
const OWN_CODES = ['payment_not_paid', 'refund_exceeds_payment'] as const satisfies ErrorCode[];

function refusal(code: (typeof OWN_CODES)[number], message: string, extensions = {}): Problem {
  return new Problem(code, `Nothing was refunded: ${message}.`, extensions);
}

function refusedRefund(refund: Refund): Problem {
  const extensions = { refund_id: refund.id };
  const own = OWN_CODES.find((code) => code === refund.failureCode);
  if (own) return refusal(own, refund.failureMessage ?? '', extensions);
  return new Problem(
    'gateway_rejected',
    `WeChat Pay refused the refund with ${refund.failureCode}: ${refund.failureMessage}. Nothing was refunded.`,
    { ...extensions, gateway_code: refund.failureCode },
  );
}

/** A refund as the API shows it. Times are RFC 3339 in Beijing's offset; amounts are fen. */
export function refundResource(refund: Refund) {
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
    amount: { refund: refund.amount, currency: refund.currency },
    reason: refund.reason,
    cause: refund.cause,
    late_payment_id: refund.latePaymentId,
    user_received_account: refund.userReceivedAccount,
    success_time: refund.successTime && rfc3339(refund.successTime),
    failure:
      refund.failureCode === null ? null : { code: refund.failureCode, message: refund.failureMessage },
    version: refund.version,
    created_at: rfc3339(refund.createdAt),
    updated_at: rfc3339(refund.updatedAt),
  };
}
