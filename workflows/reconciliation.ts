import { ApplicationFailure, defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import {
  executeChild,
  proxyActivities,
  setCurrentDetails,
  upsertSearchAttributes,
  workflowInfo,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { billDateOf, daysAfter } from '../domain/bill-day.ts';
import { BILLS, type BillKind, billsOf } from '../domain/region.ts';
import { nightDetails, runDetails } from './reconciliation-details.ts';
import {
  type AccountResult,
  type DayToReconcile,
  type NightInput,
  type ReconciliationInput,
  type ReconciliationResult,
  reconciliationStart,
} from './reconciliation-start.ts';
import { ATTENTION } from './start.ts';

/** A bill may take this long to appear: WeChat Pay makes it from nine in the morning on, and the next night must not wait for ever. */
const BILL_WITHIN = '20 hours';
/** Long enough for a worker whose one thread is busy with a large bill. */
const SILENCE_MS = 30_000;
/** So many accounts of a service provider are reconciled at a time. */
const AT_A_TIME = 5;

/**
 * One day of one account: its bills, then our rows, the trade bill, the fund flow (or the statement of an overseas merchant) and the ledger are matched. A bill that is not to be believed is an outcome,
 * stored with its line and its reason, and shown to an operator; it fails nothing else.
 */
export async function reconciliation(input: ReconciliationInput): Promise<ReconciliationResult> {
  const { day, patience, timing } = input;
  const progress: Partial<Record<BillKind, string>> = {};
  const show = (result?: ReconciliationResult) => setCurrentDetails(runDetails(day, progress, result));
  show();

  const bills = await Promise.all(
    billsOf(day.region).map(async (kind) => {
      const { loadBill } = proxyActivities<Activities>({
        startToCloseTimeout: '6 hours',
        scheduleToCloseTimeout: BILL_WITHIN,
        heartbeatTimeout: patience.silenceMs ?? SILENCE_MS,
        retry: { initialInterval: patience.againMs, maximumInterval: '10 minutes' },
        summary: `${BILLS[kind].title} of ${accountName(day)}, ${day.billDate}`,
      });
      const bill = await loadBill({ day, kind, patience });
      progress[kind] =
        bill.kind === 'loaded'
          ? `${bill.rows} rows, sha256 ${bill.sha256.slice(0, 12)}${bill.findings.map((finding) => `; ${finding}`).join('')}`
          : `not to be believed: ${bill.failure.detail}`;
      show();
      return bill;
    }),
  );
  const { matchBills, failReconciliation } = proxyActivities<Activities>({
    startToCloseTimeout: '6 hours',
    scheduleToCloseTimeout: BILL_WITHIN,
    heartbeatTimeout: patience.silenceMs ?? SILENCE_MS,
    retry: { initialInterval: patience.againMs, maximumInterval: '10 minutes' },
    summary: `reconcile ${accountName(day)}, ${day.billDate}`,
  });
  let result: ReconciliationResult;
  const [failure] = bills.flatMap((bill) => (bill.kind === 'failed' ? [bill.failure] : []));
  const [tradeFile, flowFile = null] = bills.flatMap((bill) => (bill.kind === 'loaded' ? [bill.file] : []));
  if (failure) {
    result = { kind: 'failed', runId: await failReconciliation({ day, failure }), failure };
  } else {
    if (tradeFile === undefined) throw new Error('there is no bill');
    const outcome = await matchBills({ day, tradeFile, flowFile, timing });
    result = { kind: 'done', ...outcome };
  }
  if (needsPeople(result)) upsertSearchAttributes([{ key: ATTENTION, value: 'needs_operator' }]);
  show(result);
  return result;
}

/** When the schedule meant the night to begin; also for one that comes late, or is filled in afterwards. */
const SCHEDULED_AT = defineSearchAttributeKey('TemporalScheduledStartTime', SearchAttributeType.DATETIME);

/**
 * The night of a merchant, started by its schedule: yesterday, and the days that were missed, of its account, or,
 * for a service provider, of each sub-merchant, as workflows of their own.
 * What goes wrong with one account does not keep the others. When one could not be brought to an end at all, the night fails, and the schedule pauses.
 */
export async function reconciliationNight(input: NightInput): Promise<AccountResult[]> {
  const scheduledAt = workflowInfo().typedSearchAttributes.get(SCHEDULED_AT) ?? workflowInfo().startTime;
  const billDate = daysAfter(billDateOf(scheduledAt), -1);
  const { listDueReconciliations } = proxyActivities<Activities>({
    startToCloseTimeout: '1 minute',
    summary: 'what is to be reconciled',
  });
  const due = await listDueReconciliations({ merchantId: input.merchantId, billDate });
  const results: AccountResult[] = due.map(({ subMchid, billDate }) => ({
    subMchid,
    billDate,
    result: undefined,
  }));
  const show = () => setCurrentDetails(nightDetails(input.mchid, results));
  show();

  const reconcile = async (index: number, day: DayToReconcile) => {
    const { workflowType, ...start } = reconciliationStart(day, {
      taskQueue: workflowInfo().taskQueue,
      ...input,
    });
    const result = await executeChild<(input: ReconciliationInput) => Promise<ReconciliationResult>>(
      workflowType,
      { ...start, parentClosePolicy: 'ABANDON' },
    ).catch((error: unknown): ReconciliationResult => ({ kind: 'broken', reason: reasonOf(error) }));
    results[index] = { subMchid: day.subMchid, billDate: day.billDate, result };
    show();
  };
  // The days of an account one after the other, as each begins with what the day before has left open; accounts beside each other.
  const accounts = [...new Set(due.map(({ subMchid }) => subMchid))];
  const work = async () => {
    for (let next = accounts.shift(); next !== undefined; next = accounts.shift()) {
      for (const [index, day] of due.entries()) if (day.subMchid === next) await reconcile(index, day);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));

  if (results.some(({ result }) => result && needsPeople(result))) {
    upsertSearchAttributes([{ key: ATTENTION, value: 'needs_operator' }]);
  }
  const broken = results.filter(({ result }) => result?.kind === 'broken');
  if (broken.length > 0) {
    throw ApplicationFailure.nonRetryable(
      `${broken.length} of ${results.length} days could not be reconciled`,
      'ReconciliationBroken',
    );
  }
  return results;
}

function accountName({ mchid, subMchid }: { mchid: string; subMchid: string | null }): string {
  return subMchid === null ? mchid : `${mchid} for ${subMchid}`;
}

/** Whether it is somebody's turn. */
function needsPeople(result: ReconciliationResult): boolean {
  if (result.kind !== 'done') return true;
  return result.lines.breaks > 0 || result.items.aged > 0 || Object.values(result.checks).includes(false);
}

/** The words of the innermost cause: those of the outer ones only say that something failed. */
function reasonOf(error: unknown): string {
  const { cause, message } = error as { cause?: unknown; message?: string };
  return cause === undefined ? (message ?? 'it failed') : reasonOf(cause);
}
