import {
  allHandlersFinished,
  CancellationScope,
  condition,
  proxyActivities,
  setCurrentDetails,
  setHandler,
  upsertSearchAttributes,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { LatePaymentFinding, OperatorDecision } from '../domain/late-payment.ts';
import { localFirst } from './local-first.ts';
import { type DecideResult, decide, type LatePaymentOutcome, requireDecision } from './messages.ts';
import { updateKey } from './operator.ts';
import { ATTENTION, type LatePaymentInput } from './start.ts';
import { startRefund } from './start-refund.ts';

/** A step at the database alone. */
const AT_DATABASE = {
  startToCloseTimeout: '15 seconds',
  retry: { initialInterval: '500 milliseconds', maximumInterval: '60 seconds' },
} as const;

/**
 * Money that came for a payment which had ended without it, or which another transaction had paid: from the moment that somebody has heard of
 * it until it has paid the payment after all, or the customer has it back.
 *
 * The merchant's policy decides; where that cannot be followed, a person does. The refund is a workflow of its own, which the row follows; this
 * one goes on until the row has come to an end.
 */
export async function latePayment({
  latePaymentId,
  refundTiming,
}: LatePaymentInput): Promise<LatePaymentOutcome> {
  const asked: { decision: OperatorDecision; result?: DecideResult }[] = [];
  const started = new Set<string>();
  /** Something has become of the row, perhaps. */
  let stirred = false;
  let watching = false;
  let needsOperator = false;

  setHandler(
    decide,
    async (decision) => {
      const question: (typeof asked)[number] = { decision: { ...decision, updateKey: updateKey() } };
      asked.push(question);
      await condition(() => question.result !== undefined);
      return question.result as DecideResult;
    },
    { validator: requireDecision, description: 'Refund the money, or accept it as the payment.' },
  );

  // What was decided cannot be called back: a cancelled workflow goes on.
  return await CancellationScope.nonCancellable(async () => {
    setCurrentDetails("Following the merchant's policy.");
    let finding = await decideByPolicy();
    while (finding.kind !== 'final') {
      if (finding.kind === 'refund' && !started.has(finding.refund.id)) await start(finding.refund);
      show(finding);
      if (!watching) watch(finding.version);
      await condition(() => asked.length > 0 || stirred);
      stirred = false;
      const question = asked.shift();
      finding = question ? await follow(question) : await decideByPolicy();
    }
    for (let question = asked.shift(); question; question = asked.shift()) await follow(question);
    show(finding);
    await condition(allHandlersFinished);
    return { status: finding.status };
  });

  /** What has become of the money; until somebody has said otherwise, by the merchant's policy. */
  async function decideByPolicy(): Promise<LatePaymentFinding> {
    const durable = { ...AT_DATABASE, summary: 'decide by policy' };
    return (await localFirst('decideLatePayment', { latePaymentId }, durable)).finding;
  }

  /** Follows a person. Never locally: the decision is in the history before anything is done about it. */
  async function follow(question: (typeof asked)[number]): Promise<LatePaymentFinding> {
    const { decision } = question;
    const { decideLatePayment } = proxyActivities<Activities>({
      ...AT_DATABASE,
      summary: `${decision.decision} it, says ${decision.actor}`,
    });
    const { finding, refused } = await decideLatePayment({ latePaymentId, decision });
    question.result = refused === undefined ? { kind: 'decided' } : { kind: 'refused', why: refused };
    return finding;
  }

  async function start(refund: (LatePaymentFinding & { kind: 'refund' })['refund']): Promise<void> {
    started.add(refund.id);
    const child = await startRefund(refund, refundTiming);
    void child?.result().then(stir, stir);
  }

  function stir(): void {
    stirred = true;
  }

  /** Whoever else moves the money (a relay that was faster, a refund that is tried again), its row tells. */
  function watch(version: number): void {
    watching = true;
    const { watchLatePayment } = proxyActivities<Activities>({
      startToCloseTimeout: '15 seconds',
      scheduleToCloseTimeout: '30 days',
      retry: { initialInterval: '5 seconds', maximumInterval: '60 seconds' },
      summary: 'wait until something has become of it',
    });
    const { pollGapsMs } = refundTiming;
    void watchLatePayment({ latePaymentId, version, pollGapsMs })
      .then(stir, stir)
      .finally(() => {
        watching = false;
      });
  }

  /** Puts where it stands where the Temporal UI shows it. */
  function show(finding: LatePaymentFinding): void {
    const asks = finding.kind === 'undecided';
    if (asks !== needsOperator) {
      upsertSearchAttributes([{ key: ATTENTION, value: asks ? 'needs_operator' : null }]);
      needsOperator = asks;
    }
    setCurrentDetails(detailsOf(finding));
  }
}

function detailsOf(finding: LatePaymentFinding): string {
  switch (finding.kind) {
    case 'undecided':
      return `Needs an operator: ${finding.reason}. Send the update \`decide\`.`;
    case 'refund':
      return `Being refunded as ${finding.refund.outRefundNo}; the workflow of that refund tells how it goes.`;
    case 'final':
      return finding.status === 'ACCEPTED' ? 'Accepted: it has paid the payment.' : 'Refunded.';
  }
}
