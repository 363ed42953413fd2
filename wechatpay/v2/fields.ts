import { refused } from '../errors.ts';
import type { Fen } from '../fen.ts';
import type { V2Fields } from './xml.ts';

/** What a service provider adds to name the sub-merchant it acts for; direct merchants leave both out. */
export interface SubMerchant {
  sub_appid?: string;
  sub_mch_id?: string;
}

/** An element that is missing or is not what it must be. Transport and notifications turn it into their own errors. */
export class UnreadableField extends Error {
  constructor(problem: string) {
    super(problem);
    this.name = 'UnreadableField';
  }
}

/** One entry of a numbered list, still as text. */
export type NumberedEntry = V2Fields;

/**
 * An answer with its numbers as integers; every other element stays as it came. Empty numbers are left out.
 * @throws UnreadableField when a required element is missing or empty, or a number has anything but digits.
 */
export function readFields(
  fields: V2Fields,
  { required = [], integers = [] }: { required?: readonly string[]; integers?: readonly string[] },
): Record<string, string | number> {
  for (const name of required) {
    if (!fields[name]) throw new UnreadableField(`has no ${name}`);
  }
  const read: Record<string, string | number> = { ...fields };
  for (const name of integers) {
    if (fields[name] === undefined) continue;
    if (fields[name] === '') delete read[name];
    else read[name] = readInteger(name, fields[name]);
  }
  return read;
}

/** A whole number; fen among them. */
function readInteger(name: string, text: string): Fen {
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!Number.isSafeInteger(value)) throw new UnreadableField(`has a ${name} that is no whole number`);
  return value;
}

/**
 * The entries of a list that is spread over numbered elements, `coupon_id_0`, `coupon_id_1`, …, in the order of their numbers, the number
 * taken off the names.
 * @param names the names without their last number; for lists within lists they end in the number of the outer entry.
 */
export function numberedEntries(fields: V2Fields, names: readonly string[]): Map<number, NumberedEntry> {
  const entries = new Map<number, NumberedEntry>();
  const pattern = new RegExp(`^(${names.join('|')})_(\\d{1,4})$`);
  for (const [element, value] of Object.entries(fields)) {
    const [, name, number] = pattern.exec(element) ?? [];
    if (name === undefined) continue;
    const entry = entries.get(Number(number)) ?? {};
    entry[name] = value;
    entries.set(Number(number), entry);
  }
  return new Map([...entries].sort(([a], [b]) => a - b));
}

/**
 * The elements of a request: numbers in digits, objects (`detail`, `scene_info`) as JSON, what is undefined or empty left out.
 * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take.
 */
export function requestFields(input: object): V2Fields {
  const fields: V2Fields = {};
  for (const [name, value] of Object.entries(input)) {
    if (value === undefined || value === '') continue;
    if (typeof value === 'string') fields[name] = value;
    else if (typeof value === 'number') fields[name] = wholeNumber(name, value);
    else if (typeof value === 'object' && value !== null) fields[name] = JSON.stringify(value);
    else throw refused(name, `is ${value}; leave it out`);
  }
  return fields;
}

function wholeNumber(name: string, value: number): string {
  if (!Number.isSafeInteger(value) || value < 0) throw refused(name, `is ${value}, not a whole number`);
  return String(value);
}
