import { refused } from '../errors.ts';
import type { ComplaintPage } from './complaint-types.ts';

const DAY_MS = 86_400_000;
/** The gateway refuses longer ranges. Both ends counted, so that it fits however the gateway counts. */
const MAX_DAYS = 30;

/** Far more than anybody has; a list that claims so many never ends. */
const MAX_ENTRIES = 1_000_000;
/** The end of a list that does not say how long it is. */
const MAX_UNCOUNTED = 10_000;
/** How much a list may grow while it is being read. */
const MAX_GROWTH = 1000;
/** So many pages in a row may bring nothing new: the list has shifted by what was added at its top. */
const MAX_STALE_PAGES = 3;

/**
 * The problem with a page, as a clause; undefined when there is none. Lists without entries may come without `data`.
 * @param id the field that every entry must have.
 */
export function pageProblem(page: Record<string, unknown>, id: string): string | undefined {
  const { data, limit, offset, total_count } = page;
  if (total_count !== undefined && !isCount(total_count)) return 'has a total_count that is no number';
  if (data === undefined) {
    const empty =
      isCount(limit) && isCount(offset) && (total_count === undefined ? offset > 0 : total_count === 0);
    return empty ? undefined : 'has no data';
  }
  if (!Array.isArray(data)) return 'has data that is no list';
  return data.every((entry) => isText(entry?.[id])) ? undefined : `has an entry without ${id}`;
}

/**
 * Every entry of a list, each once, however it shifts while it is being read.
 * @param read a page; @param identify what tells an entry from others; @param endless the error for a list that does not end.
 */
export async function* everyEntry<Entry>({
  read,
  limit,
  identify,
  endless,
}: {
  read: (offset: number) => Promise<ComplaintPage<Entry>>;
  limit: number;
  identify: (entry: Entry) => string;
  endless: (problem: string) => Error;
}): AsyncGenerator<Entry, void, undefined> {
  const seen = new Set<string>();
  let total = 0;
  let most = MAX_UNCOUNTED;
  let stalePages = 0;
  for (let offset = 0; ; ) {
    const { data, total_count } = await read(offset);
    if (data.length === 0) return;
    if (offset === 0 && total_count !== undefined) {
      if (total_count > MAX_ENTRIES) throw endless(`claims ${total_count} entries`);
      total = total_count;
      most = total + MAX_GROWTH;
    }
    const before = seen.size;
    for (const entry of data) {
      const id = identify(entry);
      if (seen.has(id)) continue;
      seen.add(id);
      yield entry;
    }
    stalePages = seen.size === before ? stalePages + 1 : 0;
    if (stalePages === MAX_STALE_PAGES) throw endless('repeats the same entries on every page');
    offset += data.length;
    // A full last page is no proof that it is the last: entries may have come since the total was counted.
    if (offset >= total && data.length < limit) return;
    if (offset > most) throw endless(`goes on after ${offset} entries`);
  }
}

/**
 * Refuses what is no range of dates.
 * @returns its number of days, both ends counted.
 * @throws RequestRejectedError PARAM_ERROR naming the field.
 */
export function daysOf(range: { begin_date: string; end_date: string }): number {
  const begin = midnight('begin_date', range.begin_date);
  const end = midnight('end_date', range.end_date);
  if (end < begin)
    throw refused('end_date', `(${range.end_date}) is before begin_date (${range.begin_date})`);
  return (end - begin) / DAY_MS + 1;
}

/** Refuses a range that one call cannot ask for. @throws RequestRejectedError PARAM_ERROR naming the field. */
export function limitRange(range: { begin_date: string; end_date: string }): void {
  const days = daysOf(range);
  // One more than listAll asks for: the official page leaves open whether both ends count.
  if (days > MAX_DAYS + 1)
    throw refused('end_date', `makes it ${days} days, more than ${MAX_DAYS}; listAll takes more`);
}

/** Cuts a range into ranges that one call can ask for, oldest first. @throws RequestRejectedError PARAM_ERROR naming the field. */
export function* ranges(range: { begin_date: string; end_date: string }): Generator<{
  begin_date: string;
  end_date: string;
}> {
  const days = daysOf(range);
  const first = midnight('begin_date', range.begin_date);
  for (let day = 0; day < days; day += MAX_DAYS) {
    const last = Math.min(day + MAX_DAYS, days) - 1;
    yield { begin_date: dateAt(first + day * DAY_MS), end_date: dateAt(first + last * DAY_MS) };
  }
}

/** Refuses a page that the gateway would refuse. @throws RequestRejectedError PARAM_ERROR naming the field. */
export function limitPaging({ limit, offset }: { limit?: number; offset?: number }, most: number): void {
  if (limit !== undefined && !(Number.isInteger(limit) && limit >= 1 && limit <= most))
    throw refused('limit', `is ${limit}, not 1 to ${most}`);
  if (offset !== undefined && !isCount(offset)) throw refused('offset', `is ${offset}, not 0 or more`);
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isText(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** Calendar dates have no time zone to convert: which day it is in Shanghai, the caller has decided. */
function midnight(field: string, date: string): number {
  const ms = /^\d{4}-\d\d-\d\d$/.test(date) ? Date.parse(`${date}T00:00:00Z`) : Number.NaN;
  // 2026-02-30 is read as the second of March by some engines.
  if (Number.isNaN(ms) || dateAt(ms) !== date)
    throw refused(field, `is ${JSON.stringify(date)}, not a date like 2026-03-01`);
  return ms;
}

function dateAt(ms: number): string {
  return new Date(ms).toISOString().slice(0, 10);
}
