import { type AccountCode, entriesOf, type LedgerStep, REVERSAL } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import type { Queryable } from './pool.ts';

/** What is posted: a step that moved money. */
export type Posting = {
  step: LedgerStep;
  /** With the step, the key under which it is posted once: the id of the payment or refund, or what else tells it from others. */
  causeId: string;
  amount: Fen;
  currency: string;
  /** When it happened; now when nobody has said. */
  effectiveAt?: Date | undefined;
  /** The payment's own unless told: late money has another. */
  transactionId?: string | undefined;
  /** The number of the line of WeChat Pay's bill that told of it. */
  billReference?: string | undefined;
} & (
  | { paymentId: string; refundId?: string }
  /** What belongs to no payment: settlements, and what nobody can explain. */
  | { merchantId: string; paymentId?: never; refundId?: never }
);

/**
 * Posts a step, once: a repeat changes nothing. Call it in the transaction of the change it tells of. The merchant is that of the payment, and
 * the payment's and refund's numbers are kept as they are known by now.
 * @returns whether it was news.
 * @throws Error when there is no such payment or merchant: money must not be dropped in silence.
 */
export async function post(db: Queryable, posting: Posting): Promise<boolean> {
  const entries = entriesOf(posting.step, posting.amount);
  const { rows } = await db.query<{ subjects: number; posted: number }>(
    `with subject as (
       select p.tenant_id, p.merchant_id, p.id payment_id, p.out_trade_no, p.transaction_id,
              r.id refund_id, a.out_refund_no, a.wechat_refund_id
         from payments p left join refunds r on r.id = $4 and r.payment_id = p.id
         left join refund_attempts a on a.refund_id = r.id and a.number = r.attempt
        where p.id = $3
       union all
       select m.tenant_id, m.id, null, null, null, null, null, null from merchants m where m.id = $5
     ), posted as (
       insert into ledger_transactions
         (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id, out_refund_no, wechat_refund_id,
          bill_reference, effective_at)
       select tenant_id, merchant_id, $1, $2, payment_id, refund_id, out_trade_no, coalesce($6, transaction_id), out_refund_no,
              wechat_refund_id, $7, coalesce($8, now())
         from subject
       on conflict (cause_id, step) do nothing
       returning sequence, tenant_id, merchant_id
     ), entries as (
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select p.sequence, a.id, p.tenant_id, e.side, e.amount
         from posted p
         cross join unnest($9::text[], $10::text[], $11::bigint[]) as e (code, side, amount)
         join ledger_accounts a on a.merchant_id = p.merchant_id and a.code = e.code and a.currency = $12
     )
     select (select count(*)::int from subject) subjects, (select count(*)::int from posted) posted`,
    [
      posting.step,
      posting.causeId,
      posting.paymentId ?? null,
      posting.refundId ?? null,
      posting.paymentId === undefined ? posting.merchantId : null,
      posting.transactionId ?? null,
      posting.billReference ?? null,
      posting.effectiveAt ?? null,
      entries.map(({ account }) => account),
      entries.map(({ side }) => side),
      entries.map(({ amount }) => amount),
      posting.currency,
    ],
  );
  const { subjects, posted } = rows[0] as { subjects: number; posted: number };
  if (subjects !== 1) throw new Error(`${posting.step} is about nothing we know: ${posting.causeId}`);
  return posted === 1;
}

/** Who takes a transaction back, and why. */
export interface Reversal {
  /** The transaction's number. */
  sequence: number;
  reason: string;
  /** An API key, a person of the command line, or a part of this service. */
  actor: string;
}

/**
 * Takes a transaction back by another one that mirrors it, as of the time at which the first is said to have happened: by `effective_at` it
 * was never there, by `posted_at` it is there until now. Nothing of the first is changed. Whether it may be taken back is the caller's to
 * decide (`isReversible`). Call it in a transaction.
 * @returns the number of the reversal; undefined when it has been taken back before.
 */
export async function reverse(
  db: Queryable,
  { sequence, reason, actor }: Reversal,
): Promise<number | undefined> {
  const { rows } = await db.query<{ sequence: number }>(
    `with original as (select * from ledger_transactions where sequence = $1),
     posted as (
       insert into ledger_transactions
         (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, out_trade_no, transaction_id, out_refund_no, wechat_refund_id,
          bill_reference, effective_at, reverses, reason, actor)
       select tenant_id, merchant_id, $2, 'txn_' || sequence, payment_id, refund_id, out_trade_no, transaction_id, out_refund_no,
              wechat_refund_id, bill_reference, effective_at, sequence, $3, $4
         from original
       on conflict do nothing
       returning sequence, tenant_id
     ), entries as (
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select p.sequence, e.account, p.tenant_id, case e.side when 'debit' then 'credit' else 'debit' end, e.amount
         from posted p cross join original o join ledger_entries e on e.transaction = o.sequence
     )
     select sequence from posted`,
    [sequence, REVERSAL, reason, actor],
  );
  return rows[0]?.sequence;
}

/** What an account holds: positive on the side on which it grows, in fen. */
export async function balances(db: Queryable, merchantId: string): Promise<Record<AccountCode, Fen>> {
  const { rows } = await db.query<{ code: AccountCode; balance: Fen }>(
    `select code, balance from ledger_balances where merchant_id = $1`,
    [merchantId],
  );
  return Object.fromEntries(rows.map(({ code, balance }) => [code, balance])) as Record<AccountCode, Fen>;
}
