import type { Attention } from '../domain/attention.ts';
import type { PaymentStatus } from '../domain/payment.ts';
import { type Payment, SELECT_PAYMENTS } from './payments.ts';
import type { Queryable } from './pool.ts';

/** Which payments; what is undefined does not matter. */
export interface PaymentFilter {
  tenantId?: string | undefined;
  merchantId?: string | undefined;
  attention?: Attention | undefined;
  status?: PaymentStatus | undefined;
  /** The merchant's own order. */
  orderReference?: string | undefined;
}

/** Which of them, by the id of the last one seen: a row that comes or goes meanwhile shifts nothing. */
export interface Page {
  limit: number;
  /** Older than this one. */
  startingAfter?: string | undefined;
  /** Newer than this one. */
  endingBefore?: string | undefined;
}

/**
 * Payments, newest first.
 * @returns undefined when there is no payment of the cursor's id, in the tenant if one is named.
 */
export async function listPayments(
  db: Queryable,
  filter: PaymentFilter,
  { limit, startingAfter, endingBefore }: Page,
): Promise<{ payments: Payment[]; hasMore: boolean } | undefined> {
  const values: unknown[] = [];
  const value = (one: unknown) => `$${values.push(one)}`;
  const conditions: string[] = [];
  if (filter.tenantId !== undefined) conditions.push(`p.tenant_id = ${value(filter.tenantId)}`);
  if (filter.merchantId !== undefined) conditions.push(`p.merchant_id = ${value(filter.merchantId)}`);
  if (filter.status !== undefined) conditions.push(`p.status = ${value(filter.status)}`);
  if (filter.orderReference !== undefined)
    conditions.push(`p.order_reference = ${value(filter.orderReference)}`);
  // Literally, as the index of those that need an operator is a partial one.
  if (filter.attention !== undefined) conditions.push(`p.attention = '${filter.attention}'`);
  const cursor = endingBefore ?? startingAfter;
  if (cursor !== undefined) {
    const { rows } = await db.query(
      'select 1 from payments where id = $1 and ($2::text is null or tenant_id = $2)',
      [cursor, filter.tenantId ?? null],
    );
    if (rows.length === 0) return undefined;
    const beyond = endingBefore === undefined ? '<' : '>';
    conditions.push(
      `(p.created_at, p.id) ${beyond} (select created_at, id from payments where id = ${value(cursor)})`,
    );
  }
  const order = endingBefore === undefined ? 'desc' : 'asc';
  const { rows } = await db.query<Payment>(
    `${SELECT_PAYMENTS} ${conditions.length > 0 ? `where ${conditions.join(' and ')}` : ''}
     order by p.created_at ${order}, p.id ${order} limit ${value(limit + 1)}`,
    values,
  );
  const hasMore = rows.length > limit;
  const payments = rows.slice(0, limit);
  return { payments: endingBefore === undefined ? payments : payments.reverse(), hasMore };
}

/** The payments of this id or order number, in the tenant if one is named: a number is unique for one merchant only. */
export async function paymentsNamed(db: Queryable, name: string, tenantId?: string): Promise<Payment[]> {
  const { rows } = await db.query<Payment>(
    `${SELECT_PAYMENTS} where (p.id = $1 or p.out_trade_no = $1) and ($2::text is null or p.tenant_id = $2) order by p.id`,
    [name, tenantId ?? null],
  );
  return rows;
}
