import { randomUUID } from 'node:crypto';
import { publicId } from '../domain/identity.ts';
import type { PayoutType } from '../domain/refund.ts';
import type { Queryable } from './pool.ts';
import type { Vault } from './secrets.ts';

/** The exact request that sends the money of an abnormal refund elsewhere, and the key for which it is encrypted. */
export interface PayoutRequest {
  body: string;
  serial?: string | undefined;
}

/** An order to send the money of an abnormal refund elsewhere. */
export interface RefundPayout {
  id: string;
  refundId: string;
  attempt: number;
  type: PayoutType;
  sentAt: Date | null;
  /** Null until WeChat Pay has answered; VOID when the refund has ended without it. */
  outcome: 'ACCEPTED' | 'REFUSED' | 'VOID' | null;
  failureCode: string | null;
  failureMessage: string | null;
}

const COLUMNS = `id, refund_id "refundId", attempt, type, sent_at "sentAt", outcome, failure_code "failureCode",
  failure_message "failureMessage"`;

/** Stores a request before it is sent, sealed: a card number inside is encrypted for WeChat Pay already. @returns its id, `rpo_…`. */
export async function insertPayout(
  db: Queryable,
  vault: Vault,
  payout: { tenantId: string; refundId: string; attempt: number; type: PayoutType; request: PayoutRequest },
): Promise<string> {
  const id = publicId('rpo', randomUUID());
  await db.query(
    `insert into refund_payouts (id, tenant_id, refund_id, attempt, type, sealed_request) values ($1, $2, $3, $4, $5, $6)`,
    [
      id,
      payout.tenantId,
      payout.refundId,
      payout.attempt,
      payout.type,
      vault.seal(JSON.stringify(payout.request), `${id}/request`),
    ],
  );
  return id;
}

/** A payout of this refund, with its request while it has not been answered. */
export async function loadPayout(
  db: Queryable,
  vault: Vault,
  { id, refundId }: { id: string; refundId: string },
): Promise<{ payout: RefundPayout; request: PayoutRequest | undefined } | undefined> {
  const { rows } = await db.query<RefundPayout & { sealed: Buffer | null }>(
    `select ${COLUMNS}, sealed_request sealed from refund_payouts where id = $1 and refund_id = $2`,
    [id, refundId],
  );
  const row = rows[0];
  if (!row) return undefined;
  const { sealed, ...payout } = row;
  const request = sealed ? (JSON.parse(vault.open(sealed, `${id}/request`)) as PayoutRequest) : undefined;
  return { payout, request };
}

/** Notes that it is about to be sent. */
export async function markPayoutSent(db: Queryable, id: string): Promise<void> {
  await db.query('update refund_payouts set sent_at = clock_timestamp() where id = $1', [id]);
}

/** Whether WeChat Pay may have another payout of the same attempt, whose answer nobody has. */
export async function otherMayHaveBeenSent(
  db: Queryable,
  { id, refundId, attempt }: Pick<RefundPayout, 'id' | 'refundId' | 'attempt'>,
): Promise<boolean> {
  const { rowCount } = await db.query(
    `select 1 from refund_payouts
     where refund_id = $1 and attempt = $2 and id <> $3 and sent_at is not null and outcome is null limit 1`,
    [refundId, attempt, id],
  );
  return rowCount === 1;
}

/** WeChat Pay has answered: what was private is deleted. */
export async function endPayout(
  db: Queryable,
  id: string,
  outcome: 'ACCEPTED' | 'REFUSED',
  failure: { code: string; message: string } | undefined = undefined,
): Promise<void> {
  await db.query(
    `update refund_payouts set outcome = $2, failure_code = $3, failure_message = $4, sealed_request = null
     where id = $1 and (outcome is null or outcome = 'VOID')`,
    [id, outcome, failure?.code ?? null, failure?.message ?? null],
  );
}

/** What WeChat Pay said when it refused. */
export async function payoutFailure(db: Queryable, id: string): Promise<string | undefined> {
  const { rows } = await db.query<{ failure_message: string | null }>(
    'select failure_message from refund_payouts where id = $1',
    [id],
  );
  return rows[0]?.failure_message ?? undefined;
}

/** The refund has ended: what was stored for it and not answered is forgotten. */
export async function voidPayouts(db: Queryable, refundId: string): Promise<void> {
  await db.query(
    `update refund_payouts set outcome = 'VOID', sealed_request = null where refund_id = $1 and outcome is null`,
    [refundId],
  );
}
