import type { SearchAttributePair } from '@temporalio/common';
import type { BillPatience, MatchOutcome, RunFailure } from '../activities/index.ts';
import type { BillDate } from '../domain/bill-day.ts';
import { reconciliationScheduleId, reconciliationWorkflowId } from '../domain/identity.ts';
import { RECONCILIATION_TIMING, type ReconciliationTiming } from '../domain/reconciliation.ts';
import { BILLS, billsOf, type Region } from '../domain/region.ts';
import { MERCHANT_ID, TASK_QUEUE } from './start.ts';

/** Whose day. */
export interface DayToReconcile {
  tenantId: string;
  merchantId: string;
  mchid: string;
  /** Of a service provider's sub-merchant; null for a merchant. */
  subMchid: string | null;
  billDate: BillDate;
  /** Which bills it has; those of the mainland when nobody says. */
  region?: Region;
}

/** How patient, and how strict. */
export interface ReconciliationSettings {
  patience: BillPatience;
  timing: ReconciliationTiming;
}

/** Half an hour between two questions is what WeChat Pay asks for while a bill is being made. */
export const RECONCILIATION_SETTINGS: ReconciliationSettings = {
  patience: { creatingGapMs: 30 * 60_000, againMs: 30_000 },
  timing: RECONCILIATION_TIMING,
};

/** Input of the workflow of one day. */
export interface ReconciliationInput extends ReconciliationSettings {
  day: DayToReconcile;
}

/** Input of the workflow of a night. */
export interface NightInput extends ReconciliationSettings {
  merchantId: string;
  mchid: string;
}

/** How a day ended. */
export type ReconciliationResult =
  | ({ kind: 'done' } & MatchOutcome)
  /** A bill is not to be believed. */
  | { kind: 'failed'; runId: string; failure: RunFailure }
  /** Its workflow failed: a bug, or an outage that was too long. */
  | { kind: 'broken'; reason: string };

/** One day of a night; undefined until it has ended. */
export interface AccountResult {
  subMchid: string | null;
  billDate: BillDate;
  result: ReconciliationResult | undefined;
}

/** Options that start the workflow of a day, or find it running. A day may be reconciled again and again. */
export function reconciliationStart(
  day: DayToReconcile,
  {
    taskQueue = TASK_QUEUE,
    patience = RECONCILIATION_SETTINGS.patience,
    timing = RECONCILIATION_SETTINGS.timing,
  }: { taskQueue?: string } & Partial<ReconciliationSettings> = {},
) {
  const typedSearchAttributes: SearchAttributePair[] = [{ key: MERCHANT_ID, value: day.merchantId }];
  const whose = day.subMchid === null ? day.mchid : `${day.mchid} for ${day.subMchid}`;
  return {
    workflowType: 'reconciliation',
    workflowId: reconciliationWorkflowId(day.mchid, day.subMchid, day.billDate),
    taskQueue,
    args: [{ day, patience, timing }] as [ReconciliationInput],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    typedSearchAttributes,
    staticSummary: `reconciliation of ${day.billDate} · ${whose}`,
    staticDetails: `Our payments and refunds of **${day.billDate}** (Asia/Shanghai), the ${billsOf(day.region)
      .map((kind) => BILLS[kind].title)
      .join(
        ', the ',
      )} and the ledger of **${whose}**. It can be started again at any time: what has not changed stays as it is.`,
  };
}

/** What a schedule starts; Temporal adds the time to the workflow's id. */
export function nightStart(input: NightInput, taskQueue: string) {
  return {
    workflowType: 'reconciliationNight',
    workflowId: reconciliationScheduleId(input.mchid),
    taskQueue,
    args: [input] as [NightInput],
    typedSearchAttributes: [{ key: MERCHANT_ID, value: input.merchantId }] as SearchAttributePair[],
    staticSummary: `reconciliation night of ${input.mchid}`,
  };
}
