import { z } from 'zod';
import { ACCOUNT_CODES, DATED_BY, GATEWAY_ACCOUNT, ledgerSequence } from '../domain/ledger.ts';
import { readMoment } from '../domain/time.ts';
import type { ExportName } from '../exports/catalogue.ts';
import { ENCODINGS } from '../exports/csv.ts';
import { FORMATS } from '../exports/file.ts';
import { text } from './fields.ts';
import { oneDirection, PAGE_FIELDS } from './lists.ts';

/** A day, or an RFC 3339 time; a `+` that was not encoded has become a blank. */
const moment = (edge: 'start' | 'end') =>
  z.string().transform((value, context) => {
    const read = readMoment(value.replace(' ', '+'), edge);
    if (read) return read;
    context.addIssue({
      code: 'custom',
      message: 'must be a day (2026-03-01, of Asia/Shanghai) or an RFC 3339 time',
    });
    return z.NEVER;
  });

const day = (edge: 'start' | 'end') =>
  z
    .string()
    .regex(/^\d{4}-\d{2}-\d{2}$/, { message: 'must be a day, e.g. 2026-03-01' })
    .transform((value, context) => {
      const read = readMoment(value, edge);
      if (read) return read;
      context.addIssue({ code: 'custom', message: 'is no day of the calendar' });
      return z.NEVER;
    });

const by = z.enum(DATED_BY, { message: `must be one of ${DATED_BY.join(', ')}` }).default('posted_at');
const account = z.enum(ACCOUNT_CODES, { message: `must be one of ${ACCOUNT_CODES.join(', ')}` });
const merchantId = z.string().max(64).optional();

const transaction = z.string().transform((value, context) => {
  const sequence = ledgerSequence(value);
  if (sequence !== undefined) return sequence;
  context.addIssue({ code: 'custom', message: 'must be the id of a transaction, e.g. txn_123' });
  return z.NEVER;
});

/** How a table is written. */
const TABLE_FIELDS = {
  format: z.enum(FORMATS, { message: `must be one of ${FORMATS.join(', ')}` }).optional(),
  encoding: z.enum(ENCODINGS, { message: `must be one of ${ENCODINGS.join(', ')}` }).optional(),
};

/** Longest period of one export, in milliseconds: a leap year. */
const MAX_EXPORT_MS = 366 * 24 * 3600 * 1000;

/** What is left of a period whose edges may have been refused. */
type Edges = z.core.ParsePayload<{ from?: Date; to?: Date }>;

/** From its first moment to the one after its last, in milliseconds; undefined when an edge is missing or has been refused. */
function lengthMs({ from, to }: Edges['value']): number | undefined {
  return from instanceof Date && to instanceof Date ? to.getTime() - from.getTime() : undefined;
}

function periodInOrder({ value, issues }: Edges): void {
  if ((lengthMs(value) ?? 1) <= 0) {
    issues.push({ code: 'custom', path: ['to'], message: 'must not be before from', input: value.to });
  }
}

/** Query of `GET /v1/ledger/accounts`. */
export const AccountsQuery = z.strictObject({ merchant_id: merchantId });

/** Query of `GET /v1/ledger/balances`. */
export const BalancesQuery = z.strictObject({ merchant_id: merchantId, at: moment('end').optional(), by });

/** Query of `GET /v1/ledger/transactions`. */
export const TransactionsQuery = z
  .strictObject({
    ...PAGE_FIELDS,
    starting_after: transaction.optional(),
    ending_before: transaction.optional(),
    merchant_id: merchantId,
    account: account.optional(),
    payment_id: z.string().max(64).optional(),
    refund_id: z.string().max(64).optional(),
    from: moment('start').optional(),
    to: moment('end').optional(),
    by,
  })
  .check(oneDirection, periodInOrder);

const currency = z.string().regex(/^[A-Z]{3}$/, { message: 'must be a currency in capitals, e.g. CNY' });

/** Query of `GET /v1/ledger/statement`. */
export const StatementQuery = z
  .strictObject({
    ...TABLE_FIELDS,
    merchant_id: merchantId,
    by,
    account: account.default(GATEWAY_ACCOUNT),
    currency: currency.default('CNY'),
    from: moment('start'),
    to: moment('end'),
  })
  .check(periodInOrder);

const exportFields = { merchant_id: merchantId, by, from: day('start'), to: day('end') };

function atMostAYear({ value, issues }: Edges): void {
  if ((lengthMs(value) ?? 0) > MAX_EXPORT_MS) {
    issues.push({
      code: 'custom',
      path: ['to'],
      message: 'must be at most 366 days from the first',
      input: value.to,
    });
  }
}

const TableQuery = z.strictObject({ ...exportFields, ...TABLE_FIELDS }).check(periodInOrder, atMostAYear);

/** Queries of `GET /v1/exports/{name}`. */
export const EXPORT_QUERIES = {
  journal: TableQuery,
  'settlement-summary': TableQuery,
  fees: TableQuery,
} as const satisfies Record<ExportName, z.ZodType>;

/** Query of `GET /v1/exports/camt.053`. Without a currency it is that in which the merchant has taken money. */
export const Camt053Query = z
  .strictObject({ ...exportFields, currency: currency.optional() })
  .check(periodInOrder, atMostAYear);

/** Query of `GET /v1/exports/break-ageing`. */
export const BreakAgeingQuery = z.strictObject({ merchant_id: merchantId, ...TABLE_FIELDS });

/** Query of `GET /v1/exports/reconciliation`. */
export const ReconciliationQuery = z.strictObject({
  id: z.string().regex(/^rec_[0-9a-f]{32}$/, { message: 'must be the id of a reconciliation, rec_…' }),
});

/** Body of `POST /v1/ledger/transactions/{id}/reverse`. */
export const ReverseTransaction = z.strictObject({ reason: text(200) });
