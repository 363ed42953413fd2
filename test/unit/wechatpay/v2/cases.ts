import { bills } from './bill-cases.ts';
import type { V2Case } from './case.ts';
import { orders, paymentCodes, tools } from './order-cases.ts';
import { refunds } from './refund-cases.ts';
import { communicationCases, errorCases } from './refusals.ts';

export type { Failure, V2Case } from './case.ts';

/** Every call of the v2 API: what is sent, what is answered, what comes of it. docs/wechatpay-coverage.md is made from it. */
export const V2_CASES: readonly V2Case[] = [
  ...orders,
  ...refunds,
  ...paymentCodes,
  ...bills,
  ...tools,
  ...errorCases,
  ...communicationCases,
];
