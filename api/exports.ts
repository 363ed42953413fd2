import { Router } from 'express';
import { findAccount } from '../database/ledger-accounts.ts';
import type { Pool } from '../database/pool.ts';
import { GATEWAY_ACCOUNT } from '../domain/ledger.ts';
import { EXPORT_NAMES, EXPORTS } from '../exports/catalogue.ts';
import { caller } from './authentication.ts';
import type { Downloads } from './downloads.ts';
import { EXPORT_QUERIES } from './ledger-schemas.ts';
import { chooseMerchant } from './payments.ts';
import { onlyMethods, Problem } from './problems.ts';
import { parseBody } from './schemas.ts';

/** `/v1/exports` */
export function exportRoutes({ pool, downloads }: { pool: Pool; downloads: Downloads }): Router {
  const router = Router();
  for (const name of EXPORT_NAMES) {
    router
      .route(`/${name}`)
      .get(async (request, response) => {
        const { merchant_id, by, from, to, ...as } = parseBody(EXPORT_QUERIES[name], request.query);
        const merchant = await chooseMerchant(pool, caller(response).tenantId, merchant_id);
        const account = await findAccount(pool, merchant.id, GATEWAY_ACCOUNT, 'CNY');
        if (!account) throw new Problem('not_found', `${merchant.id} has no account ${GATEWAY_ACCOUNT}.`);
        const period = { merchantId: merchant.id, by, from, to };
        await downloads.send(response, () => EXPORTS[name](pool, { account, period }, as));
      })
      .all(onlyMethods('GET'));
  }
  return router;
}
