import type { Account, AccountDay } from '../../database/reconciliation/account.ts';
import { failRun, listAccounts, type RunFailure } from '../../database/reconciliation/runs.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/** The accounts of a merchant: its own, or those of a service provider's sub-merchants. */
export function listReconciledAccounts({ pool }: ActivityDependencies) {
  return async ({ merchantId }: { merchantId: string }): Promise<Account[]> =>
    await listAccounts(pool, merchantId);
}

/** Stores that a day could not be reconciled, because a bill is not to be believed. @returns the id of the run. */
export function failReconciliation({ pool }: ActivityDependencies) {
  return async ({ day, failure }: { day: AccountDay; failure: RunFailure }): Promise<string> =>
    (await failRun(pool, day, failure)).id;
}
