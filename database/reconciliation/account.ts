import type { BillDate } from '../../domain/bill-day.ts';
import type { Region } from '../../domain/region.ts';

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
