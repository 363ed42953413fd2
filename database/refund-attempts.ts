import type { RefundOutcome } from '../domain/refund.ts';
import type { Queryable } from './pool.ts';

/** One number of a refund at WeChat Pay, and what became of it. */
export interface RefundAttempt {
  /** From 1. */
  number: number;
  outRefundNo: string;
  /** WeChat Pay's number, once it has accepted it. */
  refundId: string | null;
  /** Null until it has ended. */
  outcome: RefundOutcome | null;
  failureCode: string | null;
  failureMessage: string | null;
  createdAt: Date;
  /** When the request was sent last. */
  sentAt: Date | null;
  endedAt: Date | null;
}

/** Begins an attempt. The refund's row must name it by the end of the transaction. */
export async function insertAttempt(
  db: Queryable,
  refundId: string,
  { number, outRefundNo }: { number: number; outRefundNo: string },
): Promise<void> {
  await db.query(
    `insert into refund_attempts (tenant_id, merchant_id, refund_id, number, out_refund_no)
     select tenant_id, merchant_id, id, $2, $3 from refunds where id = $1`,
    [refundId, number, outRefundNo],
  );
}

/** The attempts of a refund, in their order. */
export async function listAttempts(db: Queryable, refundId: string): Promise<RefundAttempt[]> {
  const { rows } = await db.query<RefundAttempt>(
    `select number, out_refund_no "outRefundNo", wechat_refund_id "refundId", outcome, failure_code "failureCode",
       failure_message "failureMessage", created_at "createdAt", sent_at "sentAt", ended_at "endedAt"
     from refund_attempts where refund_id = $1 order by number`,
    [refundId],
  );
  return rows;
}

/** Writes down what WeChat Pay has said. Call it in the transaction that changes the refund's status. */
export async function recordAttempt(
  db: Queryable,
  refundId: string,
  number: number,
  word: {
    refundId: string | undefined;
    outcome: RefundOutcome | undefined;
    failureCode: string | undefined;
    failureMessage: string | undefined;
  },
): Promise<void> {
  await db.query(
    `update refund_attempts set wechat_refund_id = coalesce($3, wechat_refund_id), outcome = coalesce($4, outcome),
       ended_at = case when $4::text is null then ended_at else now() end,
       failure_code = coalesce($5, failure_code), failure_message = coalesce($6, failure_message)
     where refund_id = $1 and number = $2`,
    [
      refundId,
      number,
      word.refundId ?? null,
      word.outcome ?? null,
      word.failureCode ?? null,
      word.failureMessage ?? null,
    ],
  );
}

/** Stores the exact request body of the present attempt unless one is stored already, and returns the one that counts. */
export async function storeRefundRequest(db: Queryable, refundId: string, body: string): Promise<string> {
  const { rows } = await db.query<{ request: string }>(
    `update refund_attempts a set request = coalesce(a.request, $2)
     from refunds r where r.id = $1 and a.refund_id = r.id and a.number = r.attempt returning a.request`,
    [refundId, body],
  );
  const row = rows[0];
  if (!row) throw new Error(`there is no refund ${refundId}`);
  return row.request;
}

/**
 * How long a refund has to wait until no other refund of its payment was sent within the gap. The time of the database counts, whichever
 * worker asks. Call it in a transaction that holds the payment's row lock, and then `markSent`.
 * @param gapMs milliseconds.
 * @returns 0 when it is its turn, else the milliseconds after which it is worth asking again: older ones come first.
 */
export async function waitForTurn(
  db: Queryable,
  { refundId, gapMs }: { refundId: string; gapMs: number },
): Promise<number> {
  const { rows } = await db.query<{ gap_left_ms: number; before: number }>(
    `select coalesce(ceil(extract(epoch from max(a.sent_at) - clock_timestamp()) * 1000 + $2), 0)::float8 gap_left_ms,
            (count(*) filter (where a.sent_at is null and a.number = r.attempt and r.status = 'RESERVED'
                                and (r.created_at, r.id) < (own.created_at, own.id)))::int before
     from refunds own
     left join refunds r on r.payment_id = own.payment_id and r.id <> own.id
     left join refund_attempts a on a.refund_id = r.id
     where own.id = $1 group by own.id`,
    [refundId, gapMs],
  );
  const { gap_left_ms: gapLeftMs = 0, before = 0 } = rows[0] ?? {};
  return gapLeftMs <= 0 ? 0 : gapLeftMs + before * gapMs;
}

/** Notes that the present attempt is about to be sent. */
export async function markSent(db: Queryable, refundId: string): Promise<void> {
  await db.query(
    `update refund_attempts a set sent_at = clock_timestamp(), times_sent = times_sent + 1
     from refunds r where r.id = $1 and a.refund_id = r.id and a.number = r.attempt`,
    [refundId],
  );
}
