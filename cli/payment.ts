import { paymentResource } from '../api/payment-resource.ts';
import { listEvents } from '../database/events.ts';
import { listOperatorActions } from '../database/operator-actions.ts';
import { listPayments, type PaymentFilter, paymentsNamed } from '../database/payment-list.ts';
import type { Payment } from '../database/payments.ts';
import { openPool, type Queryable } from '../database/pool.ts';
import { PAYMENT_ATTENTION } from '../domain/attention.ts';
import { paymentWorkflowId } from '../domain/identity.ts';
import { formatYuan } from '../domain/money.ts';
import type { PaymentStatus } from '../domain/payment.ts';
import { rfc3339 } from '../domain/time.ts';
import { readEnvironment } from '../process/environment.ts';
import { tenantNamed } from './operator.ts';
import { withSagas } from './saga-client.ts';
import { UsageError } from './usage-error.ts';

/** The one payment of this id or order number. @throws UsageError when there is none, or more than one. */
export async function onlyPayment(db: Queryable, name: string, tenantId?: string): Promise<Payment> {
  const [payment, ...others] = await paymentsNamed(db, name, tenantId);
  if (!payment) throw new UsageError(`there is no payment ${name}`);
  if (others.length > 0)
    throw new UsageError(
      `several merchants have an order ${name}: name one of ${[payment, ...others].map(({ id, mchid }) => `${id} (${mchid})`).join(', ')}`,
    );
  return payment;
}

/** `paysaga payment show`: the row, what its workflow waits for, what happened and what operators did. */
export async function showPayment(name: string, { json }: { json?: boolean }): Promise<void> {
  await withSagas(async ({ pool, situation }) => {
    const payment = await onlyPayment(pool, name);
    const [events, actions, waitsFor] = await Promise.all([
      listEvents(pool, payment.id),
      listOperatorActions(pool, payment.id),
      situation(payment),
    ]);
    if (json) {
      console.log(
        JSON.stringify(
          {
            ...paymentResource(payment),
            workflow_id: paymentWorkflowId(payment.mchid, payment.outTradeNo),
            waits_for: waitsFor ?? null,
            events: events.map(({ type, refundId, version, data, createdAt }) => ({
              type,
              refund_id: refundId,
              version,
              data,
              created_at: rfc3339(createdAt),
            })),
            operator_actions: actions.map(({ approvedBy, refundId, at, ...action }) => ({
              ...action,
              approved_by: approvedBy,
              refund_id: refundId,
              at: rfc3339(at),
            })),
          },
          null,
          2,
        ),
      );
      return;
    }
    const line = (label: string, text: string) => console.log(`  ${label.padEnd(12)} ${text}`);
    console.log(`${payment.id}  ¥${formatYuan(payment.amount)}  ${payment.status}  ${payment.product}`);
    line('order', `${payment.outTradeNo} of merchant ${payment.mchid} (${payment.merchantId})`);
    line('created', `${rfc3339(payment.createdAt)}, payable until ${rfc3339(payment.timeExpire)}`);
    if (payment.transactionId) line('transaction', payment.transactionId);
    if (payment.amountRefunded > 0) line('refunded', `¥${formatYuan(payment.amountRefunded)}`);
    if (payment.failureCode) line('failure', `${payment.failureCode}: ${payment.failureMessage}`);
    if (payment.attentionReason) {
      line('attention', `${payment.attentionReason}: ${PAYMENT_ATTENTION[payment.attentionReason]}`);
      line('', `docs/runbooks/payment-${payment.attentionReason.replaceAll('_', '-')}.md`);
    }
    line('workflow', paymentWorkflowId(payment.mchid, payment.outTradeNo));
    line('', waitsFor ?? '(nobody answers for it: it has not begun, was removed, or no worker runs)');
    console.log('what happened');
    for (const { type, refundId, data, createdAt } of events)
      console.log(
        `  ${rfc3339(createdAt)}  ${type}${refundId ? ` ${refundId}` : ''}  ${JSON.stringify(data)}`,
      );
    if (actions.length > 0) console.log('what operators did');
    for (const { action, actor, approvedBy, reason, result, at } of actions) {
      const who = approvedBy === null ? actor : `${actor}, approved by ${approvedBy}`;
      console.log(`  ${rfc3339(at)}  ${action} by ${who}: ${reason} -> ${result}`);
    }
  });
}

/** `paysaga payment list` */
export async function listThem(options: {
  attention?: boolean;
  status?: PaymentStatus;
  tenant?: string;
  merchant?: string;
  limit: number;
  startingAfter?: string;
  json?: boolean;
}): Promise<void> {
  const pool = openPool(readEnvironment(['DATABASE_URL']).DATABASE_URL, { max: 1 });
  try {
    const filter: PaymentFilter = {
      status: options.status,
      merchantId: options.merchant,
      ...(options.attention && { attention: 'needs_operator' as const }),
      ...(options.tenant !== undefined && { tenantId: await tenantNamed(pool, options.tenant) }),
    };
    const page = await listPayments(pool, filter, {
      limit: options.limit,
      startingAfter: options.startingAfter,
    });
    if (!page) throw new UsageError(`there is no payment ${options.startingAfter}`);
    const { payments, hasMore } = page;
    if (options.json) {
      const data = payments.map((payment) => paymentResource(payment));
      console.log(JSON.stringify({ object: 'list', data, has_more: hasMore }, null, 2));
      return;
    }
    for (const payment of payments) {
      const { id, status, amount, outTradeNo, mchid, createdAt, attentionReason } = payment;
      console.log(
        [
          id,
          status.padEnd(18),
          `¥${formatYuan(amount)}`.padStart(12),
          rfc3339(createdAt),
          mchid,
          outTradeNo,
          attentionReason ?? '',
        ]
          .join('  ')
          .trimEnd(),
      );
    }
    if (hasMore) console.error(`there are more: repeat with --starting-after ${payments.at(-1)?.id}`);
  } finally {
    await pool.end();
  }
}
