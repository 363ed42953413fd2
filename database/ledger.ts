import { type AccountCode, entriesOf, type LedgerStep } from '../domain/ledger.ts';
import type { Fen } from '../domain/money.ts';
import type { Queryable } from './pool.ts';

/** What is posted: a step that moved money. */
export interface Posting {
  step: LedgerStep;
  /** With the step, the key under which it is posted once: the id of the payment or refund, or what else tells it from others. */
  causeId: string;
  paymentId: string;
  refundId?: string;
  amount: Fen;
  currency: string;
  /** When it happened; now when nobody has said. */
  effectiveAt?: Date | undefined;
}

/**
 * Posts a step, once: a repeat changes nothing. Call it in the transaction of the change it tells of. The merchant is that of the payment.
 * @returns whether it was news.
 */
export async function post(db: Queryable, posting: Posting): Promise<boolean> {
  const entries = entriesOf(posting.step, posting.amount);
  const { rowCount } = await db.query(
    `with posted as (
       insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, effective_at)
       select tenant_id, merchant_id, $1, $2, id, $4, coalesce($5, now()) from payments where id = $3
       on conflict (cause_id, step) do nothing
       returning sequence, tenant_id, merchant_id
     )
     insert into ledger_entries (transaction, account, tenant_id, side, amount)
     select p.sequence, a.id, p.tenant_id, e.side, e.amount
       from posted p
       cross join unnest($6::text[], $7::text[], $8::bigint[]) as e (code, side, amount)
       join ledger_accounts a on a.merchant_id = p.merchant_id and a.code = e.code and a.currency = $9`,
    [
      posting.step,
      posting.causeId,
      posting.paymentId,
      posting.refundId ?? null,
      posting.effectiveAt ?? null,
      entries.map(({ account }) => account),
      entries.map(({ side }) => side),
      entries.map(({ amount }) => amount),
      posting.currency,
    ],
  );
  return rowCount !== 0;
}

/** What an account holds: positive on the side on which it grows, in fen. */
export async function balances(db: Queryable, merchantId: string): Promise<Record<AccountCode, Fen>> {
  const { rows } = await db.query<{ code: AccountCode; balance: Fen }>(
    `select code, balance from ledger_balances where merchant_id = $1`,
    [merchantId],
  );
  return Object.fromEntries(rows.map(({ code, balance }) => [code, balance])) as Record<AccountCode, Fen>;
}
