import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { PRODUCTS } from '../domain/product.ts';
import { AT_GATEWAY, FROM_NOTIFICATION, localFirst } from './local-first.ts';
import type { PaymentOutcome } from './messages.ts';
import type { OrderSteps } from './order-steps.ts';
import type { CombinedInput } from './start.ts';
import { takeMoney } from './take-money.ts';

/**
 * One combined payment: several orders that the customer pays at once or not at all. To WeChat Pay they are one order, so this is the saga
 * of a payment with other steps, and the only writer of the status of each of them until they are paid. Each is refunded on its own.
 */
export async function combined({
  combinedId,
  product,
  timeExpire,
  timing,
  refundTiming,
}: CombinedInput): Promise<PaymentOutcome> {
  const title = `combined ${PRODUCTS[product].title}`;
  const steps = stepsOf(combinedId);
  return await takeMoney({ subject: { combinedId }, title, timeExpire, timing, refundTiming, steps });
}

function stepsOf(combinedId: string): OrderSteps {
  const activities = (durable: ActivityOptions) => proxyActivities<Activities>(durable);
  return {
    create: (durable) => localFirst('createCombinedOrder', { combinedId }, durable, AT_GATEWAY),
    renew: (issuedAt, durable) =>
      localFirst('renewCombinedOrder', { combinedId, issuedAt }, durable, AT_GATEWAY),
    settleFromNotification: (notificationId) =>
      localFirst('settleCombinedFromNotification', { combinedId, notificationId }, FROM_NOTIFICATION),
    settleByQuery: (durable) => localFirst('settleCombinedByQuery', { combinedId }, durable, AT_GATEWAY),
    settleByPolling: (schedule, durable) =>
      activities(durable).settleCombinedByPolling({ combinedId, ...schedule }),
    closeUnlessPaid: (durable) => activities(durable).closeCombinedUnlessPaid({ combinedId }),
    requestAttention: ({ reason }, durable) =>
      activities(durable).requestCombinedAttention({ combinedId, reason }),
  };
}
