/** The workflow types this service runs; their names are their exports. */
export { combined } from './combined.ts';
export { payment } from './payment.ts';
export { refund } from './refund.ts';
