import { type ActivityOptions, proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { isCharged, PRODUCTS } from '../domain/product.ts';
import { chargeSteps } from './charge-steps.ts';
import { AT_GATEWAY, FROM_NOTIFICATION, localFirst } from './local-first.ts';
import type { PaymentOutcome } from './messages.ts';
import type { OrderSteps } from './order-steps.ts';
import type { PaymentInput } from './start.ts';
import { takeMoney } from './take-money.ts';

/**
 * One payment, from the prepay order until the money has arrived or the order is closed at the gateway.
 *
 * The workflow (through its activities) is the only writer of the payment's status until then. It never takes silence for an answer: a
 * window that runs out leads to a query, a close and another query, and only the gateway's own word ends the payment.
 *
 * What the customer shows at a till is charged instead of ordered, and reversed instead of closed; the rest is the same.
 */
export async function payment({
  paymentId,
  product = 'NATIVE',
  timeExpire,
  timing,
  refundTiming,
}: PaymentInput): Promise<PaymentOutcome> {
  const { title } = PRODUCTS[product];
  const order = { subject: { paymentId }, title, timeExpire, timing, refundTiming };
  const steps = stepsOf(paymentId);
  if (!isCharged(product)) return await takeMoney({ ...order, steps });
  const charge = chargeSteps(paymentId, timing.reversal);
  return await takeMoney({ ...order, steps: { ...steps, ...charge }, charged: true });
}

/** The steps of one payment's order. */
function stepsOf(paymentId: string): OrderSteps {
  const activities = (durable: ActivityOptions) => proxyActivities<Activities>(durable);
  return {
    create: (durable) => localFirst('createPrepayOrder', { paymentId }, durable, AT_GATEWAY),
    renew: (issuedAt, durable) =>
      localFirst('renewPrepayOrder', { paymentId, issuedAt }, durable, AT_GATEWAY),
    settleFromNotification: (notificationId) =>
      localFirst('settleFromNotification', { paymentId, notificationId }, FROM_NOTIFICATION),
    settleByQuery: (durable) => localFirst('settleByQuery', { paymentId }, durable, AT_GATEWAY),
    settleByPolling: (schedule, durable) => activities(durable).settleByPolling({ paymentId, ...schedule }),
    closeUnlessPaid: (durable) => activities(durable).closeUnlessPaid({ paymentId }),
    requestAttention: ({ reason, sides }, durable) =>
      activities(durable).requestAttention({ paymentId, reason, ...(sides && { sides }) }),
  };
}
