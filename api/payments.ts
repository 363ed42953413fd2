import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { ensureSoon } from '../database/intents.ts';
import { listMerchants, type Merchant } from '../database/merchants.ts';
import { storeCode } from '../database/payment-codes.ts';
import { findPayment, insertPayment, type Payment } from '../database/payments.ts';
import { isUniqueViolation, type Pool, type Queryable } from '../database/pool.ts';
import { appidFor } from '../domain/appid.ts';
import { merchantNumber, publicId } from '../domain/identity.ts';
import { isCharged, PRODUCTS } from '../domain/product.ts';
import type { Merchants } from '../gateway/merchants.ts';
import { acknowledgementRoutes } from './acknowledgement.ts';
import { caller } from './authentication.ts';
import { cashierOf } from './cashier.ts';
import { closingRoutes } from './closing.ts';
import { frontEndRoutes } from './front-end.ts';
import { storeOnce } from './idempotency.ts';
import { partiesOf, termsOf } from './parties.ts';
import { listOfPayments } from './payment-list.ts';
import { paymentResource } from './payment-resource.ts';
import { onlyMethods, Problem } from './problems.ts';
import type { Sagas } from './sagas.ts';
import { CreatePayment, parseBody } from './schemas.ts';
import { gatewayRejected, isOpen, type Waiting } from './waiting.ts';

/** `/v1/payments` */
export function paymentRoutes({
  pool,
  sagas,
  merchants,
  clock,
}: {
  pool: Pool;
  sagas: Sagas;
  merchants: Merchants;
  clock: () => number;
}): Router {
  const router = Router();
  /** A payment as the API shows it, with what the front end needs now. */
  const shown = async (payment: Payment) =>
    paymentResource(payment, await cashierOf(payment, { merchants, clock }));

  router
    .route('/')
    .get(listOfPayments(pool))
    .post(async (request, response) => {
      const { tenantId } = caller(response);
      const body = parseBody(CreatePayment, request.body);
      const id = publicId('pay', randomUUID());
      const expiresIn = body.expires_in ?? PRODUCTS[body.product].expiresIn.default;
      const outTradeNo = body.out_trade_no ?? merchantNumber('T', id);
      const scope = { tenantId, path: '/v1/payments', newId: id };
      const intent = await storeOnce(pool, request, scope, async (db) => {
        const merchant = await chooseMerchant(db, tenantId, body.merchant_id);
        await insertPayment(db, {
          id,
          tenantId,
          merchantId: merchant.id,
          appid: body.appid ?? appidFor(merchant, body.product),
          outTradeNo,
          product: body.product,
          amount: body.amount.total,
          currency: body.amount.currency,
          description: body.description,
          attach: body.attach,
          terms: termsOf(body),
          timeExpire: new Date(clock() + expiresIn * 1000),
          h5RedirectUrl: body.h5?.redirect_url ?? null,
          orderReference: body.order_reference,
          ...partiesOf(body, merchant),
        });
        const code = body.auth_code ?? body.face_code;
        if (code !== undefined) await storeCode(db, merchants.vault, id, code);
      }).catch(outTradeNoExists(outTradeNo));

      let payment = await mustFind(pool, tenantId, intent.id);
      if (payment.status === 'CREATED') {
        await sagas.prepay(payment);
        payment = await mustFind(pool, tenantId, intent.id);
      }
      if (intent.replayed) response.set('idempotency-replayed', 'true');
      if (payment.status === 'FAILED') throw gatewayRejected(payment, 'payment_id');
      // 202: stored for good, what the front end needs follows, or the customer types the password; GET tells.
      const pending = isCharged(payment.product) ? isOpen(payment) : payment.status === 'CREATED';
      response
        .status(pending ? 202 : 201)
        .location(`/v1/payments/${payment.id}`)
        .json(await shown(payment));
    })
    .all(onlyMethods('GET', 'POST'));

  router
    .route('/:id')
    .get(async (request, response) => {
      response.json(await shown(await requestedPayment(pool, request, response)));
    })
    .all(onlyMethods('GET'));

  const waiting: Waiting<Payment> = {
    idField: 'payment_id',
    requested: (request, response) => requestedOrder(pool, request, response),
    shown,
    ensureSoon: (id) => ensureSoon(pool, 'payments', id),
  };
  const requested = (request: Request, response: Response) => requestedPayment(pool, request, response);
  router.use(
    closingRoutes(sagas, waiting),
    frontEndRoutes({ sagas, clock }, waiting),
    acknowledgementRoutes(pool, { ...waiting, requested }),
  );
  return router;
}

/** Makes a refusal of the failure to store a number that is taken. */
export function outTradeNoExists(outTradeNo: string): (error: unknown) => never {
  return (error) => {
    if (!isUniqueViolation(error, 'payments_merchant_id_out_trade_no_key')) throw error;
    throw new Problem(
      'out_trade_no_exists',
      `${outTradeNo} was used already. Repeat a request with its own Idempotency-Key, or use a new number.`,
    );
  };
}

/** The payment that the path names, if it is the caller's. */
export async function requestedPayment(pool: Pool, request: Request, response: Response): Promise<Payment> {
  return await mustFind(pool, caller(response).tenantId, String(request.params.id));
}

/** As `requestedPayment`, of payments that have an order of their own at WeChat Pay. */
async function requestedOrder(pool: Pool, request: Request, response: Response): Promise<Payment> {
  const payment = await requestedPayment(pool, request, response);
  if (payment.combinedId === null) return payment;
  throw new Problem(
    'belongs_to_combined_payment',
    `It has no order of its own at WeChat Pay. Send the request to /v1/combined-payments/${payment.combinedId}, for all sub-orders together.`,
    { combined_payment_id: payment.combinedId },
  );
}

async function mustFind(pool: Pool, tenantId: string, id: string): Promise<Payment> {
  const payment = await findPayment(pool, tenantId, id);
  if (!payment) throw new Problem('not_found', `There is no payment ${id}.`);
  return payment;
}

/** The merchant that takes the money: the one named, or the tenant's only one. */
export async function chooseMerchant(
  db: Queryable,
  tenantId: string,
  id: string | undefined,
): Promise<Merchant> {
  const merchants = await listMerchants(db, tenantId);
  const chosen =
    id === undefined && merchants.length === 1 ? merchants[0] : merchants.find((m) => m.id === id);
  if (chosen) return chosen;
  throw new Problem('invalid_request', 'Name one of your merchants.', {
    errors: [
      {
        pointer: '/merchant_id',
        detail:
          id === undefined ? 'is missing: there is not exactly one merchant' : 'is not one of your merchants',
      },
    ],
  });
}
