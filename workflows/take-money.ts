import {
  type ActivityOptions,
  allHandlersFinished,
  CancellationScope,
  condition,
  setHandler,
} from '@temporalio/workflow';
import { PAYMENT_ATTENTION } from '../domain/attention.ts';
import type { BothSides } from '../domain/both-sides.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import { serveFrontEnd } from './front-end.ts';
import { untilInterrupted } from './interrupt.ts';
import {
  close,
  notificationOf,
  notified,
  type OperatorRequest,
  type PaymentOutcome,
  type PrepayResult,
  prepay,
  recheck,
  requireReason,
} from './messages.ts';
import { type OrderSubject, openRecord, serveResolution, serveRetry } from './operator.ts';
import type { OrderSteps } from './order-steps.ts';
import { chargeWords, orderWords } from './order-words.ts';
import { openSituation } from './situation.ts';
import { PAYMENT_STATUS, type PaymentInput } from './start.ts';
import { startRefund } from './start-refund.ts';

/** For so long a close is repeated before an operator is asked. */
const CLOSE_WITHIN_MS = 24 * 3600 * 1000;
/** Room for the last attempt of a step whose deadline is near. */
const LAST_ATTEMPT_MS = 60_000;
/** What was charged may be reversed only after a while: so long whoever closes it waits for the end. */
const REVERSAL_PATIENCE = '8 seconds';

/** An order that waits for its customer, whether it is one payment or a combined one. */
export interface OpenOrder extends Pick<PaymentInput, 'timeExpire' | 'timing' | 'refundTiming'> {
  subject: OrderSubject;
  /** What it is called in sentences. */
  title: string;
  steps: OrderSteps;
  /** Whether it charges what the customer has shown: such an order is reversed instead of closed, and nobody is notified of it. */
  charged?: boolean;
}

/** Takes the money of an order: see `payment`, of which this is all, and `combined`. */
export async function takeMoney({
  subject,
  title,
  timeExpire,
  timing,
  refundTiming,
  steps,
  charged = false,
}: OpenOrder): Promise<PaymentOutcome> {
  const words = (charged ? chargeWords : orderWords)(title, timeExpire);
  const expiresAt = Date.parse(timeExpire);
  const notifications: string[] = [];
  let closeRequest: OperatorRequest | undefined;
  let recheckRequest: OperatorRequest | undefined;
  let prepayResult: PrepayResult | undefined;
  let outcome: PaymentOutcome | undefined;
  /** Shown to an operator, who may act on it from then on, whatever is under way besides. */
  let shownToOperator = false;
  /** Waits for an operator right now. */
  let waitsForOperator = false;
  /** What polling found out, until the main loop has taken it. */
  let polled: PaymentFinding | undefined;
  let polling = false;
  /** What was found out for the front end or an operator, until the main loop has taken it. */
  let found: PaymentFinding | undefined;
  /** An operator has settled it. */
  let resolved = false;
  const situation = openSituation();
  const record = openRecord(subject);

  setHandler(notified, (signal) => void notifications.push(...notificationOf(signal)), {
    description: 'A verified notification is stored: compare it with the payment and settle.',
  });
  setHandler(
    prepay,
    async () => {
      await condition(() => prepayResult !== undefined);
      return prepayResult as PrepayResult;
    },
    { description: 'Wait for the prepay order; answers with what became of it.' },
  );
  setHandler(
    close,
    async (request) => {
      closeRequest ??= request;
      const decided = () => outcome !== undefined || waitsForOperator;
      if (charged) await condition(decided, REVERSAL_PATIENCE, { summary: 'whoever closes it waits' });
      else await condition(decided);
      const answer = outcome ?? { status: 'UNDECIDED' as const };
      const recording = record('close', request, answer.status);
      if (recording) await recording;
      return answer;
    },
    { validator: requireReason, description: 'Close the order unless it turns out to be paid.' },
  );
  setHandler(
    recheck,
    (request) => {
      recheckRequest = request;
      return record('recheck', request, 'asked again');
    },
    {
      validator: (request) => {
        requireReason(request);
        if (!shownToOperator) throw new Error('the payment does not wait for an operator');
      },
      description: 'After the cause was mended: ask WeChat Pay again.',
    },
  );
  serveRetry(record, (request) => {
    if (shownToOperator) recheckRequest = request;
    return shownToOperator;
  });
  serveResolution(subject, (finding) => {
    resolved = true;
    found = finding;
  });
  serveFrontEnd({
    steps,
    record,
    title,
    accepted: async () => {
      await condition(() => prepayResult !== undefined);
      return prepayResult?.kind === 'accepted' && !outcome && !closeRequest && windowMs() > 0;
    },
    found: (finding) => {
      // To an operator who looks at it already, a contradiction is no news.
      if (finding.kind === 'final' || !waitsForOperator) found = finding;
    },
  });
  // Cancelling the workflow means: end this payment. The order must still be closed at the gateway.
  CancellationScope.current().cancelRequested.catch(() => {
    closeRequest ??= { actor: 'temporal', reason: 'the workflow was cancelled' };
  });

  const news = () => notifications.length > 0 || polled !== undefined || found !== undefined;
  const happened = () => closeRequest !== undefined || news();
  const windowMs = () => expiresAt - Date.now();

  return await CancellationScope.nonCancellable(async () => {
    let finding = await createOrder();
    while (finding.kind !== 'final') {
      const notificationId = notifications.shift();
      if (notificationId) finding = await settleNotification(notificationId);
      else if (polled) finding = takePolled();
      else if (found) finding = takeFound();
      else if (finding.kind === 'undecided') finding = await askOperator(finding);
      else if (closeRequest || windowMs() <= 0 || finding.kind === 'unpayable') finding = await endOrder();
      else finding = await waitForMoney();
    }
    outcome = { status: finding.status };
    prepayResult ??= { kind: 'ended' };
    situation.becomes({ key: PAYMENT_STATUS, value: finding.status }, ENDINGS[finding.status]);
    for (const refund of [finding.refund, ...(finding.refunds ?? [])])
      if (refund) await startRefund(refund, refundTiming);

    // What arrived meanwhile is a copy of what is known, or money that came late. Both are recorded.
    do {
      for (let id = notifications.shift(); id; id = notifications.shift()) await settleNotification(id);
      await condition(allHandlersFinished);
    } while (notifications.length > 0);
    return outcome;
  });

  /**
   * Creates the order, repeating the same bytes until the gateway answers, the window is over or a close is asked for. What the customer has
   * shown is charged once, whose answer may be the money already.
   */
  async function createOrder(): Promise<PaymentFinding> {
    if (windowMs() <= 0 || closeRequest) return { kind: 'unpaid' };
    situation.waits(words.isPlaced);
    const durable: ActivityOptions = {
      startToCloseTimeout: '15 seconds',
      scheduleToCloseTimeout: windowMs() + LAST_ATTEMPT_MS,
      retry: { initialInterval: '1 second', maximumInterval: '60 seconds' },
      summary: words.place,
    };
    prepayResult = await untilInterrupted(
      () => steps.create(durable),
      () => closeRequest !== undefined || resolved,
    );
    if (resolved) return { kind: 'unpaid' };
    if (prepayResult?.kind === 'rejected') return { kind: 'final', status: 'FAILED' };
    if (prepayResult?.kind === 'accepted') situation.answered();
    // Without an answer the order may exist. What the phone needs reached nobody; it is closed like any other.
    else closeRequest ??= { actor: 'paysaga', reason: 'the prepay order was not answered in time' };
    return (prepayResult?.kind === 'accepted' && prepayResult.finding) || { kind: 'unpaid' };
  }

  /**
   * First the notification alone, then polling beside it, until one of them speaks, a close is asked for, or the window ends. Of what was
   * charged nobody is notified.
   */
  async function waitForMoney(): Promise<PaymentFinding> {
    if (!polling) {
      situation.waits(words.isAwaited);
      const patienceMs = Math.min(timing.notifyWaitMs, windowMs());
      if (await condition(happened, patienceMs, { summary: words.await })) return { kind: 'unpaid' };
      if (windowMs() <= 0) return { kind: 'unpaid' };
      startPolling();
    }
    situation.waits(words.isAskedAfter);
    await condition(happened, windowMs(), { summary: 'payment window' });
    return { kind: 'unpaid' };
  }

  /**
   * Polls beside the main loop, once at a time. It is never cancelled, which would cost five events: it only reads and settles, so a turn
   * that comes too late does no harm, and it ends with the workflow.
   */
  function startPolling(): void {
    polling = true;
    void pollOrder().then(
      (finding) => {
        polled = finding;
      },
      // A poll that was given up is no news; the end of the window asks again.
      () => {},
    );
  }

  function takePolled(): PaymentFinding {
    const finding = polled ?? { kind: 'unpaid' as const };
    polled = undefined;
    polling = false;
    return finding;
  }

  function takeFound(): PaymentFinding {
    const finding = found ?? { kind: 'unpaid' as const };
    found = undefined;
    return finding;
  }

  /** Asks on WeChat Pay's recommended schedule: one activity, whose retries leave no trace in the history. */
  function pollOrder(): Promise<PaymentFinding> {
    const schedule = { pollGapsMs: timing.pollGapsMs, timeExpire: expiresAt };
    return steps.settleByPolling(schedule, {
      startToCloseTimeout: '20 seconds',
      scheduleToCloseTimeout: windowMs() + LAST_ATTEMPT_MS,
      retry: { initialInterval: '5 seconds', maximumInterval: '60 seconds' },
      summary: 'ask WeChat Pay whether it is paid',
    });
  }

  /** Compares a stored notification with the payment; settles if they agree. One that cannot be settled from is left to polling. */
  async function settleNotification(notificationId: string): Promise<PaymentFinding> {
    try {
      return await steps.settleFromNotification(notificationId);
    } catch {
      return { kind: 'unpaid' };
    }
  }

  /** Query, close, query again: ends the order at the gateway, or finds it paid. */
  async function endOrder(): Promise<PaymentFinding> {
    const why = closeRequest
      ? `at the request of ${closeRequest.actor} (${closeRequest.reason})`
      : 'as its window is over';
    const withinMs = timing.closeWithinMs ?? CLOSE_WITHIN_MS;
    const until = new Date(Date.now() + withinMs).toISOString();
    situation.waits(
      `Closing the order ${why}: waiting until WeChat Pay says that it is closed, or paid after all. It is asked again and again until ${until}; then an operator is asked.`,
    );
    const durable: ActivityOptions = {
      startToCloseTimeout: '30 seconds',
      scheduleToCloseTimeout: withinMs,
      retry: { initialInterval: '1 second', maximumInterval: '60 seconds' },
      summary: words.end,
    };
    const ending = await untilInterrupted(
      () => steps.closeUnlessPaid(durable),
      () => resolved,
    );
    if (ending || resolved) return ending ?? { kind: 'unpaid' };
    // Given up for now: it neither settles nor fails the payment.
    return { kind: 'undecided', reason: 'close_unresolved' };
  }

  /** What no machine can decide waits, visibly, for a person; a notification may still settle it. */
  async function askOperator({ reason, sides }: Undecided): Promise<PaymentFinding> {
    shownToOperator = true;
    const summary = `needs an operator: ${reason}`;
    await steps.requestAttention({ reason, sides }, { startToCloseTimeout: '20 seconds', summary });
    situation.asks(
      `Needs an operator: ${PAYMENT_ATTENTION[reason]} (${reason}). Waits for one of the updates \`recheck\`, once the cause is mended, \`resolveAsPaid\` and \`resolveAsClosed\`, without an end; a notification from WeChat Pay may still settle it. docs/runbooks/payment-${reason.replaceAll('_', '-')}.md says what to do.${sides ? differenceOf(sides) : ''}`,
    );
    waitsForOperator = true;
    await condition(() => recheckRequest !== undefined || news());
    waitsForOperator = false;
    // Asked at once, not after the gap of a poll that waits already.
    if (recheckRequest && windowMs() > 0) startPolling();
    recheckRequest = undefined;
    return { kind: 'unpaid' };
  }
}

type Undecided = PaymentFinding & { kind: 'undecided' };

/** Both sides, in Markdown. */
function differenceOf({ wechat_pay, paysaga }: BothSides): string {
  return `\n\nWeChat Pay says \`${JSON.stringify(wechat_pay)}\`.\n\nThe payment says \`${JSON.stringify(paysaga)}\`.`;
}

const ENDINGS = {
  PAID: 'Paid.',
  CLOSED: 'Closed unpaid; WeChat Pay confirmed it.',
  FAILED: 'WeChat Pay refused the order.',
} as const;
