import { randomUUID } from 'node:crypto';
import { type Request, type Response, Router } from 'express';
import { listCombined } from '../database/combined-list.ts';
import {
  type CombinedPayment,
  findCombinedPayment,
  insertCombinedPayment,
} from '../database/combined-payments.ts';
import { ensureSoon } from '../database/intents.ts';
import { listMerchants } from '../database/merchants.ts';
import { insertPayment } from '../database/payments.ts';
import { isUniqueViolation, type Pool, type Queryable } from '../database/pool.ts';
import { appidFor } from '../domain/appid.ts';
import { merchantNumber, publicId } from '../domain/identity.ts';
import { PRODUCTS } from '../domain/product.ts';
import type { Merchants } from '../gateway/merchants.ts';
import { acknowledgementRoutes } from './acknowledgement.ts';
import { caller } from './authentication.ts';
import { cashierOf } from './cashier.ts';
import { closingRoutes } from './closing.ts';
import { combinedResource } from './combined-resource.ts';
import { CreateCombinedPayment } from './combined-schema.ts';
import { frontEndRoutes } from './front-end.ts';
import { storeOnce } from './idempotency.ts';
import { pageOf, pageResource } from './lists.ts';
import { termsOf } from './parties.ts';
import { chooseMerchant, outTradeNoExists } from './payments.ts';
import { onlyMethods, Problem } from './problems.ts';
import type { Sagas } from './sagas.ts';
import { ListCombinedPayments, parseBody } from './schemas.ts';
import { subOrdersOf } from './sub-orders.ts';
import { gatewayRejected, type Waiting } from './waiting.ts';

/** `/v1/combined-payments` */
export function combinedPaymentRoutes({
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
  const requested = (request: Request, response: Response) =>
    mustFind(pool, caller(response).tenantId, String(request.params.id));
  const shown = async (combined: CombinedPayment) => {
    const [first] = combined.subPayments;
    const { payerSubOpenid = null, subAppid = null } = first ?? {};
    const opened = { ...combined, payerSubOpenid, subAppid: payerSubOpenid === null ? null : subAppid };
    return combinedResource(combined, await cashierOf(opened, { merchants, clock }));
  };

  router
    .route('/')
    .get(async (request, response) => {
      const { tenantId } = caller(response);
      const query = parseBody(ListCombinedPayments, request.query);
      const { attention, status } = query;
      const page = await listCombined(pool, { tenantId, attention, status }, pageOf(query));
      response.json(pageResource(page, query, 'your combined payments', (one) => combinedResource(one)));
    })
    .post(async (request, response) => {
      const { tenantId } = caller(response);
      const body = parseBody(CreateCombinedPayment, request.body);
      const id = publicId('cmb', randomUUID());
      const expiresIn = body.expires_in ?? PRODUCTS[body.product].expiresIn.default;
      const scope = { tenantId, path: '/v1/combined-payments', newId: id };
      const intent = await storeOnce(pool, request, scope, (db) =>
        insert(db, { id, tenantId, body, timeExpire: new Date(clock() + expiresIn * 1000) }),
      );
      let combined = await mustFind(pool, tenantId, intent.id);
      if (combined.status === 'CREATED') {
        await sagas.prepay(combined);
        combined = await mustFind(pool, tenantId, intent.id);
      }
      if (intent.replayed) response.set('idempotency-replayed', 'true');
      if (combined.status === 'FAILED') throw gatewayRejected(combined, 'combined_payment_id');
      // 202: stored for good, what the front end needs follows; GET tells.
      response
        .status(combined.status === 'CREATED' ? 202 : 201)
        .location(`/v1/combined-payments/${combined.id}`)
        .json(await shown(combined));
    })
    .all(onlyMethods('GET', 'POST'));

  router
    .route('/:id')
    .get(async (request, response) => {
      response.json(await shown(await requested(request, response)));
    })
    .all(onlyMethods('GET'));

  const waiting: Waiting<CombinedPayment> = {
    idField: 'combined_payment_id',
    requested,
    shown,
    ensureSoon: (id) => ensureSoon(pool, 'combined_payments', id),
  };
  router.use(
    closingRoutes(sagas, waiting),
    frontEndRoutes({ sagas, clock }, waiting),
    acknowledgementRoutes(pool, waiting),
  );
  return router;
}

async function mustFind(pool: Pool, tenantId: string, id: string): Promise<CombinedPayment> {
  const combined = await findCombinedPayment(pool, tenantId, id);
  if (!combined) throw new Problem('not_found', `There is no combined payment ${id}.`);
  return combined;
}

/** Stores the combined payment and its sub-orders. @throws Problem */
async function insert(
  db: Queryable,
  {
    id,
    tenantId,
    body,
    timeExpire,
  }: { id: string; tenantId: string; body: CreateCombinedPayment; timeExpire: Date },
): Promise<void> {
  const merchant = await chooseMerchant(db, tenantId, body.merchant_id);
  const parties = subOrdersOf(body, merchant, await listMerchants(db, tenantId));
  const combineOutTradeNo = body.combine_out_trade_no ?? merchantNumber('C', id);
  const { product, appid = appidFor(merchant, product) } = body;
  await insertCombinedPayment(db, {
    id,
    tenantId,
    merchantId: merchant.id,
    appid,
    combineOutTradeNo,
    product,
    timeExpire,
    h5RedirectUrl: body.h5?.redirect_url ?? null,
  }).catch((error: unknown) => {
    if (!isUniqueViolation(error, 'combined_payments_merchant_id_combine_out_trade_no_key')) throw error;
    throw new Problem(
      'combine_out_trade_no_exists',
      `${combineOutTradeNo} was used already. Repeat a request with its own Idempotency-Key, or use a new number.`,
    );
  });
  for (const [position, subOrder] of body.sub_orders.entries()) {
    const ofSubOrder = parties[position];
    if (!ofSubOrder) throw new Error('a sub-order of nobody');
    const paymentId = publicId('pay', randomUUID());
    const outTradeNo = subOrder.out_trade_no ?? merchantNumber('T', paymentId);
    await insertPayment(db, {
      ...ofSubOrder,
      appid,
      id: paymentId,
      tenantId,
      outTradeNo,
      product,
      amount: subOrder.amount.total,
      currency: subOrder.amount.currency,
      description: subOrder.description,
      attach: subOrder.attach,
      orderReference: subOrder.order_reference,
      // What is said of all of them, each of them says.
      terms: termsOf({ ...subOrder, limit_pay: body.limit_pay }),
      timeExpire,
      h5RedirectUrl: null,
      combined: { id, position },
    }).catch(outTradeNoExists(outTradeNo));
  }
}
