import { randomUUID } from 'node:crypto';
import { approve, requestApproval } from '../../database/approvals.ts';
import { addOperator, findOperator, type Operator } from '../../database/operators.ts';
import { loadRefund } from '../../database/refunds.ts';
import { storePayout } from '../../gateway/payouts.ts';
import { recheck, resolveRefund } from '../../workflows/messages.ts';
import type { Paysaga } from '../fixture.ts';
import { untilAttention, untilSearchAttribute } from '../watch.ts';
import { finishRefund, PATIENT, type Path, paid, refund, refundId, type Setting } from './path.ts';

const ANA = { actor: 'ana', reason: 'customer called' };

const handle = (paysaga: Paysaga, workflowId: string) => paysaga.client.workflow.getHandle(workflowId);

async function abnormal(paysaga: Paysaga): Promise<{ id: string; number: string; workflowId: string }> {
  const payment = await paid(paysaga);
  const one = await refund(paysaga, payment.id);
  await finishRefund(paysaga, one.number, 'ABNORMAL');
  await paysaga.until(`/v1/refunds/${one.id}`, 'ABNORMAL');
  return one;
}

async function operator(paysaga: Paysaga, name: string): Promise<Operator> {
  const key = await addOperator(paysaga.pool, paysaga.tenantId, `${name} ${randomUUID()}`);
  const found = key && (await findOperator(paysaga.pool, key));
  if (!found) throw new Error(`no operator ${name}`);
  return found;
}

/** Attempts, and what people decide. The gateway finishes refunds when it is told to. */
const decisions: Record<string, Path> = {
  'refund-tried-again-under-another-number': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const first = await refund(paysaga, payment.id);
      await finishRefund(paysaga, first.number, 'CLOSED');
      await paysaga.until(`/v1/refunds/${first.id}`, 'FAILED');
      const { body } = await paysaga.call('POST', `/v1/refunds/${first.id}/retry`);
      await finishRefund(paysaga, body.out_refund_no, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${first.id}`, 'SUCCEEDED');
      return refundId(paysaga, body.out_refund_no);
    },
    has: ['update submit', 'local reserveRefund', 'activity submitRefund', 'completed'],
    most: 23,
  },
  'refund-waited-for-money-then-rechecked': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const limit = (limited: boolean) =>
        paysaga.control('PUT', `/merchants/${paysaga.mchid}/balance`, {
          limited,
          AVAILABLE: 0,
          UNSETTLED: 0,
        });
      await limit(true);
      const { id, number, workflowId } = await refund(paysaga, payment.id);
      await untilAttention(paysaga, `/v1/refunds/${id}`, 'refund_not_enough');
      await untilSearchAttribute(handle(paysaga, workflowId), 'Attention', 'needs_operator');
      await limit(false);
      await handle(paysaga, workflowId).executeUpdate(recheck, { args: [ANA] });
      await paysaga.until(`/v1/refunds/${id}`, 'PROCESSING');
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['activity submitRefund', 'update recheck', 'local recordOperatorAction', 'completed'],
  },
  'refund-abnormal-sent-elsewhere': {
    async drive(paysaga) {
      const { id, number, workflowId } = await abnormal(paysaga);
      const known = await loadRefund(paysaga.pool, id);
      if (!known) throw new Error(`no refund ${id}`);
      const choice = 'MERCHANT_BANK_CARD';
      const payoutId = await storePayout(paysaga, known, { type: choice });
      await handle(paysaga, workflowId).executeUpdate(resolveRefund, {
        args: [{ ...ANA, choice, payoutId }],
      });
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['update resolveRefund', 'activity payOutRefund', 'completed'],
  },
  'refund-abnormal-waited-for': {
    async drive(paysaga) {
      const { id, number, workflowId } = await abnormal(paysaga);
      await handle(paysaga, workflowId).executeUpdate(resolveRefund, { args: [{ ...ANA, choice: 'WAIT' }] });
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['update resolveRefund', 'local recordOperatorAction', 'activity settleRefundByQuery', 'completed'],
  },
  'refund-abnormal-settled-offline': {
    async drive(paysaga) {
      const { id, workflowId } = await abnormal(paysaga);
      const [ana, bo] = [await operator(paysaga, 'ana'), await operator(paysaga, 'bo')];
      const action = 'settle_refund_offline';
      const request = { action, subjectId: id, payload: {}, reason: 'paid in cash' } as const;
      const approvalId = await requestApproval(paysaga.pool, ana, request);
      await approve(paysaga.pool, bo, approvalId);
      await handle(paysaga, workflowId).executeUpdate(resolveRefund, {
        args: [{ ...ANA, choice: 'OFFLINE', approvalId }],
      });
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['update resolveRefund', 'activity settleRefundOffline', 'completed'],
  },
  'refund-started-again-after-it-was-terminated': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const { id, number, workflowId } = await refund(paysaga, payment.id);
      await handle(paysaga, workflowId).terminate('by mistake');
      await paysaga.pool.query('update refunds set ensure_at = now() where id = $1', [id]);
      await untilAttention(paysaga, `/v1/refunds/${id}`, 'workflow_ended');
      await paysaga.call('POST', `/v1/refunds/${id}/recheck`, { reason: 'was a mistake' });
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['update recheck', 'local reserveRefund', 'completed'],
  },
};

/** One that has to wait for its turn. */
const queue: Record<string, Path> = {
  'refund-queued-behind-another': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      await refund(paysaga, payment.id, { amount: { refund: 400 } });
      const { id, workflowId } = await refund(paysaga, payment.id, { amount: { refund: 600 } });
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['activity submitRefund', 'timer', 'completed'],
  },
};

/** Retries of refunds, their queue, and decisions about them. */
export const REFUND_DECISION_SETTINGS: readonly Setting[] = [
  {
    options: { refundTiming: PATIENT, simulator: { refundDelayMs: Number.POSITIVE_INFINITY } },
    paths: decisions,
  },
  { options: { refundTiming: { ...PATIENT, gapMs: 1_500 } }, paths: queue },
];
