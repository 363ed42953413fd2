import type { ActivityOptions } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import type { PrepayResult } from './messages.ts';

/**
 * The steps of an order at the gateway, of one payment or of a combined one: what the saga does, whoever it does it to. Each may be repeated;
 * `durable` says how patiently, once its brief local attempt has failed.
 */
export interface OrderSteps {
  /** Places the order, or charges what the customer has shown. */
  create(durable: ActivityOptions): Promise<PrepayResult>;
  /** @param issuedAt of what is to be renewed, ISO 8601. */
  renew(issuedAt: string, durable: ActivityOptions): Promise<Answer<'renewPrepayOrder'>>;
  settleFromNotification(notificationId: string): Promise<PaymentFinding>;
  settleByQuery(durable: ActivityOptions): Promise<PaymentFinding>;
  /** Ends once there is something to say; `timeExpire` is Unix time in milliseconds. */
  settleByPolling(
    schedule: { pollGapsMs: number[]; timeExpire: number },
    durable: ActivityOptions,
  ): Promise<PaymentFinding>;
  closeUnlessPaid(durable: ActivityOptions): Promise<PaymentFinding>;
  requestAttention(why: Undecided, durable: ActivityOptions): Promise<void>;
}

/** Why a person decides, with what there is to compare. */
type Undecided = Pick<PaymentFinding & { kind: 'undecided' }, 'reason' | 'sides'>;

type Answer<Step extends keyof Activities> = Awaited<ReturnType<Activities[Step]>>;
