import { listResource } from '../api/lists.ts';
import { paymentResource } from '../api/payment-resource.ts';
import { type CombinedPayment, combinedNeedingOperator } from '../database/combined-payments.ts';
import { listEvents } from '../database/events.ts';
import { listOperatorActions } from '../database/operator-actions.ts';
import { listPayments } from '../database/payment-list.ts';
import type { Payment } from '../database/payments.ts';
import { PAYMENT_ATTENTION } from '../domain/attention.ts';
import { formatYuan } from '../domain/money.ts';
import type { PaymentStatus } from '../domain/payment.ts';
import { rfc3339 } from '../domain/time.ts';
import { tenantNamed } from './operator.ts';
import { merchantNamed, withPool } from './query.ts';
import { withSagas } from './saga-client.ts';
import { targetNamed } from './target.ts';
import { UsageError } from './usage-error.ts';

/** `paysaga payment show`: the row, what its workflow waits for, what happened and what operators did. */
export async function showPayment(name: string, { json }: { json?: boolean }): Promise<void> {
  await withSagas(async ({ pool, situation }) => {
    const target = await targetNamed(pool, name);
    const [events, actions, waitsFor] = await Promise.all([
      listEvents(pool, target.id),
      listOperatorActions(pool, target.id),
      situation(target),
    ]);
    if (json) {
      const { combined, payment } = target;
      const row = combined
        ? {
            ...combinedSummary(combined),
            sub_payments: combined.subPayments.map((sub) => paymentResource(sub)),
          }
        : paymentResource(payment);
      const shown = {
        ...row,
        workflow_id: target.workflowId,
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
      };
      console.log(JSON.stringify(shown, null, 2));
      return;
    }
    if (target.combined) describeCombined(target.combined);
    else describePayment(target.payment);
    line('workflow', target.workflowId);
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

function line(label: string, text: string): void {
  console.log(`  ${label.padEnd(12)} ${text}`);
}

function describePayment(payment: Payment): void {
  console.log(`${payment.id}  ¥${formatYuan(payment.amount)}  ${payment.status}  ${payment.product}`);
  line('order', `${payment.outTradeNo} of merchant ${payment.mchid} (${payment.merchantId})`);
  if (payment.combinedId !== null) line('', `a sub-order of ${payment.combinedId}`);
  describeTimes(payment);
  if (payment.transactionId) line('transaction', payment.transactionId);
  if (payment.amountRefunded > 0) line('refunded', `¥${formatYuan(payment.amountRefunded)}`);
  describeTrouble(payment);
}

function describeCombined(combined: CombinedPayment): void {
  console.log(
    `${combined.id}  ¥${formatYuan(combined.amount)}  ${combined.status}  combined ${combined.product}`,
  );
  line('order', `${combined.combineOutTradeNo} of merchant ${combined.mchid} (${combined.merchantId})`);
  describeTimes(combined);
  for (const { id, amount, status, outTradeNo, mchid } of combined.subPayments)
    line('sub-order', `${id}  ¥${formatYuan(amount)}  ${status}  ${outTradeNo} of ${mchid}`);
  describeTrouble(combined);
}

function describeTimes({ createdAt, timeExpire }: Pick<Payment, 'createdAt' | 'timeExpire'>): void {
  line('created', `${rfc3339(createdAt)}, payable until ${rfc3339(timeExpire)}`);
}

function describeTrouble({
  failureCode,
  failureMessage,
  attentionReason,
  attentionDetails = null,
}: Pick<Payment, 'failureCode' | 'failureMessage' | 'attentionReason'> &
  Partial<Pick<Payment, 'attentionDetails'>>): void {
  if (failureCode) line('failure', `${failureCode}: ${failureMessage}`);
  if (!attentionReason) return;
  line('attention', `${attentionReason}: ${PAYMENT_ATTENTION[attentionReason]}`);
  line('', `docs/runbooks/payment-${attentionReason.replaceAll('_', '-')}.md`);
  if (attentionDetails === null) return;
  line('WeChat Pay', JSON.stringify(attentionDetails.wechat_pay));
  line('paysaga', JSON.stringify(attentionDetails.paysaga));
}

function combinedSummary(combined: CombinedPayment) {
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

/** `paysaga payment list`. With `--attention` the combined ones are shown, too, first: an order of theirs has no workflow of its own. */
export async function listThem(options: {
  attention?: boolean;
  status?: PaymentStatus;
  tenant?: string;
  merchant?: string;
  limit: number;
  startingAfter?: string;
  json?: boolean;
}): Promise<void> {
  await withPool(async (pool) => {
    const tenantId = options.tenant === undefined ? undefined : await tenantNamed(pool, options.tenant);
    const merchantId =
      options.merchant === undefined ? undefined : (await merchantNamed(pool, options.merchant)).id;
    const { limit, startingAfter, status, json } = options;
    const attention = options.attention ? ('needs_operator' as const) : undefined;
    const page = await listPayments(
      pool,
      { tenantId, merchantId, status, attention },
      { limit, startingAfter },
    );
    if (!page) throw new UsageError(`there is no payment ${startingAfter}`);
    const { payments, hasMore } = page;
    const combined =
      options.attention && startingAfter === undefined
        ? await combinedNeedingOperator(pool, { tenantId, merchantId })
        : [];
    if (json) {
      const list = listResource(
        payments.map((payment) => paymentResource(payment)),
        hasMore,
      );
      console.log(
        JSON.stringify({ ...list, combined_payments: combined.map((one) => combinedSummary(one)) }, null, 2),
      );
      return;
    }
    for (const one of combined) row(one, one.combineOutTradeNo);
    for (const payment of payments) row(payment, payment.outTradeNo);
    if (hasMore) console.error(`there are more: repeat with --starting-after ${payments.at(-1)?.id}`);
  });
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
