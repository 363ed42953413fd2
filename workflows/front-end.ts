import { CancellationScope, setHandler } from '@temporalio/workflow';
import type { PaymentFinding } from '../domain/payment.ts';
import {
  type OperatorRequest,
  type RenewRequest,
  type RenewResult,
  renewPrepay,
  requireReason,
  type SyncResult,
  syncNow,
} from './messages.ts';
import type { RecordAction } from './operator.ts';
import type { OrderSteps } from './order-steps.ts';

/** As many requests of each kind a payment answers: they are in its history, which has to have room for the payment's own steps. */
const ROOM = 300;
/** Whoever waits in front of a screen does not wait longer; the request can be repeated. */
const PATIENCE = {
  startToCloseTimeout: '8 seconds',
  scheduleToCloseTimeout: '9 seconds',
  retry: { initialInterval: '500 milliseconds', maximumAttempts: 2 },
} as const;

/**
 * Answers what the customer's front end asks for while a payment is open: renew what has expired, and look at once whether it is paid. Both
 * run beside the main loop, each once at a time; whoever asks meanwhile gets the same answer.
 * @param accepted resolves to whether there is an order to renew.
 * @param found is told what the gateway said, unless that was "unpaid".
 * @param record puts on record what an operator asked for.
 */
export function serveFrontEnd({
  steps,
  title,
  accepted,
  found,
  record,
}: {
  steps: Pick<OrderSteps, 'renew' | 'settleByQuery'>;
  title: string;
  accepted: () => Promise<boolean>;
  found: (finding: PaymentFinding) => void;
  record: RecordAction;
}): void {
  let renewals = 0;
  let syncs = 0;
  let renewing: Promise<RenewResult> | undefined;
  let syncing: Promise<SyncResult> | undefined;

  setHandler(
    renewPrepay,
    async (request) => {
      renewals += 1;
      renewing ??= CancellationScope.nonCancellable(() => renew(request)).finally(() => {
        renewing = undefined;
      });
      return await renewing;
    },
    {
      validator: (_request) => requireRoom(renewals),
      description: 'Send the same order again: what the phone needs has expired.',
    },
  );
  setHandler(
    syncNow,
    async (operator?: OperatorRequest) => {
      syncs += 1;
      syncing ??= CancellationScope.nonCancellable(sync).finally(() => {
        syncing = undefined;
      });
      const result = await syncing;
      if (operator) await record('sync', operator, result.kind === 'final' ? result.status : result.kind);
      return result;
    },
    {
      validator: (operator?: OperatorRequest) => {
        requireRoom(syncs);
        if (operator !== undefined) requireReason(operator);
      },
      description: 'Ask WeChat Pay at once whether it is paid: the customer came back, or an operator looks.',
    },
  );

  async function renew({ issuedAt }: RenewRequest): Promise<RenewResult> {
    // Two requests for one order must not overlap: the older answer would be dead.
    if (!(await accepted())) return { kind: 'ended' };
    const durable = { ...PATIENCE, summary: `renew the ${title} order` };
    try {
      const answer = await steps.renew(issuedAt, durable);
      if (answer.kind !== 'ended') return answer;
      if (answer.finding.kind !== 'unpaid') found(answer.finding);
      return { kind: 'ended' };
    } catch {
      return { kind: 'unanswered' };
    }
  }

  async function sync(): Promise<SyncResult> {
    const durable = { ...PATIENCE, summary: 'the customer came back: ask WeChat Pay whether it is paid' };
    try {
      const finding = await steps.settleByQuery(durable);
      if (finding.kind !== 'unpaid') found(finding);
      return finding;
    } catch {
      return { kind: 'unanswered' };
    }
  }
}

function requireRoom(requests: number): void {
  if (requests >= ROOM) throw new Error('the front end has asked too often');
}
