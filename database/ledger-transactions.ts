import type { AccountCode, DatedBy, LedgerEntry, LedgerStep, REVERSAL } from '../domain/ledger.ts';
import type { Queryable } from './pool.ts';

/** A transaction of the ledger as stored, with its entries. */
export interface LedgerTransaction {
  sequence: number;
  merchantId: string;
  mchid: string;
  step: LedgerStep | typeof REVERSAL;
  paymentId: string | null;
  refundId: string | null;
  outTradeNo: string | null;
  transactionId: string | null;
  outRefundNo: string | null;
  wechatRefundId: string | null;
  billReference: string | null;
  /** The number of the transaction that this one takes back, and of the one that takes this one back. */
  reverses: number | null;
  reversedBy: number | null;
  reason: string | null;
  actor: string | null;
  effectiveAt: Date;
  postedAt: Date;
  currency: string;
  entries: LedgerEntry[];
}

/** Which transactions, newest first. */
export interface TransactionFilter {
  tenantId: string;
  merchantId?: string | undefined;
  account?: AccountCode | undefined;
  paymentId?: string | undefined;
  refundId?: string | undefined;
  by: DatedBy;
  /** From this moment on. */
  from?: Date | undefined;
  /** Before this moment. */
  to?: Date | undefined;
}

/** Where in the list: before or after the transaction of this number, or from its newest end. */
export interface Page {
  limit: number;
  startingAfter?: number | undefined;
  endingBefore?: number | undefined;
}

const SELECT = `
  select t.sequence, t.merchant_id "merchantId", m.mchid, t.step, t.payment_id "paymentId", t.refund_id "refundId",
         t.out_trade_no "outTradeNo", t.transaction_id "transactionId", t.out_refund_no "outRefundNo",
         t.wechat_refund_id "wechatRefundId", t.bill_reference "billReference", t.reverses,
         (select r.sequence from ledger_transactions r where r.reverses = t.sequence) "reversedBy",
         t.reason, t.actor, t.effective_at "effectiveAt", t.posted_at "postedAt", e.currency, e.entries
    from ledger_transactions t
    join merchants m on m.id = t.merchant_id
    cross join lateral (
      select min(a.currency) currency,
             json_agg(json_build_object('account', a.code, 'side', e.side, 'amount', e.amount) order by e.side desc, a.id) entries
        from ledger_entries e join ledger_accounts a on a.id = e.account
       where e.transaction = t.sequence
    ) e`;

/** A transaction of this tenant by its number. */
export async function findTransaction(
  db: Queryable,
  tenantId: string,
  sequence: number,
): Promise<LedgerTransaction | undefined> {
  const { rows } = await db.query<LedgerTransaction>(`${SELECT} where t.sequence = $1 and t.tenant_id = $2`, [
    sequence,
    tenantId,
  ]);
  return rows[0];
}

/**
 * A page of the transactions, newest first.
 * @returns the page, and whether there is more in the direction of reading.
 */
export async function listTransactions(
  db: Queryable,
  filter: TransactionFilter,
  { limit, startingAfter, endingBefore }: Page,
): Promise<{ transactions: LedgerTransaction[]; hasMore: boolean }> {
  const values: unknown[] = [];
  const conditions: string[] = [];
  const where = (condition: (parameter: string) => string, value: unknown) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(condition(`$${values.length}`));
  };
  where((p) => `t.tenant_id = ${p}`, filter.tenantId);
  where((p) => `t.merchant_id = ${p}`, filter.merchantId);
  where((p) => `t.payment_id = ${p}`, filter.paymentId);
  where((p) => `t.refund_id = ${p}`, filter.refundId);
  where((p) => `t.${filter.by} >= ${p}`, filter.from);
  where((p) => `t.${filter.by} < ${p}`, filter.to);
  where(
    (p) => `exists (select 1 from ledger_entries x join ledger_accounts y on y.id = x.account
                     where x.transaction = t.sequence and y.code = ${p})`,
    filter.account,
  );
  where((p) => `t.sequence < ${p}`, startingAfter);
  where((p) => `t.sequence > ${p}`, endingBefore);
  const backwards = endingBefore !== undefined;
  values.push(limit + 1);
  const { rows } = await db.query<LedgerTransaction>(
    `${SELECT} where ${conditions.join(' and ')} order by t.sequence ${backwards ? 'asc' : 'desc'} limit $${values.length}`,
    values,
  );
  const transactions = rows.slice(0, limit);
  return { transactions: backwards ? transactions.reverse() : transactions, hasMore: rows.length > limit };
}
