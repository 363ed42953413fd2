import { chargeCode } from './charge-code.ts';
import { closeCombinedUnlessPaid } from './close-combined-unless-paid.ts';
import { closeUnlessPaid } from './close-unless-paid.ts';
import { createCombinedOrder, renewCombinedOrder } from './create-combined-order.ts';
import { createPrepayOrder } from './create-prepay-order.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { GatewayPace } from './gateway-pace.ts';
import { renewPrepayOrder } from './renew-prepay-order.ts';
import { requestAttention, requestCombinedAttention, requestRefundAttention } from './request-attention.ts';
import { reserveRefund } from './reserve-refund.ts';
import { reverseUnlessPaid } from './reverse-unless-paid.ts';
import {
  settleCombinedByPolling,
  settleCombinedByQuery,
  settleCombinedFromNotification,
} from './settle-combined.ts';
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
    createCombinedOrder: createCombinedOrder(dependencies),
    renewCombinedOrder: renewCombinedOrder(dependencies),
    settleCombinedFromNotification: settleCombinedFromNotification(dependencies),
    settleCombinedByPolling: settleCombinedByPolling(dependencies),
    settleCombinedByQuery: settleCombinedByQuery(dependencies),
    closeCombinedUnlessPaid: closeCombinedUnlessPaid(dependencies),
    requestCombinedAttention: requestCombinedAttention(dependencies),
    reserveRefund: reserveRefund(dependencies),
    submitRefund: submitRefund(dependencies),
    settleRefundFromNotification: settleRefundFromNotification(dependencies),
    settleRefundByPolling: settleRefundByPolling(dependencies),
    requestRefundAttention: requestRefundAttention(dependencies),
  };
}

/** The activities as the workflows see them: types only. */
export type Activities = ReturnType<typeof createActivities>;
