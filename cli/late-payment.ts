import { latePaymentResource } from '../api/late-payment-resource.ts';
import {
  type LatePayment,
  lateNamed,
  lateNeedingOperator,
  listLatePayments,
} from '../database/late-payments.ts';
import type { Queryable } from '../database/pool.ts';
import { LATE_PAYMENT_ATTENTION } from '../domain/attention.ts';
import { latePaymentWorkflowId } from '../domain/identity.ts';
import type { LatePaymentDecision } from '../domain/late-payment.ts';
import { formatYuan } from '../domain/money.ts';
import { rfc3339 } from '../domain/time.ts';
import type { DecideResult } from '../workflows/messages.ts';
import { latePaymentRestart } from '../workflows/start.ts';
import { actingOperator } from './operator-key.ts';
import { type ActionOptions, UNCHANGED } from './payment-action.ts';
import { withPool } from './query.ts';
import { withSagas } from './saga-client.ts';
import { type SagaTarget, targetNamed } from './target.ts';
import { UsageError } from './usage-error.ts';

/** `paysaga late-payment list` */
export async function listLate({ payment, json }: { payment?: string; json?: boolean }): Promise<void> {
  await withPool(async (pool) => {
    const found =
      payment === undefined
        ? await lateNeedingOperator(pool)
        : await listLatePayments(pool, (await targetNamed(pool, payment)).id);
    if (json) {
      console.log(JSON.stringify(found.map(latePaymentResource), null, 2));
      return;
    }
    for (const {
      id,
      status,
      amount,
      createdAt,
      mchid,
      outTradeNo,
      transactionId,
      attentionReason,
    } of found) {
      const why = attentionReason ? `  ${attentionReason}: ${LATE_PAYMENT_ATTENTION[attentionReason]}` : '';
      console.log(
        `${id}  ${status.padEnd(9)}  ${`¥${formatYuan(amount)}`.padStart(12)}  ${rfc3339(createdAt)}  ${mchid}  ${outTradeNo}  ${transactionId}${why}`,
      );
    }
    if (found.length === 0)
      console.log(payment === undefined ? 'no late money needs an operator' : 'no money came late for it');
  });
}

/** `paysaga late-payment decide` */
export async function decideLate(
  name: string,
  options: ActionOptions & { as: LatePaymentDecision },
): Promise<void> {
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const late = await onlyLate(sagas.pool, name, operator.tenantId);
    const result = await sagas.update<DecideResult>(sagaOf(late), 'decide', {
      decision: options.as,
      actor: operator.name,
      reason: options.reason,
    });
    if (result.kind === 'refused') process.exitCode = UNCHANGED;
    if (options.json) console.log(JSON.stringify(result));
    else if (result.kind === 'refused') console.log(`nothing was changed: ${result.why}`);
    else if (options.as === 'accept')
      console.log(`decided: the money is accepted, ${late.outTradeNo} is paid`);
    else {
      const { refundId } = await onlyLate(sagas.pool, late.id, operator.tenantId);
      const look = refundId === null ? 'paysaga late-payment list' : `paysaga refund show ${refundId}`;
      console.log(`decided: the money goes back; see ${look}`);
    }
  });
}

async function onlyLate(db: Queryable, name: string, tenantId: string): Promise<LatePayment> {
  const [late, ...others] = await lateNamed(db, name, tenantId);
  if (!late) throw new UsageError(`there is no late money ${name}`);
  if (others.length > 0)
    throw new UsageError(`several merchants have a transaction ${name}: name its id, late_…`);
  return late;
}

/** Its workflow, which is started again if somebody has ended it. */
function sagaOf(late: LatePayment): SagaTarget {
  return {
    id: late.id,
    workflowId: latePaymentWorkflowId(late.mchid, late.transactionId),
    start: (options) => latePaymentRestart(late, options),
  };
}
