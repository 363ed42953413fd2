import { randomUUID } from 'node:crypto';
import { publicId } from '../domain/identity.ts';
import { APPROVAL_HOURS, type ApprovedAction } from '../domain/operator.ts';
import type { Operator } from './operators.ts';
import type { Queryable } from './pool.ts';

/** What one operator asks for and another one approves. */
export interface Approval {
  id: string;
  tenantId: string;
  action: ApprovedAction;
  /** The payment or refund it is about. */
  subjectId: string;
  /** What exactly is to be done; what it holds depends on the action. */
  payload: unknown;
  reason: string;
  /** Names. */
  requestedBy: string;
  requestedAt: Date;
  expiresAt: Date;
  approvedBy: string | null;
  approvedAt: Date | null;
  usedAt: Date | null;
}

const COLUMNS = `
  a.id, a.tenant_id "tenantId", a.action, a.subject_id "subjectId", a.payload, a.reason, r.name "requestedBy",
  a.requested_at "requestedAt", a.expires_at "expiresAt", b.name "approvedBy", a.approved_at "approvedAt", a.used_at "usedAt"`;
const FROM = `from approvals a join operators r on r.id = a.requested_by left join operators b on b.id = a.approved_by`;

/** Stores what an operator asks for. @returns the approval's id. */
export async function requestApproval(
  db: Queryable,
  operator: Operator,
  request: { action: ApprovedAction; subjectId: string; payload: unknown; reason: string },
): Promise<string> {
  const id = publicId('apr', randomUUID());
  await db.query(
    `insert into approvals (id, tenant_id, action, subject_id, payload, reason, requested_by, expires_at)
     values ($1, $2, $3, $4, $5, $6, $7, now() + make_interval(hours => $8))`,
    [
      id,
      operator.tenantId,
      request.action,
      request.subjectId,
      JSON.stringify(request.payload),
      request.reason,
      operator.id,
      APPROVAL_HOURS,
    ],
  );
  return id;
}

/** What waits for a second person, oldest first. */
export async function listOpenApprovals(db: Queryable, tenantId: string): Promise<Approval[]> {
  const { rows } = await db.query<Approval>(
    `select ${COLUMNS} ${FROM} where a.tenant_id = $1 and a.used_at is null and a.expires_at > now() order by a.requested_at`,
    [tenantId],
  );
  return rows;
}

/** Why an approval is refused, in a word. */
export type ApprovalRefusal =
  /** The tenant has none of this id; or it is about something else. */
  | 'unknown'
  /** Nobody else has approved it. */
  | 'not_approved'
  /** Whoever asks for something does not approve it herself. */
  | 'same_person'
  /** One of the two may not act any more. */
  | 'operator_revoked'
  | 'expired'
  /** It was carried out. */
  | 'used';

/** Approves what somebody else has asked for; who has approved it already may do so again. @returns the refusal if there is one. */
export async function approve(
  db: Queryable,
  operator: Operator,
  id: string,
): Promise<Approval | ApprovalRefusal> {
  await db.query(
    `update approvals set approved_by = $2, approved_at = now()
     where id = $1 and tenant_id = $3 and requested_by <> $2 and approved_by is null and expires_at > now()`,
    [id, operator.id, operator.tenantId],
  );
  const approval = await find(db, operator.tenantId, id);
  if (!approval) return 'unknown';
  if (approval.requestedBy === operator.name) return 'same_person';
  return refusalOf(approval) ?? approval;
}

/**
 * Uses an approval up, if it stands: for this action on this payment or refund, by two different people who both may still act, in time, and
 * not carried out before. Call it in the transaction of what it allows, and do what its payload says, whatever the caller was told.
 */
export async function useApproval(
  db: Queryable,
  id: string,
  wanted: { tenantId: string; action: ApprovedAction; subjectId: string },
): Promise<(Approval & { approvedBy: string }) | ApprovalRefusal> {
  await db.query('select 1 from approvals where id = $1 for update', [id]);
  const approval = await find(db, wanted.tenantId, id);
  if (!approval || approval.action !== wanted.action || approval.subjectId !== wanted.subjectId)
    return 'unknown';
  const refusal = refusalOf(approval);
  if (refusal) return refusal;
  await db.query('update approvals set used_at = now() where id = $1', [id]);
  return approval as Approval & { approvedBy: string };
}

type Checked = Approval & { isRevoked: boolean; isExpired: boolean };

async function find(db: Queryable, tenantId: string, id: string): Promise<Checked | undefined> {
  const { rows } = await db.query<Checked>(
    `select ${COLUMNS}, a.expires_at <= now() "isExpired",
       (r.revoked_at is not null or b.revoked_at is not null) "isRevoked"
     ${FROM} where a.id = $1 and a.tenant_id = $2`,
    [id, tenantId],
  );
  return rows[0];
}

function refusalOf(approval: Checked): ApprovalRefusal | undefined {
  if (approval.usedAt !== null) return 'used';
  if (approval.isExpired) return 'expired';
  if (approval.isRevoked) return 'operator_revoked';
  if (approval.approvedBy === null) return 'not_approved';
  return undefined;
}
