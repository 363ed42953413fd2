import { refundResource } from '../api/refund-resource.ts';
import { openPool, type Queryable } from '../database/pool.ts';
import { listAttempts } from '../database/refund-attempts.ts';
import { listRefundAttention, type Refund, refundsNamed } from '../database/refunds.ts';
import { REFUND_ATTENTION } from '../domain/attention.ts';
import { refundWorkflowId } from '../domain/identity.ts';
import { formatYuan } from '../domain/money.ts';
import { rfc3339 } from '../domain/time.ts';
import { readEnvironment } from '../process/environment.ts';
import { refundRestart } from '../workflows/start.ts';
import { withSagas } from './saga-client.ts';
import type { SagaTarget } from './target.ts';
import { UsageError } from './usage-error.ts';

/** The one refund of this id or number. @throws UsageError when there is none, or more than one. */
export async function onlyRefund(db: Queryable, name: string, tenantId?: string): Promise<Refund> {
  const [refund, ...others] = await refundsNamed(db, name, tenantId);
  if (!refund) throw new UsageError(`there is no refund ${name}`);
  if (others.length > 0)
    throw new UsageError(
      `several merchants have a refund ${name}: name one of ${[refund, ...others].map(({ id, mchid }) => `${id} (${mchid})`).join(', ')}`,
    );
  return refund;
}

/** The refund's workflow: that of its present attempt, which is started again if it has ended. */
export function sagaOf(refund: Refund): SagaTarget {
  return {
    id: refund.id,
    workflowId: refundWorkflowId(refund.mchid, refund.outRefundNo),
    start: (options) => refundRestart(refund, options),
  };
}

/** `paysaga refund show`: the row, what its workflow waits for, and its attempts. What happened is in `paysaga payment show`. */
export async function showRefund(name: string, { json }: { json?: boolean }): Promise<void> {
  await withSagas(async ({ pool, situation }) => {
    const refund = await onlyRefund(pool, name);
    const [attempts, waitsFor] = await Promise.all([
      listAttempts(pool, refund.id),
      situation(sagaOf(refund)),
    ]);
    const workflowId = refundWorkflowId(refund.mchid, refund.outRefundNo);
    if (json) {
      const shown = {
        ...refundResource(refund, attempts),
        request: refund.refundRequest && JSON.parse(refund.refundRequest),
        workflow_id: workflowId,
        waits_for: waitsFor ?? null,
      };
      console.log(JSON.stringify(shown, null, 2));
      return;
    }
    const line = (label: string, text: string) => console.log(`  ${label.padEnd(12)} ${text}`);
    console.log(`${refund.id}  ¥${formatYuan(refund.amount)}  ${refund.status}`);
    line('payment', `${refund.paymentId}, order ${refund.outTradeNo} of merchant ${refund.mchid}`);
    if (refund.successTime) line('success', rfc3339(refund.successTime));
    if (refund.settledOffline) line('settled', 'by other means than WeChat Pay');
    if (refund.attentionReason) {
      line('attention', `${refund.attentionReason}: ${REFUND_ATTENTION[refund.attentionReason]}`);
      line('', `docs/runbooks/refund-${refund.attentionReason.replaceAll('_', '-')}.md`);
    }
    line('workflow', workflowId);
    line('', waitsFor ?? '(nobody answers for it: it has not begun, was removed, or no worker runs)');
    console.log('attempts');
    for (const { number, outRefundNo, refundId, outcome, failureCode, failureMessage, sentAt } of attempts) {
      console.log(`  ${number}  ${outRefundNo}  ${refundId ?? '(not accepted)'}  ${outcome ?? 'under way'}`);
      line('', sentAt ? `sent ${rfc3339(sentAt)}` : 'not sent');
      if (failureCode) line('', `${failureCode}: ${failureMessage}`);
    }
  });
}

/** `paysaga refund list` */
export async function listAttention({ json }: { json?: boolean }): Promise<void> {
  const pool = openPool(readEnvironment(['DATABASE_URL']).DATABASE_URL, { max: 1 });
  try {
    const refunds = await listRefundAttention(pool);
    if (json) {
      const shown = refunds.map((refund) => refundResource(refund, []));
      console.log(JSON.stringify(shown, null, 2));
      return;
    }
    for (const { id, status, amount, updatedAt, mchid, outRefundNo, attentionReason } of refunds)
      console.log(
        `${id}  ${status.padEnd(10)}  ${`¥${formatYuan(amount)}`.padStart(12)}  ${rfc3339(updatedAt)}  ${mchid}  ${outRefundNo}  ${attentionReason}`,
      );
    if (refunds.length === 0) console.log('no refund needs an operator');
  } finally {
    await pool.end();
  }
}
