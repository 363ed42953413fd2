import { combinedResource } from '../api/combined-resource.ts';
import { listResource } from '../api/lists.ts';
import { paymentResource } from '../api/payment-resource.ts';
import { type CombinedFilter, listCombined } from '../database/combined-list.ts';
import type { CombinedPayment } from '../database/combined-payments.ts';
import { listPayments } from '../database/payment-list.ts';
import type { Payment } from '../database/payments.ts';
import type { Pool } from '../database/pool.ts';
import { COMBINED_STATUSES } from '../domain/combined-payment.ts';
import { formatYuan } from '../domain/money.ts';
import type { PaymentStatus } from '../domain/payment.ts';
import { rfc3339 } from '../domain/time.ts';
import { tenantNamed } from './operator.ts';
import { merchantNamed, withPool } from './query.ts';
import { UsageError } from './usage-error.ts';

/** What `paysaga payment list` is told. */
interface ListOptions {
  attention?: boolean;
  combined?: boolean;
  status?: PaymentStatus;
  tenant?: string;
  merchant?: string;
  limit: number;
  startingAfter?: string;
  json?: boolean;
}

/**
 * `paysaga payment list`: payments, or the combined ones. With `--attention` payments have the combined ones before them: an order of
 * theirs has no workflow of its own.
 */
export async function listThem(options: ListOptions): Promise<void> {
  await withPool(async (pool) => {
    const filter = {
      tenantId: options.tenant === undefined ? undefined : await tenantNamed(pool, options.tenant),
      merchantId:
        options.merchant === undefined ? undefined : (await merchantNamed(pool, options.merchant)).id,
      attention: options.attention ? ('needs_operator' as const) : undefined,
    };
    if (options.combined) await listCombinedOnes(pool, filter, options);
    else await listSingle(pool, filter, options);
  });
}

async function listSingle(pool: Pool, filter: CombinedFilter, options: ListOptions): Promise<void> {
  const { limit, startingAfter, status, json } = options;
  const page = await listPayments(pool, { ...filter, status }, { limit, startingAfter });
  if (!page) throw new UsageError(`there is no payment ${startingAfter}`);
  const { rows: payments, hasMore } = page;
  const combined =
    options.attention && startingAfter === undefined
      ? ((await listCombined(pool, filter, { limit: 100 }))?.rows ?? [])
      : [];
  if (json) {
    const list = listResource(
      payments.map((payment) => paymentResource(payment)),
      hasMore,
    );
    const shown = { ...list, combined_payments: combined.map((one) => combinedSummary(one)) };
    console.log(JSON.stringify(shown, null, 2));
    return;
  }
  for (const one of combined) row(one, one.combineOutTradeNo);
  for (const payment of payments) row(payment, payment.outTradeNo);
  if (combined.length + payments.length === 0)
    console.log(options.attention ? 'no payment needs an operator' : 'no such payment');
  tellMore(hasMore, payments);
}

async function listCombinedOnes(pool: Pool, filter: CombinedFilter, options: ListOptions): Promise<void> {
  const { limit, startingAfter, json } = options;
  const status = COMBINED_STATUSES.find((one) => one === options.status);
  if (options.status !== undefined && status === undefined)
    throw new UsageError(`a combined payment is never ${options.status}: its sub-orders are`);
  const page = await listCombined(pool, { ...filter, status }, { limit, startingAfter });
  if (!page) throw new UsageError(`there is no combined payment ${startingAfter}`);
  const { rows, hasMore } = page;
  if (json) {
    const list = listResource(
      rows.map((one) => combinedResource(one)),
      hasMore,
    );
    console.log(JSON.stringify(list, null, 2));
    return;
  }
  for (const one of rows) row(one, one.combineOutTradeNo);
  if (rows.length === 0)
    console.log(options.attention ? 'no combined payment needs an operator' : 'no such combined payment');
  tellMore(hasMore, rows);
}

/** What is said of a combined payment beside payments. */
export function combinedSummary(combined: CombinedPayment) {
  return {
    id: combined.id,
    object: 'combined_payment',
    merchant_id: combined.merchantId,
    combine_out_trade_no: combined.combineOutTradeNo,
    product: combined.product,
    status: combined.status,
    attention: combined.attention,
    attention_reason: combined.attentionReason,
    version: combined.version,
    created_at: rfc3339(combined.createdAt),
  };
}

function row(
  one: Pick<Payment, 'id' | 'status' | 'amount' | 'mchid' | 'createdAt' | 'attentionReason'>,
  number: string,
): void {
  const cells = [
    one.id,
    one.status.padEnd(18),
    `¥${formatYuan(one.amount)}`.padStart(12),
    rfc3339(one.createdAt),
    one.mchid,
    number,
    one.attentionReason ?? '',
  ];
  console.log(cells.join('  ').trimEnd());
}

function tellMore(hasMore: boolean, rows: { id: string }[]): void {
  if (hasMore) console.error(`there are more: repeat with --starting-after ${rows.at(-1)?.id}`);
}
