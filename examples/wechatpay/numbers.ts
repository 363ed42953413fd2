import { randomBytes } from 'node:crypto';

/** A number of your own for an order or a refund; in production it comes from your database, before anything is sent. */
export function newNumber(prefix: string): string {
  return `${prefix}${randomBytes(8).toString('hex').toUpperCase()}`;
}
