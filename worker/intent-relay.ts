import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { claimOrphanedCombined, requestCombinedAttention } from '../database/combined-payments.ts';
import { ensured, type IntentTable, lockOpen } from '../database/intents.ts';
import { claimOrphanedLatePayments, requestLatePaymentAttention } from '../database/late-payments.ts';
import { requestAttention } from '../database/payment-changes.ts';
import { claimOrphanedPayments } from '../database/payments.ts';
import { inTransaction, type Pool, type Queryable } from '../database/pool.ts';
import { requestRefundAttention } from '../database/refund-changes.ts';
import { claimOrphanedRefunds } from '../database/refunds.ts';
import type { Logger } from '../process/logger.ts';
import {
  combinedStart,
  latePaymentStart,
  paymentStart,
  refundStart,
  type StartOptions,
} from '../workflows/start.ts';
import { BATCH, type Relay, startRelay } from './relay.ts';

/** Reason shown to an operator: somebody terminated the workflow, say. */
const WORKFLOW_ENDED = 'workflow_ended';

/**
 * Starts the workflows of intents that were accepted but whose workflow never was (the API crashed between the two, or Temporal was
 * down). No intent is orphaned: a request that its client never repeats still ends in a definite state.
 */
export function startIntentRelay({
  pool,
  client,
  startOptions,
  idleMs = 5_000,
  log,
}: {
  pool: Pool;
  client: Client;
  startOptions: StartOptions;
  /** How often to look, in milliseconds. */
  idleMs?: number;
  log: Logger;
}): Relay {
  async function start(
    options: ReturnType<
      typeof paymentStart | typeof combinedStart | typeof refundStart | typeof latePaymentStart
    >,
    row: { table: IntentTable; id: string; askOperator: (db: Queryable) => Promise<unknown> },
  ): Promise<void> {
    const { workflowType, ...rest } = options;
    try {
      await client.workflow.start(workflowType, rest);
      await ensured(pool, row.table, row.id, { again: true });
      log.info({ workflow_id: options.workflowId }, 'made sure that the workflow runs');
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      await inTransaction(pool, async (db) => {
        // It has begun and ended after the row was claimed, and the row with it.
        if (!(await lockOpen(db, row.table, row.id))) return;
        // The workflow ended without bringing its row to an end: it was terminated by hand, say. Only a person can tell.
        log.error({ workflow_id: options.workflowId }, 'the workflow has ended but its row has not');
        await row.askOperator(db);
        // Somebody may delete a workflow of late money that has ended too early, so that it begins anew.
        await ensured(db, row.table, row.id, { again: row.table === 'late_payments' });
      });
    }
  }

  return startRelay({
    name: 'intents',
    pool,
    idleMs,
    log,
    async turn() {
      const payments = await claimOrphanedPayments(pool, BATCH);
      const combined = await claimOrphanedCombined(pool, BATCH);
      const refunds = await claimOrphanedRefunds(pool, BATCH);
      const latePayments = await claimOrphanedLatePayments(pool, BATCH);
      const results = await Promise.allSettled([
        ...payments.map((payment) =>
          start(paymentStart(payment, startOptions), {
            table: 'payments',
            id: payment.id,
            askOperator: (db) => requestAttention(db, payment.id, WORKFLOW_ENDED),
          }),
        ),
        ...combined.map((one) =>
          start(combinedStart(one, startOptions), {
            table: 'combined_payments',
            id: one.id,
            askOperator: (db) => requestCombinedAttention(db, one.id, WORKFLOW_ENDED),
          }),
        ),
        ...refunds.map((refund) =>
          start(refundStart(refund, startOptions), {
            table: 'refunds',
            id: refund.id,
            askOperator: (db) => requestRefundAttention(db, refund.id, WORKFLOW_ENDED),
          }),
        ),
        ...latePayments.map((late) =>
          start(latePaymentStart(late, startOptions), {
            table: 'late_payments',
            id: late.id,
            askOperator: (db) => requestLatePaymentAttention(db, late.id, WORKFLOW_ENDED),
          }),
        ),
      ]);
      const failure = results.find((result) => result.status === 'rejected');
      if (failure) throw failure.reason;
      return Math.max(payments.length, combined.length, refunds.length, latePayments.length);
    },
  });
}
