import {
  allHandlersFinished,
  CancellationScope,
  condition,
  proxyActivities,
  setHandler,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { REFUND_ATTENTION, type RefundAttention } from '../domain/attention.ts';
import type { RefundFinding, RefundStatus, SubmitFinding } from '../domain/refund.ts';
import { untilInterrupted } from './interrupt.ts';
import { FROM_NOTIFICATION, localFirst } from './local-first.ts';
import { notificationOf, notified, type RefundOutcome, recheck, requireReason, submit } from './messages.ts';
import { openRecord, serveRetry } from './operator.ts';
import { serveRefundResolution } from './refund-resolution.ts';
import { openSituation } from './situation.ts';
import { REFUND_STATUS, type RefundInput } from './start.ts';

/**
 * One attempt of a refund: reserve the amount, hand it to the gateway, wait until the money has moved.
 *
 * A refund that WeChat Pay has accepted cannot be called back, so a cancelled workflow goes on; and a refund whose end is not known is
 * never given up: after `giveUpMs` it is shown to an operator and asked after all the same.
 */
export async function refund(input: RefundInput): Promise<RefundOutcome> {
  const { refundId, timing } = input;
  const notifications: string[] = [];
  let answered: SubmitFinding | undefined;
  /** Shown to an operator because of it. */
  let attention: RefundAttention | undefined = input.attention;
  /** How often operators wanted WeChat Pay to be asked again, and how often it was. */
  let rechecks = 0;
  let rechecked = 0;
  /** What polling found out, or that it was given up, until the main loop has taken it. */
  let polled: RefundFinding | 'given up' | undefined;
  let polling = false;
  const situation = openSituation();
  const record = openRecord({ refundId });

  setHandler(notified, (signal) => void notifications.push(...notificationOf(signal)), {
    description: 'A verified notification is stored: compare it with the refund and settle.',
  });
  setHandler(
    submit,
    async () => {
      await condition(() => answered !== undefined);
      return answered as SubmitFinding;
    },
    { description: 'Wait until WeChat Pay has answered the refund request.' },
  );
  setHandler(
    recheck,
    async (request) => {
      rechecks += 1;
      await record('recheck', request, 'asked again');
    },
    { validator: requireReason, description: 'After the cause was mended: ask WeChat Pay again.' },
  );
  serveRetry(record, () => {
    const waits = attention !== undefined;
    if (waits) rechecks += 1;
    return waits;
  });
  const resolution = serveRefundResolution(refundId, record);

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
      if (wantsRecheck()) await askNow(finding);
      await resolution.carryOut(finding);
      await condition(() => allHandlersFinished() || resolution.isWanted());
    } while (notifications.length > 0 || wantsRecheck() || resolution.isWanted());
    return { status: finding.status };
  });

  /** Whether WeChat Pay is to be asked now. */
  function wantsRecheck(): boolean {
    return rechecks > rechecked;
  }

  /** Puts what is known where the Temporal UI shows it. */
  function show(finding: RefundFinding): void {
    const status: RefundStatus =
      finding.kind === 'final' ? finding.status : finding.kind === 'abnormal' ? 'ABNORMAL' : 'PROCESSING';
    // Histories from before findings had a reason know one only.
    const reason =
      finding.kind === 'final'
        ? undefined
        : (finding.attention ?? (finding.kind === 'abnormal' ? 'refund_abnormal' : undefined));
    attention = reason;
    situation.becomes(
      { key: REFUND_STATUS, value: status },
      reason ? needsOperator(reason) : DETAILS[status],
      {
        asks: reason !== undefined,
      },
    );
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

  /**
   * Hands the refund to the gateway. Unknown outcomes are resolved by a query, then by the same number with the same bytes. It waits for its
   * turn among the refunds of the payment, and for money on the merchant's account. What people decide meanwhile the next attempt finds in the row.
   */
  async function submitRequest(): Promise<RefundFinding> {
    let known: 'not_enough' | undefined;
    for (;;) {
      if (resolution.isWanted()) await resolution.carryOut({ kind: 'processing' });
      const before = rechecks;
      const wanted = () => rechecks > before || resolution.isWanted();
      if (attention === undefined)
        situation.waits(
          `Waiting for WeChat Pay's answer to the refund request, which is sent again until it answers, until ${giveUpAt()}. Then an operator is asked.`,
        );
      const { submitRefund } = proxyActivities<Activities>({
        startToCloseTimeout: '20 seconds',
        scheduleToCloseTimeout: timing.giveUpMs,
        retry: { initialInterval: '1 second', maximumInterval: '60 seconds' },
        summary: 'apply for the refund',
      });
      const request = { refundId, gapMs: timing.gapMs, topUpGapsMs: timing.topUpGapsMs, known };
      const found = await untilInterrupted(() => submitRefund(request), wanted);
      if (!found) {
        // Interrupted, or given up for now.
        if (!wanted() && !known) {
          await askOperator('submit_unresolved');
          await condition(() => notifications.length > 0 || wanted(), '1 hour', {
            summary: 'before the refund is applied for again',
          });
        }
        known = undefined;
        if (rechecks > before) rechecked = rechecks;
        continue;
      }
      answered ??= found;
      switch (found.kind) {
        case 'queued':
          situation.answered();
          situation.waits(
            `Waiting for its turn among the refunds of the payment, which WeChat Pay takes a minute apart, until ${inMs(found.waitMs)} at least.`,
          );
          await condition(wanted, found.waitMs, {
            summary: 'one minute between the refunds of a payment',
          });
          break;
        case 'not_enough':
          known = 'not_enough';
          showAttention('refund_not_enough');
          break;
        case 'undecided':
          showAttention(found.reason);
          await condition(wanted);
          rechecked = rechecks;
          break;
        default:
          return found;
      }
    }
  }

  /** First the notification alone, then polling beside it; what operators want in between. */
  async function nextFinding(current: RefundFinding): Promise<RefundFinding> {
    const news = () =>
      notifications.length > 0 || polled !== undefined || wantsRecheck() || resolution.isWanted();
    const summary = 'waiting for the notification';
    if (!polling && !(await condition(news, timing.notifyWaitMs, { summary }))) startPolling(current);
    await condition(news);
    const notificationId = notifications.shift();
    if (notificationId) return await settleNotification(notificationId, current);
    if (resolution.isWanted()) return (await resolution.carryOut(current)) ?? (await askNow(current));
    if (wantsRecheck()) return await askNow(current);
    const finding = polled;
    polled = undefined;
    polling = false;
    if (finding === undefined) return current;
    if (finding !== 'given up') return finding;
    await askOperator('refund_unresolved');
    return { ...current, attention: 'refund_unresolved' } as RefundFinding;
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
    return settleRefundByPolling({
      refundId,
      pollGapsMs: timing.pollGapsMs,
      known: current.kind,
      ...(attention && { knownAttention: attention }),
    });
  }

  /** Asks at once. What cannot be answered in time is left to polling. */
  async function askNow(current: RefundFinding): Promise<RefundFinding> {
    rechecked = rechecks;
    const { settleRefundByQuery } = proxyActivities<Activities>({
      startToCloseTimeout: '20 seconds',
      scheduleToCloseTimeout: '2 minutes',
      retry: { initialInterval: '1 second' },
      summary: 'ask WeChat Pay for an operator',
    });
    try {
      return await settleRefundByQuery({ refundId });
    } catch {
      return current;
    }
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
    showAttention(reason);
  }

  /** Until when a step is repeated that begins now. */
  function giveUpAt(): string {
    return inMs(timing.giveUpMs);
  }

  function showAttention(reason: RefundAttention): void {
    attention = reason;
    situation.asks(needsOperator(reason));
  }
}

const DETAILS: Record<RefundStatus, string> = {
  CREATED: '',
  RESERVED: 'Reserved.',
  PROCESSING:
    'Waiting until the customer has the money, which takes WeChat Pay minutes, or for a card up to three working days: its notification tells, and it is asked now and then. After 30 days an operator is asked.',
  ABNORMAL: '',
  SUCCEEDED: 'Refunded.',
  FAILED: 'Not refunded; the reserved amount is free again.',
};

/** What an operator reads. */
function needsOperator(reason: RefundAttention): string {
  const update =
    reason === 'refund_abnormal'
      ? '`resolveRefund`'
      : `\`recheck\`, once the cause is mended${reason === 'gateway_contradicts' ? ', or `resolveRefund`' : ''}`;
  return `Needs an operator: ${REFUND_ATTENTION[reason]} (${reason}). Waits for the update ${update}, without an end; WeChat Pay may still settle it. docs/runbooks/refund-${reason.replaceAll('_', '-')}.md says what to do.`;
}

/** The time in so many milliseconds. */
function inMs(ms: number): string {
  return new Date(Date.now() + ms).toISOString();
}
