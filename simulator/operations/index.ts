import { type FaultTable, NOTIFICATION_FAULT_KINDS, requestFaults } from '../fault.ts';
import type { Operation } from '../operation.ts';
import { certificateOperations } from './certificates.ts';
import { codepayOperations } from './codepay.ts';
import { orderOperations } from './orders.ts';
import { prepayOperations } from './prepay.ts';
import { refundOperations } from './refunds.ts';

/** The v3 endpoints that are simulated. A product is added as a file of this folder. */
export const OPERATIONS: readonly Operation[] = [
  ...prepayOperations,
  ...codepayOperations,
  ...orderOperations,
  ...refundOperations,
  ...certificateOperations,
];

/** Which faults fit which operation. */
export const FAULT_KINDS: FaultTable = {
  ...Object.fromEntries(OPERATIONS.map(({ name, faults }) => [name, requestFaults(faults)])),
  notification: NOTIFICATION_FAULT_KINDS,
};
