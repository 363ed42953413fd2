import { chargeCode } from './charge-code.ts';
import { closeUnlessPaid } from './close-unless-paid.ts';
import { createPrepayOrder } from './create-prepay-order.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { GatewayPace } from './gateway-pace.ts';
import { renewPrepayOrder } from './renew-prepay-order.ts';
import { requestAttention, requestRefundAttention } from './request-attention.ts';
import { reserveRefund } from './reserve-refund.ts';
import { reverseUnlessPaid } from './reverse-unless-paid.ts';
import { settleByPolling, settleByQuery, settleFromNotification } from './settle-payment.ts';
import { settleRefundByPolling, settleRefundFromNotification } from './settle-refund.ts';
import { submitRefund } from './submit-refund.ts';

/**
 * The side effects of the sagas: the only place where the gateway and the database meet. Each is a verb, safe to repeat, and
 * answers business outcomes as values; it throws only when it should be tried again or when there is a bug.
 */
export function createActivities(outside: Omit<ActivityDependencies, 'pace'>) {
  const dependencies = { ...outside, pace: new GatewayPace(outside.clock) };
  return {
    createPrepayOrder: createPrepayOrder(dependencies),
    renewPrepayOrder: renewPrepayOrder(dependencies),
    chargeCode: chargeCode(dependencies),
    settleFromNotification: settleFromNotification(dependencies),
    settleByPolling: settleByPolling(dependencies),
    settleByQuery: settleByQuery(dependencies),
    closeUnlessPaid: closeUnlessPaid(dependencies),
    reverseUnlessPaid: reverseUnlessPaid(dependencies),
    requestAttention: requestAttention(dependencies),
    reserveRefund: reserveRefund(dependencies),
    submitRefund: submitRefund(dependencies),
    settleRefundFromNotification: settleRefundFromNotification(dependencies),
    settleRefundByPolling: settleRefundByPolling(dependencies),
    requestRefundAttention: requestRefundAttention(dependencies),
  };
}

/** The activities as the workflows see them: types only. */
export type Activities = ReturnType<typeof createActivities>;
