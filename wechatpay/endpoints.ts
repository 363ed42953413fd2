import type { Endpoint } from './endpoint.ts';
import { GLOBAL_ENDPOINTS } from './global/endpoints.ts';
import { V2_ENDPOINTS } from './v2/endpoints.ts';
import { BILL_ENDPOINTS } from './v3/bills.ts';
import { CERTIFICATE_ENDPOINTS } from './v3/certificates.ts';
import { CODEPAY_ENDPOINTS } from './v3/codepay.ts';
import { COMBINE_ENDPOINTS } from './v3/combine.ts';
import { COMPLAINT_ENDPOINTS, GLOBAL_COMPLAINT_ENDPOINTS } from './v3/complaint-endpoints.ts';
import { ORDER_ENDPOINTS } from './v3/orders.ts';
import { PREPAY_ENDPOINTS } from './v3/prepay.ts';
import { REFUND_ENDPOINTS } from './v3/refunds.ts';
import { SECURITY_ENDPOINTS } from './v3/security.ts';

const TABLES = {
  ...PREPAY_ENDPOINTS,
  ...ORDER_ENDPOINTS,
  ...CODEPAY_ENDPOINTS,
  ...COMBINE_ENDPOINTS,
  ...REFUND_ENDPOINTS,
  ...BILL_ENDPOINTS,
  ...COMPLAINT_ENDPOINTS,
  ...CERTIFICATE_ENDPOINTS,
  ...SECURITY_ENDPOINTS,
  ...GLOBAL_ENDPOINTS,
  ...GLOBAL_COMPLAINT_ENDPOINTS,
  ...V2_ENDPOINTS,
};

/** The name of a call: where it is on the client, `refunds.apply`, behind `global.` or `v2.` for those APIs. */
export type EndpointName = keyof typeof TABLES;

/** Every call of this library by its name, with its path and what the gateway allows. docs/wechatpay-coverage.md shows them all. */
export const ENDPOINTS: Readonly<Record<EndpointName, Endpoint>> = TABLES;
