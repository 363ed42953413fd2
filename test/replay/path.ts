import { randomUUID } from 'node:crypto';
import { approve, requestApproval } from '../../database/approvals.ts';
import { addOperator, findOperator } from '../../database/operators.ts';
import type { Paysaga, PaysagaOptions } from '../fixture.ts';

/** A way that a saga can take, and how to make one take it. */
export interface Path {
  /** Takes it through the public API and the gateway. @returns the workflow's id. */
  drive: (paysaga: Paysaga) => Promise<string>;
  /** Steps (see `steps`) that the history has if it is this path, and those that it has not. */
  has: string[];
  hasNot?: string[];
  /** So many events at most: each costs Temporal time. */
  most?: number;
}

/** Paths that are driven with the same durations. */
export interface Setting {
  options: PaysagaOptions;
  paths: Record<string, Path>;
}

export const SHORT = { notifyWaitMs: 300, pollGapsMs: [200, 300] };
/** The notification is patiently waited for. */
export const PATIENT = { notifyWaitMs: 60_000, pollGapsMs: [200, 300] };

/** How long a window lasts that is to end in a test. */
export const WINDOW_MS = 2_000;

export const paymentId = (paysaga: Paysaga, number: string) => `payment/${paysaga.mchid}/${number}`;
export const refundId = (paysaga: Paysaga, number: string) => `refund/${paysaga.mchid}/${number}`;

export async function create(
  paysaga: Paysaga,
  fields: object = {},
): Promise<{ id: string; number: string; workflowId: string }> {
  const { body } = await paysaga.createPayment({ ...fields });
  if (!body.id) throw new Error(`no payment was created: ${JSON.stringify(body)}`);
  return { id: body.id, number: body.out_trade_no, workflowId: paymentId(paysaga, body.out_trade_no) };
}

export const pay = (paysaga: Paysaga, number: string, body = {}) =>
  paysaga.control('POST', `/orders/${number}/pay`, body);
export async function fault(paysaga: Paysaga, rule: object): Promise<void> {
  const { status, body } = await paysaga.control('POST', '/faults', rule);
  if (status >= 300) throw new Error(`the simulator refuses the fault: ${JSON.stringify(body)}`);
}
export const mend = (paysaga: Paysaga) => paysaga.control('DELETE', '/faults');

/** Nobody hears of anything: only asking helps. */
export const loseNotifications = (paysaga: Paysaga) =>
  fault(paysaga, { operation: 'notification', kind: 'drop', times: null });

export async function paid(paysaga: Paysaga): Promise<{ id: string; number: string }> {
  const { id, number } = await create(paysaga, { amount: { total: 1000 } });
  await pay(paysaga, number);
  await paysaga.until(`/v1/payments/${id}`, 'PAID');
  return { id, number };
}

export async function refund(
  paysaga: Paysaga,
  payment: string,
  fields: object = {},
): Promise<{ id: string; number: string; workflowId: string }> {
  const { body } = await paysaga.call('POST', `/v1/payments/${payment}/refunds`, fields);
  if (!body.id) throw new Error(`no refund was created: ${JSON.stringify(body)}`);
  return { id: body.id, number: body.out_refund_no, workflowId: refundId(paysaga, body.out_refund_no) };
}

export const finishRefund = (paysaga: Paysaga, number: string, status: string) =>
  paysaga.control('POST', `/refunds/${number}/finish`, { status });

/** Waits until the payment or refund at this path shows the reason to an operator. */
export async function untilAttention(paysaga: Paysaga, path: string, reason: string | null): Promise<void> {
  for (let turn = 0; turn < 600; turn += 1) {
    if ((await paysaga.call('GET', path)).body.attention_reason === reason) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${path} does not ask for an operator because of ${reason}`);
}

/** Asks again, once the workflow waits for that: its row says so a moment earlier. */
export async function recheck(paysaga: Paysaga, workflowId: string): Promise<void> {
  const handle = paysaga.client.workflow.getHandle(workflowId);
  for (let turn = 0; ; turn += 1) {
    try {
      return await handle.executeUpdate('recheck', { args: [{ actor: 'ops', reason: 'amount corrected' }] });
    } catch (error) {
      if (turn === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

/** What two operators have agreed on. @returns the id of the approval. */
export async function approvedByTwo(
  paysaga: Paysaga,
  request: Parameters<typeof requestApproval>[2],
): Promise<string> {
  const { pool, tenantId } = paysaga;
  const operator = async () => {
    const key = await addOperator(pool, tenantId, `operator ${randomUUID()}`);
    const found = key && (await findOperator(pool, key));
    if (!found) throw new Error('there is no such operator');
    return found;
  };
  const approval = await requestApproval(pool, await operator(), request);
  await approve(pool, await operator(), approval);
  return approval;
}
