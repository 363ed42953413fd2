import { acceptContradiction } from './accept-contradiction.ts';
import { chargeCode } from './charge-code.ts';
import { closeCombinedUnlessPaid } from './close-combined-unless-paid.ts';
import { closeUnlessPaid } from './close-unless-paid.ts';
import { createCombinedOrder, renewCombinedOrder } from './create-combined-order.ts';
import { createPrepayOrder } from './create-prepay-order.ts';
import { showingRefusals } from './credentials.ts';
import { decideLatePayment, watchLatePayment } from './decide-late-payment.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { GatewayPace } from './gateway-pace.ts';
import { payOutRefund } from './pay-out-refund.ts';
import { failReconciliation, listDueReconciliations } from './reconciliation/accounts.ts';
import { loadBill } from './reconciliation/load-bill.ts';
import { matchBills } from './reconciliation/match-bills.ts';
import { recordOperatorAction } from './record-operator-action.ts';
import { renewPrepayOrder } from './renew-prepay-order.ts';
import { repeatWaitingSteps } from './repeat-waiting-steps.ts';
import { requestAttention, requestCombinedAttention, requestRefundAttention } from './request-attention.ts';
import { reserveRefund } from './reserve-refund.ts';
import { resolveCombined } from './resolve-combined.ts';
import { resolvePayment } from './resolve-payment.ts';
import { reverseUnlessPaid } from './reverse-unless-paid.ts';
import {
  settleCombinedByPolling,
  settleCombinedByQuery,
  settleCombinedFromNotification,
} from './settle-combined.ts';
import { settleByPolling, settleByQuery, settleFromNotification } from './settle-payment.ts';
import { settleRefundByPolling, settleRefundByQuery, settleRefundFromNotification } from './settle-refund.ts';
import { settleRefundOffline } from './settle-refund-offline.ts';
import { submitRefund } from './submit-refund.ts';

/**
 * The side effects of the sagas: the only place where the gateway and the database meet. Each is a verb, safe to repeat, and
 * answers business outcomes as values; it throws only when it should be tried again or when there is a bug.
 */
export function createActivities(outside: Omit<ActivityDependencies, 'pace'>) {
  const dependencies = { ...outside, pace: new GatewayPace(outside.clock) };
  return {
    createPrepayOrder: showingRefusals(dependencies, createPrepayOrder(dependencies)),
    renewPrepayOrder: showingRefusals(dependencies, renewPrepayOrder(dependencies)),
    chargeCode: showingRefusals(dependencies, chargeCode(dependencies)),
    settleFromNotification: showingRefusals(dependencies, settleFromNotification(dependencies)),
    settleByPolling: showingRefusals(dependencies, settleByPolling(dependencies)),
    settleByQuery: showingRefusals(dependencies, settleByQuery(dependencies)),
    closeUnlessPaid: showingRefusals(dependencies, closeUnlessPaid(dependencies)),
    reverseUnlessPaid: showingRefusals(dependencies, reverseUnlessPaid(dependencies)),
    requestAttention: requestAttention(dependencies),
    decideLatePayment: decideLatePayment(dependencies),
    watchLatePayment: watchLatePayment(dependencies),
    createCombinedOrder: showingRefusals(dependencies, createCombinedOrder(dependencies)),
    renewCombinedOrder: showingRefusals(dependencies, renewCombinedOrder(dependencies)),
    settleCombinedFromNotification: showingRefusals(
      dependencies,
      settleCombinedFromNotification(dependencies),
    ),
    settleCombinedByPolling: showingRefusals(dependencies, settleCombinedByPolling(dependencies)),
    settleCombinedByQuery: showingRefusals(dependencies, settleCombinedByQuery(dependencies)),
    closeCombinedUnlessPaid: showingRefusals(dependencies, closeCombinedUnlessPaid(dependencies)),
    requestCombinedAttention: requestCombinedAttention(dependencies),
    reserveRefund: reserveRefund(dependencies),
    submitRefund: showingRefusals(dependencies, submitRefund(dependencies)),
    settleRefundFromNotification: showingRefusals(dependencies, settleRefundFromNotification(dependencies)),
    settleRefundByPolling: showingRefusals(dependencies, settleRefundByPolling(dependencies)),
    settleRefundByQuery: showingRefusals(dependencies, settleRefundByQuery(dependencies)),
    payOutRefund: showingRefusals(dependencies, payOutRefund(dependencies)),
    acceptContradiction: acceptContradiction(dependencies),
    settleRefundOffline: showingRefusals(dependencies, settleRefundOffline(dependencies)),
    requestRefundAttention: requestRefundAttention(dependencies),
    listDueReconciliations: listDueReconciliations(dependencies),
    loadBill: loadBill(dependencies),
    matchBills: matchBills(dependencies),
    failReconciliation: failReconciliation(dependencies),
    repeatWaitingSteps: repeatWaitingSteps(),
    recordOperatorAction: recordOperatorAction(dependencies),
    resolvePayment: resolvePayment(dependencies),
    resolveCombined: resolveCombined(dependencies),
  };
}

/** The activities as the workflows see them: types only. */
export type Activities = ReturnType<typeof createActivities>;

export type { RunFailure } from '../database/reconciliation/runs.ts';
export type { BillPatience } from './reconciliation/load-bill.ts';
export type { MatchOutcome } from './reconciliation/match-bills.ts';
