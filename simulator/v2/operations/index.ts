import type { FaultKind, FaultTable } from '../../faults/fault.ts';
import type { V2Operation } from '../operation.ts';
import { billOperations } from './bills.ts';
import { orderOperations } from './orders.ts';
import { paymentCodeOperations } from './payment-codes.ts';
import { refundOperations } from './refunds.ts';
import { toolOperations } from './tools.ts';

const OPERATIONS: readonly V2Operation[] = [
  ...orderOperations,
  ...refundOperations,
  ...paymentCodeOperations,
  ...billOperations,
  ...toolOperations,
];

const BY_PATH = new Map(OPERATIONS.map((operation) => [operation.path, operation]));

const PREFIXES = ['/pay/', '/secapi/', '/tools/', '/payitil/', '/face/', '/xdc/', '/sandboxnew/'];
const SANDBOX = /^\/(?:xdc\/apiv2sandbox|sandboxnew)(\/.*)$/;

/** What can go wrong with an answer of v2, which has neither statuses nor a signature in headers. */
const ANSWER_FAULTS: readonly FaultKind[] = [
  'timeout_before',
  'timeout_after',
  'reset_after',
  'reset_mid_answer',
  'error_500',
  'error_502_html',
  'error_503_html',
  'rate_limited_429',
  'slow',
  'bad_signature',
  'unsigned',
  'refused',
];

/** Which faults fit which endpoint of v2. */
export const V2_FAULT_KINDS: FaultTable = Object.fromEntries(
  OPERATIONS.map(({ name, faults = [] }) => [name, [...ANSWER_FAULTS, ...faults]]),
);

/** Whether a path belongs to v2, known or not. */
export function isV2Path(path: string): boolean {
  return PREFIXES.some((prefix) => path.startsWith(prefix));
}

/** The endpoint of a path. The sandbox has those of `/pay/`, which there need no certificate. */
export function findOperation(path: string): { operation: V2Operation; sandbox: boolean } | undefined {
  const known = BY_PATH.get(path);
  if (known) return { operation: known, sandbox: false };
  const [, inSandbox = ''] = SANDBOX.exec(path) ?? [];
  const operation = BY_PATH.get(inSandbox) ?? BY_PATH.get(inSandbox.replace('/pay/', '/secapi/pay/'));
  return operation && { operation: { ...operation, certificate: false }, sandbox: true };
}
