import type { Request, Response } from 'express';
import type { Payment } from '../database/payments.ts';
import { Problem } from './problems.ts';
import type { OpenOrder } from './sagas.ts';

/** A row that waits for a customer: of a payment, or of a combined one. */
export type WaitingRow = OpenOrder &
  Pick<
    Payment,
    'id' | 'product' | 'status' | 'timeExpire' | 'prepayIssuedAt' | 'failureCode' | 'failureMessage'
  >;

/** What waits for a customer, as a resource, so that payments and combined ones are closed, renewed and asked after in one way. */
export interface Waiting<Row extends WaitingRow> {
  /** What problems call its id. */
  idField: 'payment_id' | 'combined_payment_id';
  /** The one that the path names, if it is the caller's, and has an order of its own. @throws Problem */
  requested(request: Request, response: Response): Promise<Row>;
  /** As the API shows it, with what the front end needs now. */
  shown(row: Row): Promise<object>;
  /** Asks the relay to look at it now: its workflow did not answer. */
  ensureSoon(id: string): Promise<void>;
}

/** Whether it has not ended. */
export function isOpen({ status }: Pick<WaitingRow, 'status'>): boolean {
  return status === 'CREATED' || status === 'PENDING';
}

/** The refusal of an order that WeChat Pay refused. */
export function gatewayRejected(
  { id, failureCode, failureMessage }: Pick<WaitingRow, 'id' | 'failureCode' | 'failureMessage'>,
  idField: Waiting<WaitingRow>['idField'],
): Problem {
  return new Problem(
    'gateway_rejected',
    `WeChat Pay refused the order with ${failureCode}: ${failureMessage}. Mend the cause and create another payment.`,
    { [idField]: id, gateway_code: failureCode },
  );
}
