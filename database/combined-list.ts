import type { Attention } from '../domain/attention.ts';
import type { CombinedStatus } from '../domain/combined-payment.ts';
import { type CombinedPayment, SELECT_COMBINED, withSubPayments } from './combined-payments.ts';
import { type Page, type PageOf, readPage } from './lists.ts';
import type { Queryable } from './pool.ts';

/** Which combined payments; what is undefined does not matter. */
export interface CombinedFilter {
  tenantId?: string | undefined;
  /** Who combines. */
  merchantId?: string | undefined;
  attention?: Attention | undefined;
  status?: CombinedStatus | undefined;
}

/**
 * Combined payments, newest first, each with its sub-orders.
 * @returns undefined when there is none of the cursor's id, in the tenant if one is named.
 */
export async function listCombined(
  db: Queryable,
  { tenantId, merchantId, status, attention }: CombinedFilter,
  page: Page,
): Promise<PageOf<CombinedPayment> | undefined> {
  const found = await readPage<Omit<CombinedPayment, 'amount' | 'subPayments'>>(
    db,
    {
      select: SELECT_COMBINED,
      table: 'combined_payments',
      alias: 'c',
      time: 'created_at',
      scope: { tenant_id: tenantId },
      filter: { merchant_id: merchantId, status },
      where: attention && `c.attention = '${attention}'`,
    },
    page,
  );
  return found && { ...found, rows: await withSubPayments(db, found.rows) };
}
