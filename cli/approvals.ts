import { type Approval, type ApprovalRefusal, approve, listOpenApprovals } from '../database/approvals.ts';
import { APPROVED_CHOICES, type ApprovedChoice } from '../domain/refund.ts';
import { rfc3339 } from '../domain/time.ts';
import type { ResolveAnswer } from '../workflows/messages.ts';
import { actingOperator, type KeySource } from './operator-key.ts';
import { tell } from './payment-action.ts';
import { onlyRefund } from './refund.ts';
import { decide, tellDecision } from './refund-action.ts';
import { withSagas } from './saga-client.ts';
import { sagaNamed } from './target.ts';
import { UsageError } from './usage-error.ts';

/** `paysaga approvals`: what waits for a second person. */
export async function listApprovals(options: KeySource & { json?: boolean }): Promise<void> {
  await withSagas(async ({ pool }) => {
    const operator = await actingOperator(pool, options);
    const open = await listOpenApprovals(pool, operator.tenantId);
    if (options.json) {
      const shown = open.map((approval) => ({
        id: approval.id,
        action: approval.action,
        subject_id: approval.subjectId,
        payload: approval.payload,
        reason: approval.reason,
        requested_by: approval.requestedBy,
        approved_by: approval.approvedBy,
        expires_at: rfc3339(approval.expiresAt),
      }));
      console.log(JSON.stringify(shown, null, 2));
      return;
    }
    for (const { id, action, subjectId, payload, reason, requestedBy, approvedBy, expiresAt } of open) {
      const stands = approvedBy === null ? 'waits for another operator' : `approved by ${approvedBy}`;
      console.log(`${id}  ${action} ${subjectId} ${JSON.stringify(payload)}`);
      console.log(`  ${requestedBy}: ${reason}\n  ${stands}, until ${rfc3339(expiresAt)}`);
    }
    if (open.length === 0) console.log('nothing waits for a second person');
  });
}

const REFUSALS: Record<ApprovalRefusal, string> = {
  unknown: 'there is no such request',
  not_approved: 'it could not be approved',
  same_person: 'you asked for it yourself: another operator has to approve it',
  operator_revoked: 'whoever asked for it may not act any more',
  expired: 'it has expired: it has to be asked for again',
  used: 'it was carried out already',
};

/** `paysaga approve`: adds the second person, and has the workflow carry it out. Repeating it is harmless. */
export async function approveRequest(id: string, options: KeySource & { json?: boolean }): Promise<void> {
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const approval = await approve(sagas.pool, operator, id);
    if (typeof approval === 'string') throw new UsageError(`${id}: ${REFUSALS[approval]}`);
    const choice = choiceOf(approval);
    if (choice) {
      const refund = await onlyRefund(sagas.pool, approval.subjectId, operator.tenantId);
      const { requestedBy: actor, reason } = approval;
      tellDecision(await decide(sagas, refund, { actor, reason, choice, approvalId: id }), options);
      return;
    }
    const target = await sagaNamed(sagas.pool, approval.subjectId, operator.tenantId);
    const update = approval.action === 'resolve_as_paid' ? 'resolveAsPaid' : 'resolveAsClosed';
    const answer = await sagas.update<ResolveAnswer>(target, update, {
      actor: approval.requestedBy,
      reason: approval.reason,
      approval: id,
    });
    tell(answer, options);
  });
}

/** What the two have decided about a refund; undefined when it is about a payment. */
function choiceOf({ action }: Approval): ApprovedChoice | undefined {
  return (Object.keys(APPROVED_CHOICES) as ApprovedChoice[]).find(
    (choice) => APPROVED_CHOICES[choice] === action,
  );
}
