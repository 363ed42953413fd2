import { refused } from '../errors.ts';

/**
 * The exact JSON text of a request. Persist it before sending: a repeat must have the same bytes, or the gateway answers
 * OUT_TRADE_NO_USED. Fields that are undefined are left out.
 *
 * What the gateway would refuse anyway is refused here, before a number is burnt: `null`, amounts that are not whole fen, and
 * characters of four bytes such as emoji.
 * @throws RequestRejectedError PARAM_ERROR naming the field.
 */
export function serializeBody(body: object): string {
  return JSON.stringify(body, function (this: unknown, field: string, value: unknown) {
    // Inside of a list, JSON has no other way to leave a value out.
    if (value === null || (value === undefined && Array.isArray(this)))
      throw refused(field, 'is null; leave it out');
    if (typeof value === 'number' && !Number.isSafeInteger(value))
      throw refused(field, `is ${value}, not a whole number`);
    if (typeof value === 'string' && /[\u{10000}-\u{10ffff}]/u.test(value))
      throw refused(field, 'has a character of four bytes (emoji)');
    return value;
  });
}
