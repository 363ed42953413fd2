import { type CombinedPayment, loadCombinedPayment } from '../database/combined-payments.ts';
import { paymentsNamed } from '../database/payment-list.ts';
import type { Payment } from '../database/payments.ts';
import type { Queryable } from '../database/pool.ts';
import { combinedWorkflowId, paymentWorkflowId } from '../domain/identity.ts';
import {
  combinedStart,
  type latePaymentRestart,
  paymentStart,
  type refundRestart,
  type StartOptions,
} from '../workflows/start.ts';
import { UsageError } from './usage-error.ts';

/** What has a workflow of its own. */
export interface SagaTarget {
  id: string;
  workflowId: string;
  /** Options that start (or find) its workflow. */
  start(
    options: StartOptions,
  ): ReturnType<
    typeof paymentStart | typeof combinedStart | typeof refundRestart | typeof latePaymentRestart
  >;
}

/** What a command is about: a payment, or a combined one. */
export type Target = SagaTarget & {
  tenantId: string;
  status: Payment['status'];
} & ({ payment: Payment; combined?: never } | { combined: CombinedPayment; payment?: never });

/**
 * The payment of this id or order number, or the combined payment of this id.
 * @param tenantId of the operator who acts; without one anybody's.
 * @throws UsageError when there is none, or more than one.
 */
export async function targetNamed(db: Queryable, name: string, tenantId?: string): Promise<Target> {
  const combined = name.startsWith('cmb_') ? await loadCombinedPayment(db, name) : undefined;
  if (combined && (tenantId === undefined || combined.tenantId === tenantId)) {
    return {
      id: combined.id,
      tenantId: combined.tenantId,
      status: combined.status,
      workflowId: combinedWorkflowId(combined.mchid, combined.combineOutTradeNo),
      start: (options) => combinedStart(combined, options),
      combined,
    };
  }
  const [payment, ...others] = await paymentsNamed(db, name, tenantId);
  if (!payment) throw new UsageError(`there is no payment ${name}`);
  if (others.length > 0) {
    const ids = [payment, ...others].map(({ id, mchid }) => `${id} (${mchid})`);
    throw new UsageError(`several merchants have an order ${name}: name one of ${ids.join(', ')}`);
  }
  return {
    id: payment.id,
    tenantId: payment.tenantId,
    status: payment.status,
    workflowId: paymentWorkflowId(payment.mchid, payment.outTradeNo),
    start: (options) => paymentStart(payment, options),
    payment,
  };
}

/** As `targetNamed`, for what has a workflow of its own. @throws UsageError for a sub-order, too, which has none. */
export async function sagaNamed(db: Queryable, name: string, tenantId: string): Promise<Target> {
  const target = await targetNamed(db, name, tenantId);
  const combinedId = target.payment?.combinedId ?? null;
  if (combinedId !== null)
    throw new UsageError(`${target.id} is paid and closed together with others: name ${combinedId}`);
  return target;
}
