import { GATEWAY_ACCOUNT, type LedgerStep } from '../../domain/ledger.ts';
import {
  DECISION_CAUSE,
  type ItemStatus,
  RESOLUTIONS,
  type Resolution,
} from '../../domain/reconciliation.ts';
import { post, type Reversal, reverse } from '../ledger.ts';
import type { Queryable } from '../pool.ts';

/** Who decides or says something about a break, and why. */
export interface Decision {
  item: string;
  actor: string;
  /** The reason, or what is said. */
  text: string;
}

/** Says something about an item, whatever its status. */
export async function commentItem(db: Queryable, { item, actor, text }: Decision): Promise<void> {
  await db.query(
    `insert into reconciliation_item_events (item, type, actor, state, text) select id, 'commented', $2, state, $3
       from reconciliation_items where id = $1`,
    [item, actor, text],
  );
}

/** Makes somebody the owner of an item; null takes it back. */
export async function assignItem(
  db: Queryable,
  { item, actor, owner }: { item: string; actor: string; owner: string | null },
): Promise<void> {
  await db.query(
    `with assigned as (
       update reconciliation_items set owner = $3, version = version + 1, updated_at = now() where id = $1 returning id, state
     )
     insert into reconciliation_item_events (item, type, actor, state, text) select id, 'assigned', $2, state, $3 from assigned`,
    [item, actor, owner],
  );
}

/**
 * Resolves a break: with a decision that names an account, one balanced transaction moves the difference there, effective now. Call it in a transaction.
 * @returns false when the item is no break (any more); then nothing has changed.
 */
export async function resolveItem(
  db: Queryable,
  { item, actor, text, resolution }: Decision & { resolution: Resolution },
): Promise<boolean> {
  const { rows } = await db.query<OpenItem>(
    `select id, merchant_id "merchantId", payment_id "paymentId", refund_id "refundId", difference, currency, version
       from reconciliation_items where id = $1 and status = 'break' for update`,
    [item],
  );
  const open = rows[0];
  if (!open) return false;
  const decision = RESOLUTIONS[resolution];
  const step =
    'more' in decision && open.difference !== 0
      ? open.difference > 0
        ? decision.more
        : decision.less
      : undefined;
  const transaction = step === undefined ? null : await postDecision(db, open, step);
  await db.query(
    `with resolved as (
       update reconciliation_items set status = 'resolved', resolution = $2, difference = case when $4::bigint is null then difference else 0 end,
              version = version + 1, updated_at = now()
        where id = $1 returning id, state
     )
     insert into reconciliation_item_events (item, type, actor, state, reason, text, ledger_transaction)
     select id, 'resolved', $3, state, $2, $5, $4 from resolved`,
    [item, resolution, actor, transaction, text],
  );
  return true;
}

/**
 * Takes a transaction of the ledger back, as {@link reverse} does. Where it was a decision about a break, that is open again, with its difference. Call it in
 * a transaction.
 */
export async function takeBack(db: Queryable, reversal: Reversal): Promise<number | undefined> {
  // The item is locked before the ledger is written, as those who keep the items do it.
  const { rows: items } = await db.query<{ id: string; status: ItemStatus }>(
    `select i.id, i.status from ledger_transactions t join reconciliation_items i on i.id = split_part(t.cause_id, '/', 1)
      where t.sequence = $1 and t.cause_id like '${DECISION_CAUSE}%' for update of i`,
    [reversal.sequence],
  );
  const transaction = await reverse(db, reversal);
  const [item] = items;
  if (transaction === undefined || !item || item.status === 'closed') return transaction;
  await db.query(
    `with opened as (
       update reconciliation_items i
          set status = case i.status when 'resolved' then 'break' else i.status end, resolution = null, version = i.version + 1, updated_at = now(),
              difference = i.difference - case e.side when 'debit' then e.amount else -e.amount end
         from ledger_entries e join ledger_accounts a on a.id = e.account and a.code = $2
        where i.id = $1 and e.transaction = $3 returning i.id, i.state
     )
     insert into reconciliation_item_events (item, type, actor, state, text, ledger_transaction)
     select id, $4, $5, state, $6, $3 from opened`,
    [
      item.id,
      GATEWAY_ACCOUNT,
      transaction,
      item.status === 'resolved' ? 'reopened' : 'changed',
      reversal.actor,
      reversal.reason,
    ],
  );
  return transaction;
}

interface OpenItem {
  id: string;
  merchantId: string;
  paymentId: string | null;
  refundId: string | null;
  difference: number;
  currency: string;
  version: number;
}

/** One transaction for each decision about an item: its cause is the item as it was. */
async function postDecision(db: Queryable, item: OpenItem, step: LedgerStep): Promise<number> {
  const causeId = `${item.id}/${item.version}`;
  await post(db, {
    step,
    causeId,
    amount: Math.abs(item.difference),
    currency: item.currency,
    ...(item.paymentId === null
      ? { merchantId: item.merchantId }
      : { paymentId: item.paymentId, ...(item.refundId !== null && { refundId: item.refundId }) }),
  });
  const { rows } = await db.query<{ sequence: number }>(
    'select sequence from ledger_transactions where cause_id = $1 and step = $2',
    [causeId, step],
  );
  return (rows[0] as { sequence: number }).sequence;
}
