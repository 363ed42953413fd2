import { randomUUID } from 'node:crypto';
import type { Pool } from '../database/pool.ts';
import { entriesOf, type LedgerStep } from '../domain/ledger.ts';

/** A transaction of another day, which only a test may write: the service posts now. */
export interface Booking {
  merchantId: string;
  step: LedgerStep;
  amount: number;
  /** RFC 3339. */
  postedAt: string;
  /** RFC 3339; as `postedAt` unless told. */
  effectiveAt?: string;
  causeId?: string;
  outTradeNo?: string;
  transactionId?: string;
  outRefundNo?: string;
  wechatRefundId?: string;
  billReference?: string;
}

/** Writes a transaction with its times; returns its number. */
export async function book(pool: Pool, booking: Booking): Promise<number> {
  const entries = entriesOf(booking.step, booking.amount);
  const { rows } = await pool.query<{ sequence: number }>(
    `with posted as (
       insert into ledger_transactions
         (tenant_id, merchant_id, step, cause_id, posted_at, effective_at, out_trade_no, transaction_id, out_refund_no, wechat_refund_id,
          bill_reference)
       select tenant_id, id, $2, $3, $4, $5, $6, $7, $8, $9, $10 from merchants where id = $1
       returning sequence, tenant_id, merchant_id
     ), entries as (
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select p.sequence, a.id, p.tenant_id, e.side, e.amount
         from posted p cross join unnest($11::text[], $12::text[], $13::bigint[]) e (code, side, amount)
         join ledger_accounts a on a.merchant_id = p.merchant_id and a.code = e.code
     )
     select sequence from posted`,
    [
      booking.merchantId,
      booking.step,
      booking.causeId ?? `test_${randomUUID()}`,
      booking.postedAt,
      booking.effectiveAt ?? booking.postedAt,
      booking.outTradeNo ?? null,
      booking.transactionId ?? null,
      booking.outRefundNo ?? null,
      booking.wechatRefundId ?? null,
      booking.billReference ?? null,
      entries.map(({ account }) => account),
      entries.map(({ side }) => side),
      entries.map(({ amount }) => amount),
    ],
  );
  return (rows[0] as { sequence: number }).sequence;
}

/** Writes many transactions of one fen at once, each with a long reference, so that what is read of them is no trifle. */
export async function bookMany(
  pool: Pool,
  merchantId: string,
  { count, postedAt }: { count: number; postedAt: string },
): Promise<void> {
  await pool.query(
    `with posted as (
       insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, posted_at, effective_at, bill_reference)
       select m.tenant_id, m.id, 'suspense.in', 'many_' || gen_random_uuid(), $2, $2, repeat(n::text || '-', 1000)
         from merchants m cross join generate_series(1, $3::int) n where m.id = $1
       returning sequence, tenant_id, merchant_id
     )
     insert into ledger_entries (transaction, account, tenant_id, side, amount)
     select p.sequence, a.id, p.tenant_id, case a.code when 'suspense' then 'credit' else 'debit' end, 1
       from posted p join ledger_accounts a on a.merchant_id = p.merchant_id and a.code in ('suspense', 'wechat_receivable')`,
    [merchantId, postedAt, count],
  );
}
