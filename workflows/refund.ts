import {
  allHandlersFinished,
  CancellationScope,
  condition,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { REFUND_ATTENTION, type RefundAttention } from '../domain/attention.ts';
import type { RefundFinding, RefundStatus } from '../domain/refund.ts';
import { FROM_NOTIFICATION, localFirst } from './local-first.ts';
import { notificationOf, notified, type RefundOutcome, submit } from './messages.ts';
import { openRecord, serveRetry } from './operator.ts';
import { openSituation } from './situation.ts';
import { REFUND_STATUS, type RefundInput } from './start.ts';

/**
 * One refund: reserve the amount, hand it to the gateway, wait until the money has moved.
 *
 * A refund that WeChat Pay has accepted cannot be called back, so a cancelled workflow goes on; and a refund whose end is not known is
 * never given up: after `giveUpMs` it is shown to an operator and asked after all the same.
 */
export async function refund({ refundId, timing }: RefundInput): Promise<RefundOutcome> {
  const notifications: string[] = [];
  let answered: RefundFinding | undefined;
  /** What polling found out, or that it was given up, until the main loop has taken it. */
  let polled: RefundFinding | 'given up' | undefined;
  let polling = false;

  const situation = openSituation();
  serveRetry(openRecord({ refundId }), () => false);

  setHandler(notified, (signal) => void notifications.push(...notificationOf(signal)), {
    description: 'A verified notification is stored: compare it with the refund and settle.',
  });
  setHandler(
    submit,
    async () => {
      await condition(() => answered !== undefined);
      return answered as RefundFinding;
    },
    { description: 'Wait until WeChat Pay has answered the refund request.' },
  );

  return await CancellationScope.nonCancellable(async () => {
    let finding = await reserve();
    if (finding.kind === 'processing') finding = await submitRequest();
    answered = finding;
    while (finding.kind !== 'final') {
      show(finding);
      finding = await nextFinding(finding);
    }
    show(finding);
    do {
      for (let id = notifications.shift(); id; id = notifications.shift())
        await settleNotification(id, finding);
      await condition(allHandlersFinished);
    } while (notifications.length > 0);
    return { status: finding.status };
  });

  /** Puts what is known where the Temporal UI shows it. */
  function show(finding: RefundFinding): void {
    const status: RefundStatus =
      finding.kind === 'final' ? finding.status : finding.kind === 'abnormal' ? 'ABNORMAL' : 'PROCESSING';
    situation.becomes({ key: REFUND_STATUS, value: status }, DETAILS[status], {
      asks: status === 'ABNORMAL',
    });
  }

  /** Sets the amount aside under the payment's row lock, so that all refunds together never exceed it. */
  function reserve(): Promise<RefundFinding> {
    situation.waits('Reserving the amount.');
    return localFirst(
      'reserveRefund',
      { refundId },
      {
        startToCloseTimeout: '15 seconds',
        retry: { initialInterval: '500 milliseconds', maximumInterval: '30 seconds' },
        summary: 'reserve the amount',
      },
    );
  }

  /** Hands the refund to the gateway. Unknown outcomes are resolved by a query, then by the same number with the same bytes. */
  async function submitRequest(): Promise<RefundFinding> {
    situation.waits('Handing the refund to WeChat Pay.');
    const { submitRefund } = proxyActivities<Activities>({
      startToCloseTimeout: '20 seconds',
      scheduleToCloseTimeout: timing.giveUpMs,
      retry: { initialInterval: '1 second', maximumInterval: '60 seconds' },
      summary: 'apply for the refund',
    });
    for (;;) {
      try {
        return await submitRefund({ refundId });
      } catch {
        await askOperator('submit_unresolved');
        await condition(() => notifications.length > 0, '1 hour', {
          summary: 'before the refund is applied for again',
        });
      }
    }
  }

  /** First the notification alone, then polling beside it. */
  async function nextFinding(current: RefundFinding): Promise<RefundFinding> {
    const news = () => notifications.length > 0 || polled !== undefined;
    const summary = 'waiting for the notification';
    if (!polling && !(await condition(news, timing.notifyWaitMs, { summary }))) startPolling(current);
    await condition(news);
    const notificationId = notifications.shift();
    if (notificationId) return await settleNotification(notificationId, current);
    const finding = polled;
    polled = undefined;
    polling = false;
    if (finding === undefined) return current;
    if (finding !== 'given up') return finding;
    await askOperator('refund_unresolved');
    return current;
  }

  /** Polls beside the main loop, once at a time; see the payment workflow. */
  function startPolling(current: RefundFinding): void {
    polling = true;
    void poll(current).then(
      (finding) => {
        polled = finding;
      },
      () => {
        polled = 'given up';
      },
    );
  }

  /** Asks on the documented refund schedule: one activity, whose retries leave no trace in the history. */
  function poll(current: RefundFinding): Promise<RefundFinding> {
    const { settleRefundByPolling } = proxyActivities<Activities>({
      startToCloseTimeout: '20 seconds',
      scheduleToCloseTimeout: timing.giveUpMs,
      retry: { initialInterval: '5 seconds', maximumInterval: '60 seconds' },
      summary: 'ask WeChat Pay whether the money has moved',
    });
    return settleRefundByPolling({ refundId, pollGapsMs: timing.pollGapsMs, known: current.kind });
  }

  /** Compares a stored notification with the refund. One that cannot be settled from is left to polling. */
  async function settleNotification(notificationId: string, current: RefundFinding): Promise<RefundFinding> {
    try {
      return await localFirst(
        'settleRefundFromNotification',
        { refundId, notificationId },
        FROM_NOTIFICATION,
      );
    } catch {
      return current;
    }
  }

  async function askOperator(reason: RefundAttention): Promise<void> {
    const { requestRefundAttention } = proxyActivities<Activities>({
      startToCloseTimeout: '20 seconds',
      summary: `needs an operator: ${reason}`,
    });
    await requestRefundAttention({ refundId, reason });
    situation.asks(`Needs an operator: ${REFUND_ATTENTION[reason]} (${reason}).`);
  }
}

const DETAILS: Record<RefundStatus, string> = {
  CREATED: '',
  RESERVED: 'Reserved.',
  PROCESSING: 'WeChat Pay is moving the money; waiting for its notification, and asking now and then.',
  ABNORMAL:
    'Needs an operator: the money is parked at WeChat Pay. Choose where it goes on the merchant platform.',
  SUCCEEDED: 'Refunded.',
  FAILED: 'Not refunded; the reserved amount is free again.',
};
