import { paramError } from '../gateway-error.ts';

/** A whole number of the query, or the usual one. @throws GatewayError 400 PARAM_ERROR */
export function wholeNumber(
  query: URLSearchParams,
  field: string,
  { least = 0, most = Number.MAX_SAFE_INTEGER, usual }: { least?: number; most?: number; usual: number },
): number {
  const value = query.get(field);
  if (value === null) return usual;
  const number = /^\d{1,15}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= least && number <= most) return number;
  throw paramError({ field, value, issue: `must be ${least} to ${most}`, location: 'query' });
}

/** Days as the calls spell them. */
const DAYS = { 'yyyy-MM-dd': /^(\d{4})-(\d\d)-(\d\d)$/, yyyyMMdd: /^(\d{4})(\d\d)(\d\d)$/ } as const;

/**
 * A required day of the query, as the milliseconds of its midnight in UTC: days are compared with days, so that no time zone matters.
 * @throws GatewayError 400 PARAM_ERROR
 */
export function day(query: URLSearchParams, field: string, spelling: keyof typeof DAYS): number {
  const value = query.get(field);
  const parts = DAYS[spelling].exec(value ?? '')?.slice(1);
  const text = parts?.join('-') ?? '';
  const time = Date.parse(`${text}T00:00:00Z`);
  if (!Number.isNaN(time) && new Date(time).toISOString().startsWith(text)) return time;
  throw paramError({
    field,
    ...(value === null ? {} : { value }),
    issue: value === null ? 'required' : `must be ${spelling}`,
    location: 'query',
  });
}
