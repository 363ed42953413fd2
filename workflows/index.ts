/** The workflow types this service runs; their names are their exports. */

export { combined } from './combined.ts';
export { latePayment } from './late-payment.ts';
export { lookAgain } from './look-again.ts';
export { payment } from './payment.ts';
export { reconciliation, reconciliationNight } from './reconciliation.ts';
export { refund } from './refund.ts';
