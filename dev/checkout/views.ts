import type { paymentResource } from '../../api/payment-resource.ts';
import type { refundResource } from '../../api/refund-resource.ts';
import { paymentWorkflowId, refundWorkflowId } from '../../domain/identity.ts';
import { formatYuan } from '../../domain/money.ts';

/** A payment as the API sends it. */
export type PaymentResource = ReturnType<typeof paymentResource>;
/** A refund as the API sends it. */
export type RefundResource = ReturnType<typeof refundResource>;

/** Where the page's links lead. */
export interface LinkTargets {
  simulatorUrl: string;
  temporalUiUrl?: string | undefined;
}

/** A payment as the page needs it: amounts in yuan, the time left, and links. Nothing that the customer must not see. */
export function paymentView(payment: PaymentResource, targets: LinkTargets) {
  const { code_url } = payment;
  return {
    id: payment.id,
    order_number: payment.out_trade_no,
    status: payment.status,
    attention: payment.attention,
    version: payment.version,
    amount: formatYuan(payment.amount.total),
    refunded: formatYuan(payment.amount.refunded),
    description: payment.description,
    transaction_id: payment.transaction_id,
    success_time: payment.success_time,
    failure: payment.failure,
    // Seconds and not the time itself: the customer's clock may be wrong.
    seconds_left: Math.max(0, Math.ceil((Date.parse(payment.time_expire) - Date.now()) / 1000)),
    qr_url: code_url && `/checkout/qr.svg?code_url=${encodeURIComponent(code_url)}`,
    scan_url:
      code_url &&
      new URL(`/_simulator/scan?code_url=${encodeURIComponent(code_url)}`, targets.simulatorUrl).href,
    workflow_url: workflowUrl(targets, paymentWorkflowId(payment.mchid, payment.out_trade_no)),
  };
}

/** A refund as the page needs it. */
export function refundView(refund: RefundResource, targets: LinkTargets) {
  return {
    id: refund.id,
    payment_id: refund.payment_id,
    status: refund.status,
    version: refund.version,
    amount: formatYuan(refund.amount.refund),
    failure: refund.failure,
    workflow_url: workflowUrl(targets, refundWorkflowId(refund.mchid, refund.out_refund_no)),
  };
}

function workflowUrl({ temporalUiUrl }: LinkTargets, workflowId: string): string | null {
  if (temporalUiUrl === undefined) return null;
  return new URL(`/namespaces/default/workflows/${encodeURIComponent(workflowId)}`, temporalUiUrl).href;
}
