/** The workflow types this service runs; their names are their exports. */
export { payment } from './payment.ts';
export { reconciliation, reconciliationNight } from './reconciliation.ts';
export { refund } from './refund.ts';
