import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import { REVERSAL_TIMING } from '../domain/payment.ts';
import { AT_GATEWAY, localFirst } from './local-first.ts';
import type { OrderSteps } from './order-steps.ts';

/** The steps that differ where the order charges what the customer has shown at the till: it is charged once, and reversed instead of closed. */
export function chargeSteps(
  paymentId: string,
  reversal = REVERSAL_TIMING,
): Pick<OrderSteps, 'create' | 'closeUnlessPaid'> {
  return {
    create: (durable) => localFirst('chargeCode', { paymentId }, durable, AT_GATEWAY),
    closeUnlessPaid: (durable) =>
      proxyActivities<Activities>(durable).reverseUnlessPaid({ paymentId, reversal }),
  };
}
