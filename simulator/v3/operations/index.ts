import { EVENT_FAULT_KINDS, type FaultTable, requestFaults } from '../../faults/fault.ts';
import { V2_FAULT_KINDS } from '../../v2/operations/index.ts';
import type { Operation } from '../operation.ts';
import { abnormalRefundOperations } from './abnormal-refunds.ts';
import { billOperations } from './bills.ts';
import { certificateOperations } from './certificates.ts';
import { codepayOperations } from './codepay.ts';
import { combineOperations } from './combine.ts';
import { complaintOperations } from './complaints.ts';
import { globalOrderOperations } from './global.ts';
import { globalRefundOperations } from './global-refunds.ts';
import { globalStatementOperations } from './global-statements.ts';
import { orderOperations } from './orders.ts';
import { prepayOperations } from './prepay.ts';
import { refundOperations } from './refunds.ts';
import { securityOperations } from './security.ts';

/** The v3 endpoints that are simulated. A product is added as a file of this folder. */
export const OPERATIONS: readonly Operation[] = [
  ...prepayOperations,
  ...codepayOperations,
  ...combineOperations,
  ...orderOperations,
  ...refundOperations,
  ...abnormalRefundOperations,
  ...securityOperations,
  ...certificateOperations,
  ...billOperations,
  ...complaintOperations,
  ...globalOrderOperations,
  ...globalRefundOperations,
  ...globalStatementOperations,
];

/** Which faults fit which operation, and which fit notifications and accepted refunds. */
export const FAULT_KINDS: FaultTable = {
  ...Object.fromEntries(OPERATIONS.map(({ name }) => [name, requestFaults(specialFaults(name))])),
  ...V2_FAULT_KINDS,
  ...EVENT_FAULT_KINDS,
};

/** Endpoints of one name share their faults, though one of them may not meet the occasion. */
function specialFaults(wanted: string): NonNullable<Operation['faults']> {
  const same = OPERATIONS.filter(({ name }) => name === wanted);
  return [...new Set(same.flatMap(({ faults = [] }) => faults))];
}
