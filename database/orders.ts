import { PAID_STATUSES } from '../domain/payment.ts';
import { appendEvent } from './events.ts';
import type { Payment } from './payments.ts';
import type { Queryable } from './pool.ts';

/**
 * The merchant's own order (`order_reference`), for which there may be several payments: a code that expired, another one beside it. One of them pays for
 * the order; every other one that is paid is a duplicate.
 */

/** What tells one payment of an order from the others. */
type OfOrder = Pick<Payment, 'id' | 'merchantId' | 'orderReference'>;

/**
 * Until the transaction ends, nobody else finds out who pays for the orders of these payments. Take it before any row, so that of two payments
 * that are paid at the same instant exactly one is the first; everybody takes several in the same order.
 */
export async function lockOrders(db: Queryable, payments: readonly OfOrder[]): Promise<void> {
  const named = payments.filter(({ orderReference }) => orderReference !== null);
  const orders = new Set(named.map(({ merchantId, orderReference }) => `${merchantId}/${orderReference}`));
  for (const order of [...orders].sort())
    await db.query('select pg_advisory_xact_lock(hashtextextended($1, 0))', [order]);
}

/**
 * The payment, besides this one, that pays for the order: its money is there, and not all of it is going back. Hold the order's lock.
 */
export async function payerOfOrder(db: Queryable, payment: OfOrder): Promise<OtherPayment | undefined> {
  if (payment.orderReference === null) return undefined;
  const { rows } = await db.query<OtherPayment>(
    `select * from (
       select p.id, p.success_time "successTime",
              coalesce(p.paid_amount, p.amount) - (select coalesce(sum(r.amount), 0)::bigint from refunds r
                           where r.payment_id = p.id and r.late_payment_id is null and r.status <> 'FAILED') "left"
         from payments p
        where p.merchant_id = $1 and p.order_reference = $2 and p.id <> $3 and p.status = any($4) and p.duplicate_of is null) other
      where "left" > 0 order by "successTime", id limit 1`,
    [payment.merchantId, payment.orderReference, payment.id, PAID_STATUSES],
  );
  return rows[0];
}

/** A payment of the same order. */
export interface OtherPayment {
  id: string;
  successTime: Date | null;
  /** Fen that no refund has claimed. */
  left: number;
}

/** Says of a payment that another one had paid for the order, with an event. Call it in a transaction. */
export async function markDuplicate(db: Queryable, id: string, of: string): Promise<void> {
  const { rows } = await db.query<{ tenant_id: string; version: number; order_reference: string }>(
    `update payments set duplicate_of = $2, version = version + 1, updated_at = now() where id = $1
     returning tenant_id, version, order_reference`,
    [id, of],
  );
  const [row] = rows;
  if (!row) throw new Error(`there is no payment ${id}`);
  await appendEvent(db, {
    tenantId: row.tenant_id,
    type: 'payment.duplicate',
    paymentId: id,
    version: row.version,
    data: { duplicate_of: of, order_reference: row.order_reference },
  });
}
