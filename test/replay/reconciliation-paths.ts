import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { RECONCILIATION_TIMING } from '../../domain/reconciliation.ts';
import type { Region } from '../../domain/region.ts';
import { nightStart, reconciliationStart } from '../../workflows/reconciliation-start.ts';
import type { Paysaga } from '../fixture.ts';
import { enrolOverseas } from '../overseas.ts';
import { create, fault, type Path, paid, pay, type Setting } from './path.ts';

const SETTINGS = {
  patience: { creatingGapMs: 300, againMs: 50 },
  timing: RECONCILIATION_TIMING,
};

/** The present day of a merchant: its bills are there at once. @returns the workflow's id. */
async function reconcile(
  paysaga: Paysaga,
  billDate = billDateOf(new Date()),
  { merchantId, mchid, region }: { merchantId: string; mchid: string; region?: Region } = paysaga,
): Promise<string> {
  const { tenantId, taskQueue } = paysaga;
  const { workflowType, ...start } = reconciliationStart(
    { tenantId, merchantId, mchid, subMchid: null, billDate, ...(region && { region }) },
    { taskQueue, ...SETTINGS },
  );
  const { workflowId } = await paysaga.client.workflow.start(workflowType, start);
  return workflowId;
}

const BILLS = ['activity loadBill', 'completed'];

const days: Record<string, Path> = {
  'reconciliation-on-which-all-agree': {
    async drive(paysaga) {
      await paid(paysaga);
      return await reconcile(paysaga);
    },
    has: [...BILLS, 'activity matchBills'],
    hasNot: ['activity failReconciliation'],
    most: 24,
  },
  'reconciliation-of-an-empty-day': {
    drive: (paysaga) => reconcile(paysaga, daysAfter(billDateOf(new Date()), -1)),
    has: [...BILLS, 'activity matchBills'],
    most: 24,
  },
  'reconciliation-with-breaks': {
    async drive(paysaga) {
      const { id, number } = await create(paysaga);
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      await fault(paysaga, { operation: 'bill.*', kind: 'missing_row', out_trade_no: number, times: null });
      return await reconcile(paysaga);
    },
    has: [...BILLS, 'activity matchBills'],
    most: 24,
  },
  'reconciliation-of-bills-not-to-be-believed': {
    async drive(paysaga) {
      await paid(paysaga);
      await fault(paysaga, { operation: 'bill.trade', kind: 'bad_hash', times: null });
      return await reconcile(paysaga);
    },
    has: [...BILLS, 'activity failReconciliation'],
    hasNot: ['activity matchBills'],
    most: 24,
  },
  'reconciliation-of-an-overseas-statement': {
    async drive(paysaga) {
      const overseas = await enrolOverseas(paysaga);
      try {
        await overseas.book(await overseas.sell('HKD', 2590), new Date());
      } finally {
        await overseas.close();
      }
      return await reconcile(paysaga, undefined, { ...overseas, region: 'overseas' });
    },
    has: [...BILLS, 'activity matchBills'],
    hasNot: ['activity failReconciliation'],
    most: 24,
  },
  'reconciliation-night': {
    async drive(paysaga) {
      const { merchantId, mchid, taskQueue } = paysaga;
      const { workflowType, ...start } = nightStart({ merchantId, mchid, ...SETTINGS }, taskQueue);
      const { workflowId } = await paysaga.client.workflow.start(workflowType, start);
      return workflowId;
    },
    has: ['activity listDueReconciliations', 'child reconciliation', 'completed'],
  },
};

/** Days and nights of reconciliation. */
export const RECONCILIATION_SETTINGS: readonly Setting[] = [
  { options: { simulator: { scenario: { bills: { available: 'immediately' } } } }, paths: days },
];
