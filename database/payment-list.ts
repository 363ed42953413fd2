import type { Attention } from '../domain/attention.ts';
import type { PaymentStatus } from '../domain/payment.ts';
import { type Page, type PageOf, readPage } from './lists.ts';
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

/**
 * Payments, newest first.
 * @returns undefined when there is no payment of the cursor's id, in the tenant if one is named.
 */
export async function listPayments(
  db: Queryable,
  { tenantId, merchantId, status, orderReference, attention }: PaymentFilter,
  page: Page,
): Promise<PageOf<Payment> | undefined> {
  return await readPage<Payment>(
    db,
    {
      select: SELECT_PAYMENTS,
      table: 'payments',
      alias: 'p',
      time: 'created_at',
      scope: { tenant_id: tenantId },
      filter: { merchant_id: merchantId, status, order_reference: orderReference },
      where: attention && `p.attention = '${attention}'`,
    },
    page,
  );
}

/** The payments of this id or order number, in the tenant if one is named: a number is unique for one merchant only. */
export async function paymentsNamed(db: Queryable, name: string, tenantId?: string): Promise<Payment[]> {
  const { rows } = await db.query<Payment>(
    `${SELECT_PAYMENTS} where (p.id = $1 or p.out_trade_no = $1) and ($2::text is null or p.tenant_id = $2) order by p.id`,
    [name, tenantId ?? null],
  );
  return rows;
}
