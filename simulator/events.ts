import type { ComplaintView } from './complaints/view.ts';
import type { NotificationView, OrderView, RefundView } from './control/view.ts';
import type { FiredFault } from './faults/fault.ts';

/** What can be awaited instead of slept for. */
export interface GatewayEvents {
  payment: [OrderView];
  /** A refund changed its state. */
  refund: [RefundView];
  /** Somebody complained, or something happened to a complaint. */
  complaint: [ComplaintView];
  /** A notification was attempted (or lost). */
  attempt: [NotificationView];
  fault: [FiredFault];
}
