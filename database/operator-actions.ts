import { randomUUID } from 'node:crypto';
import { publicId } from '../domain/identity.ts';
import type { OperatorAction } from '../domain/operator.ts';
import type { Queryable } from './pool.ts';

/** What an operator did. */
export interface NewOperatorAction {
  tenantId: string;
  paymentId?: string | undefined;
  refundId?: string | undefined;
  combinedId?: string | undefined;
  latePaymentId?: string | undefined;
  action: OperatorAction;
  actor: string;
  reason: string;
  /** The approval it took, and who gave it. */
  approval?: { id: string; approvedBy: string } | undefined;
  /** What the gateway said. Nothing private. */
  evidence?: unknown;
  /** What became of it, in a word. */
  result: string;
  /** Names the request, so that its repeat is not another action. */
  updateKey?: string | undefined;
}

/** Records what an operator did, once per request. Where it changes a state, call it in the transaction of that. @returns its id. */
export async function recordOperatorAction(db: Queryable, action: NewOperatorAction): Promise<string> {
  const id = publicId('act', randomUUID());
  const { rowCount } = await db.query(
    `insert into operator_actions (id, tenant_id, payment_id, refund_id, combined_id, late_payment_id, action, actor, reason, approval_id, approved_by,
       evidence, result, update_key)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
     on conflict (update_key) do nothing`,
    [
      id,
      action.tenantId,
      action.paymentId ?? null,
      action.refundId ?? null,
      action.combinedId ?? null,
      action.latePaymentId ?? null,
      action.action,
      action.actor,
      action.reason,
      action.approval?.id ?? null,
      action.approval?.approvedBy ?? null,
      action.evidence === undefined ? null : JSON.stringify(action.evidence),
      action.result,
      action.updateKey ?? null,
    ],
  );
  if (rowCount === 1) return id;
  const { rows } = await db.query<{ id: string }>('select id from operator_actions where update_key = $1', [
    action.updateKey,
  ]);
  return (rows[0] as { id: string }).id;
}

/** What was done to a payment, its refunds included, or to a combined one, oldest first. */
export async function listOperatorActions(
  db: Queryable,
  id: string,
): Promise<
  {
    id: string;
    action: OperatorAction;
    actor: string;
    reason: string;
    approvedBy: string | null;
    evidence: unknown;
    result: string;
    refundId: string | null;
    at: Date;
  }[]
> {
  const { rows } = await db.query(
    `select id, action, actor, reason, approved_by "approvedBy", evidence, result, refund_id "refundId", at from operator_actions
     where payment_id = $1 or combined_id = $1 order by at, id`,
    [id],
  );
  return rows;
}
