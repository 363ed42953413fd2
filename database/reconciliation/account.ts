import type { BillDate } from '../../domain/bill-day.ts';
import type { Region } from '../../domain/region.ts';
import type { Queryable } from '../pool.ts';

/** Whose money a reconciliation is about: a merchant's, or that of one sub-merchant of a service provider. */
export interface Account {
  tenantId: string;
  merchantId: string;
  mchid: string;
  /** Null for a merchant. */
  subMchid: string | null;
  /** Which bills it has; those of the mainland when nobody says. */
  region?: Region;
}

/** One day of an account. */
export interface AccountDay extends Account {
  billDate: BillDate;
}

/**
 * The accounts of a merchant: its own, or those of the sub-merchants for whom a service provider has taken money. The statement of an overseas
 * institution is about all its sub-merchants at once.
 */
export async function listAccounts(db: Queryable, merchantId: string): Promise<Account[]> {
  const { rows } = await db.query<Account>(
    `select m.tenant_id "tenantId", m.id "merchantId", m.mchid, s.sub_mchid "subMchid", m.region
       from merchants m
       left join lateral (select distinct sub_mchid from payments p where p.merchant_id = m.id and p.sub_mchid is not null) s
         on m.role = 'partner' and m.region = 'mainland'
      where m.id = $1 and (m.role <> 'partner' or m.region = 'overseas' or s.sub_mchid is not null)
      order by s.sub_mchid`,
    [merchantId],
  );
  return rows;
}
