import type { AccountDay } from '../../database/reconciliation/account.ts';
import { listDueDays } from '../../database/reconciliation/due.ts';
import { failRun, type RunFailure } from '../../database/reconciliation/runs.ts';
import type { BillDate } from '../../domain/bill-day.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/** The days that a night has to reconcile: that of yesterday, those that were missed, and those of which there is news. */
export function listDueReconciliations({ pool }: ActivityDependencies) {
  return async (input: { merchantId: string; billDate: BillDate }): Promise<AccountDay[]> =>
    await listDueDays(pool, input.merchantId, input.billDate);
}

/** Stores that a day could not be reconciled, because a bill is not to be believed. @returns the id of the run. */
export function failReconciliation({ pool }: ActivityDependencies) {
  return async ({ day, failure }: { day: AccountDay; failure: RunFailure }): Promise<string> =>
    (await failRun(pool, day, failure)).id;
}
