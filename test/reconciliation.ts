import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type BillDate, billDateOf, billDay, daysAfter } from '../domain/bill-day.ts';
import { RECONCILIATION_TIMING, type ReconciliationTiming } from '../domain/reconciliation.ts';
import type { Region } from '../domain/region.ts';
import type { BillFault } from '../simulator/faults/fault.ts';
import { SeededRandom } from '../simulator/random.ts';
import type { ReconciliationResult } from '../workflows/reconciliation-start.ts';
import { reconciliationStart } from '../workflows/reconciliation-start.ts';
import { type Paysaga, type PaysagaOptions, startPaysaga } from './fixture.ts';

/** A merchant's days with WeChat Pay, on a clock that the test moves. */
export interface Books {
  paysaga: Paysaga;
  /** The simulated present. */
  now(): Date;
  today(): BillDate;
  /** Moves the clock to a time of day, of today or of the day named. */
  at(time: string, date?: BillDate): Promise<void>;
  /** Orders and pays. @returns the payment. */
  sell(fields?: Sale): Promise<Sold>;
  /** Refunds, and waits until the customer has it unless told. */
  giveBack(sold: Sold, fen: number, until?: 'SUCCEEDED' | 'PROCESSING'): Promise<Sold>;
  /** Reconciles a day: yesterday's unless told. */
  reconcile(date?: BillDate, options?: Reconciling): Promise<ReconciliationResult>;
  /** A refund or a payment as WeChat Pay has it altered in its bills. */
  alter(alteration: Alteration): Promise<{ inventedNumber: string }>;
  /** Lines of a run that are in this state, or of all but matched ones. */
  lines(runId: string, state?: string): Promise<Line[]>;
}

/** What a test orders. */
export interface Sale {
  fen?: number;
  coupon?: { amount: number; type: 'CASH' | 'NOCASH' };
  /** More fields of the order. */
  fields?: Record<string, unknown>;
  /** False leaves it unpaid. */
  pay?: boolean;
}

/** What is wrong with the bills of a day from now on. */
export interface Alteration {
  date: BillDate;
  kind: BillFault;
  /** The trade bill unless told. */
  bill?: keyof typeof OPERATIONS;
  mchid?: string;
  out_trade_no?: string;
  out_refund_no?: string;
}

const OPERATIONS = {
  trade: ['bill.trade'],
  fund_flow: ['bill.fund_flow', 'bill.sub_merchant_fund_flow'],
  all: ['bill.*'],
  statement: ['statement.download'],
};

/** A payment or refund, as the API answered it. */
// biome-ignore lint/suspicious/noExplicitAny: tests read fields of JSON
export type Sold = any;

/** How a day is reconciled in a test. */
export interface Reconciling {
  merchantId?: string;
  mchid?: string;
  subMchid?: string | null;
  region?: Region;
  timing?: Partial<ReconciliationTiming>;
  /** Returns at once; whoever asked waits by itself. */
  wait?: boolean;
}

/** A line, as far as tests look at it. */
export interface Line {
  subject: string;
  kind: string;
  state: string;
  reason: string;
  rule: string | null;
  out_trade_no: string | null;
  out_refund_no: string | null;
  payment_id: string | null;
  refund_id: string | null;
}

/** The outcome of a run that came to its end, whose figures add up. */
export async function done(
  running: Promise<ReconciliationResult>,
): Promise<Extract<ReconciliationResult, { kind: 'done' }>> {
  const result = await running;
  assert.ok(result.kind === 'done', JSON.stringify(result));
  const { checks } = result;
  assert.deepEqual(checks, { rows: true, sums: true, ledger: true, items: true }, JSON.stringify(result));
  return result;
}

/**
 * Starts paysaga on a simulated clock.
 * @param firstDay at whose noon it begins. Each file of tests has days of its own: workflows are named by merchant and day, and all files share Temporal.
 */
export async function startBooks(firstDay: BillDate, options: PaysagaOptions = {}): Promise<Books> {
  let now = () => Date.parse(`${firstDay}T12:00:00+08:00`);
  const paysaga = await startPaysaga({
    paymentTiming: { notifyWaitMs: 2_000, pollGapsMs: [500] },
    refundTiming: { notifyWaitMs: 2_000, pollGapsMs: [500] },
    apiClock: () => now(),
    ...options,
    simulator: {
      // So long a refund is on its way, unless the test lets it arrive.
      refundDelayMs: 20 * 60_000,
      ...options.simulator,
      scenario: {
        ...options.simulator?.scenario,
        settings: { clock: `${firstDay}T12:00:00+08:00`, ...options.simulator?.scenario?.settings },
      },
    },
  });
  const { timers } = paysaga.simulator.gateway;
  now = () => timers.now();
  const today = () => billDateOf(new Date(timers.now()));

  const books: Books = {
    paysaga,
    now: () => new Date(timers.now()),
    today,
    async at(time, date = today()) {
      const { body, status } = await paysaga.control('POST', '/clock', {
        set: `${date}T${time}+08:00`,
      });
      if (status !== 200) throw new Error(`the clock: ${JSON.stringify(body)}`);
    },
    async sell({ fen = 2590, coupon, fields = {}, pay = true } = {}) {
      const { status, body } = await paysaga.createPayment({ amount: { total: fen }, ...fields });
      if (status !== 201) throw new Error(`the order: ${JSON.stringify(body)}`);
      if (!pay) return body;
      const paid = await paysaga.control(
        'POST',
        `/orders/${body.out_trade_no}/pay`,
        coupon ? { coupon } : {},
      );
      if (paid.status !== 200) throw new Error(`paying: ${JSON.stringify(paid.body)}`);
      return await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    },
    async giveBack(sold, fen, until = 'SUCCEEDED') {
      const { status, body } = await paysaga.call('POST', `/v1/payments/${sold.id}/refunds`, {
        amount: { refund: fen },
      });
      if (status !== 201) throw new Error(`the refund: ${JSON.stringify(body)}`);
      await paysaga.until(`/v1/refunds/${body.id}`, 'PROCESSING', 'SUCCEEDED');
      if (until === 'SUCCEEDED') {
        await paysaga.control('POST', `/refunds/${body.out_refund_no}/finish`, { status: 'SUCCESS' });
      }
      return await paysaga.until(`/v1/refunds/${body.id}`, until);
    },
    async reconcile(date = daysAfter(today(), -1), reconciling = {}) {
      const {
        merchantId = paysaga.merchantId,
        mchid = paysaga.mchid,
        subMchid = null,
        region,
        timing = {},
      } = reconciling;
      const { workflowType, ...start } = reconciliationStart(
        {
          ...{ tenantId: paysaga.tenantId, merchantId, mchid, subMchid, billDate: date },
          ...(region && { region }),
        },
        {
          taskQueue: paysaga.taskQueue,
          patience: { creatingGapMs: 300, againMs: 50 },
          timing: { ...RECONCILIATION_TIMING, ...timing },
        },
      );
      const handle = await paysaga.client.workflow.start(workflowType, start);
      const complaint = setTimeout(async () => {
        const { raw } = await handle.describe();
        console.error(
          raw.pendingActivities?.map(({ activityType, lastFailure }) => [
            activityType?.name,
            lastFailure?.message,
          ]),
        );
      }, 10_000);
      return await handle.result().finally(() => clearTimeout(complaint));
    },
    async alter({ date, kind, bill = 'trade', ...row }) {
      // What was wrong before is right in the new version.
      if (kind === 'restated') await paysaga.control('DELETE', '/faults');
      const operations = kind === 'restated' && bill !== 'statement' ? ['bill.*'] : OPERATIONS[bill];
      let id = '';
      for (const operation of operations) {
        const { status, body } = await paysaga.control('POST', '/faults', {
          ...{ operation, kind, bill_date: date, ...row },
          ...(kind !== 'restated' && { times: null }),
        });
        if (status >= 300) throw new Error(`the alteration: ${JSON.stringify(body)}`);
        id = body.id;
      }
      // The number of an invented row depends on the rule alone.
      return { inventedNumber: `X${new SeededRandom(`extra row/${id}`).digits(12)}` };
    },
    async lines(runId, state) {
      const { rows } = await paysaga.pool.query<Line>(
        `select l.subject, l.kind, l.state, l.reason, l.rule, l.out_trade_no, l.out_refund_no, l.payment_id, l.refund_id
           from reconciliation_lines l join reconciliation_runs r on r.sequence = l.run
          where r.id = $1 and case when $2::text is null then l.state <> 'matched' else l.state = $2 end order by l.ordinal`,
        [runId, state ?? null],
      );
      return rows;
    },
  };
  return books;
}

/** A time of day that is nobody's midnight. */
export const MORNING = '11:00:00';

/** A number that no test has used. */
export const newNumber = (letter: string) => `${letter}${randomUUID().replaceAll('-', '').slice(0, 20)}`;

/** The last second of a day. */
export const lastSecond = (date: BillDate) => new Date(billDay(date).to.getTime() - 1000);
