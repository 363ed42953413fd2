import type { Endpoint } from '../endpoint.ts';
import { refused } from '../errors.ts';
import type { Role } from './role.ts';

/** What stands for the `{…}` of a path, unencoded. */
export type Segments = Record<string, string>;
/** Query parameters; undefined ones are left out. */
export type Query = Record<string, string | number | boolean | undefined>;

/** Numbers that merchants choose, and those of WeChat Pay: what the official pages allow in them. */
const NUMBER = /^[0-9A-Za-z_\-|*@]{1,64}$/;
/** Ids of files are longer and have the signs of base64. */
const FILE_ID = /^(?!\.)[0-9A-Za-z_\-=+.~]{1,512}$/;

/**
 * The request target of a call: path with query, encoded once. It is signed and sent as it is built here: `|` becomes `%7C`, `*` stays.
 * @throws RequestRejectedError PARAM_ERROR when a segment has characters outside the documented set; a dot segment or a slash would reach
 * another resource.
 */
export function targetOf(endpoint: Endpoint, role: Role, segments: Segments = {}, query: Query = {}): string {
  const template = role === 'partner' ? (endpoint.partnerPath ?? endpoint.path) : endpoint.path;
  const path = template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = segments[name] ?? '';
    const isFile = name === 'media_id';
    if (!(isFile ? FILE_ID : NUMBER).test(value)) {
      const rule = isFile ? '1 to 512 of 0-9 A-Z a-z _ - = + . ~' : '1 to 64 of 0-9 A-Z a-z _ - | * @';
      throw refused(name, `must be ${rule}`);
    }
    return encodeURIComponent(value);
  });
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : `${name}=${encodeURIComponent(value)}`,
  );
  return parameters.length === 0 ? path : `${path}?${parameters.join('&')}`;
}
