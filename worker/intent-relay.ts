import { type Client, WorkflowExecutionAlreadyStartedError } from '@temporalio/client';
import { claimOrphanedCombined, requestCombinedAttention } from '../database/combined-payments.ts';
import { ensured } from '../database/intents.ts';
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
    row: { ensured: (again: boolean) => Promise<void>; askOperator: (db: Queryable) => Promise<unknown> },
  ): Promise<void> {
    const { workflowType, ...rest } = options;
    try {
      await client.workflow.start(workflowType, rest);
      await row.ensured(true);
      log.info({ workflow_id: options.workflowId }, 'made sure that the workflow runs');
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
      // The workflow ended without bringing its row to an end: it was terminated by hand, say. Only a person can tell.
      log.error({ workflow_id: options.workflowId }, 'the workflow has ended but its row has not');
      await inTransaction(pool, row.askOperator);
      await row.ensured(false);
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
            ensured: (again) => ensured(pool, 'payments', payment.id, { again }),
            askOperator: (db) => requestAttention(db, payment.id, WORKFLOW_ENDED),
          }),
        ),
        ...combined.map((one) =>
          start(combinedStart(one, startOptions), {
            ensured: (again) => ensured(pool, 'combined_payments', one.id, { again }),
            askOperator: (db) => requestCombinedAttention(db, one.id, WORKFLOW_ENDED),
          }),
        ),
        ...refunds.map((refund) =>
          start(refundStart(refund, startOptions), {
            ensured: (again) => ensured(pool, 'refunds', refund.id, { again }),
            askOperator: (db) => requestRefundAttention(db, refund.id, WORKFLOW_ENDED),
          }),
        ),
        ...latePayments.map((late) =>
          start(latePaymentStart(late, startOptions), {
            // Somebody may delete a workflow that has ended too early, so that it begins anew.
            ensured: () => ensured(pool, 'late_payments', late.id, { again: true }),
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
