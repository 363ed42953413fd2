import { paymentResource } from '../api/payment-resource.ts';
import type { CombinedPayment } from '../database/combined-payments.ts';
import { listEvents } from '../database/events.ts';
import { listOperatorActions } from '../database/operator-actions.ts';
import type { Payment } from '../database/payments.ts';
import { PAYMENT_ATTENTION } from '../domain/attention.ts';
import { formatYuan } from '../domain/money.ts';
import { rfc3339 } from '../domain/time.ts';
import { combinedSummary } from './payment-list.ts';
import { withSagas } from './saga-client.ts';
import { targetNamed } from './target.ts';

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
  if (payment.paidAmount !== payment.amount) line('arrived', `¥${formatYuan(payment.paidAmount)}`);
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
