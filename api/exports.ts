import { Router } from 'express';
import { accountIn } from '../database/ledger-accounts.ts';
import { listMerchants } from '../database/merchants.ts';
import type { Pool } from '../database/pool.ts';
import { findRun } from '../database/reconciliation/runs.ts';
import { billDateOf } from '../domain/bill-day.ts';
import { GATEWAY_ACCOUNT } from '../domain/ledger.ts';
import {
  EXPORT_NAMES,
  EXPORTS,
  exportBreakAgeing,
  exportCamt053,
  exportReconciliation,
} from '../exports/catalogue.ts';
import { caller } from './authentication.ts';
import type { Downloads } from './downloads.ts';
import { BreakAgeingQuery, Camt053Query, EXPORT_QUERIES, ReconciliationQuery } from './ledger-schemas.ts';
import { chooseMerchant } from './payments.ts';
import { invalidFields, onlyMethods, Problem } from './problems.ts';
import { parseBody } from './schemas.ts';

/** `/v1/exports` */
export function exportRoutes({
  pool,
  downloads,
  clock,
}: {
  pool: Pool;
  downloads: Downloads;
  clock: () => number;
}): Router {
  const router = Router();

  router
    .route('/break-ageing')
    .get(async (request, response) => {
      const { merchant_id, ...as } = parseBody(BreakAgeingQuery, request.query);
      const { tenantId } = caller(response);
      const whose =
        merchant_id === undefined
          ? await listMerchants(pool, tenantId)
          : [await chooseMerchant(pool, tenantId, merchant_id)];
      const today = billDateOf(new Date(clock()));
      await downloads.send(response, () => exportBreakAgeing(pool, whose, today, as));
    })
    .all(onlyMethods('GET'));

  router
    .route('/reconciliation')
    .get(async (request, response) => {
      const { id } = parseBody(ReconciliationQuery, request.query);
      const run = await findRun(pool, caller(response).tenantId, id);
      if (!run) throw new Problem('not_found', `There is no reconciliation ${id}.`);
      await downloads.send(response, () => exportReconciliation(pool, run));
    })
    .all(onlyMethods('GET'));

  router
    .route('/camt.053')
    .get(async (request, response) => {
      const { merchant_id, by, from, to, currency } = parseBody(Camt053Query, request.query);
      const { id } = await chooseMerchant(pool, caller(response).tenantId, merchant_id);
      const account = await accountIn(pool, id, GATEWAY_ACCOUNT, currency);
      if (!account) throw new Problem('not_found', `${id} has no account ${GATEWAY_ACCOUNT} in ${currency}.`);
      if ('currencies' in account) {
        const detail = `is missing: it took ${account.currencies.join(', ')}`;
        throw invalidFields([{ pointer: '/currency', detail }]);
      }
      await downloads.send(response, () => exportCamt053(pool, account, { merchantId: id, by, from, to }));
    })
    .all(onlyMethods('GET'));

  for (const name of EXPORT_NAMES) {
    router
      .route(`/${name}`)
      .get(async (request, response) => {
        const { merchant_id, by, from, to, ...as } = parseBody(EXPORT_QUERIES[name], request.query);
        const { id, mchid } = await chooseMerchant(pool, caller(response).tenantId, merchant_id);
        const period = { merchantId: id, by, from, to };
        await downloads.send(response, () => EXPORTS[name](pool, period, mchid, as));
      })
      .all(onlyMethods('GET'));
  }
  return router;
}
