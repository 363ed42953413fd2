import { z } from 'zod';
import type { Gateway } from '../gateway.ts';
import { ControlError } from '../gateway-error.ts';
import { CONTROLS } from './index.ts';
import { openapi } from './openapi.ts';
import type { AnyRoute, Route } from './route.ts';

/** A request below `/_simulator`. */
export interface RawControlRequest {
  method: string;
  path: string;
  query: URLSearchParams;
  body: Buffer;
}

const TABLE = CONTROLS.map((route) => ({ route: route as unknown as Route, pattern: pattern(route) }));

/**
 * Answers a request to the control API; undefined means 204.
 * @throws ControlError for a request that cannot be done.
 */
export async function control(
  gateway: Gateway,
  { method, path, query, body }: RawControlRequest,
): Promise<unknown> {
  if (method === 'GET' && path === '/openapi.json') return openapi();
  const found = TABLE.find(({ route, pattern }) => route.method === method && pattern.test(path));
  if (!found) throw new ControlError(404, `no ${method} ${path} in the control API`);
  const { route } = found;
  return await route.run({
    gateway,
    parameters: decoded(found.pattern.exec(path)?.groups ?? {}),
    query: route.query && parse(route.query, Object.fromEntries(query)),
    body: route.body && parse(route.body.schema, json(body)),
  });
}

function pattern({ path }: Pick<AnyRoute, 'path'>): RegExp {
  return new RegExp(`^${path.replace(/\{(\w+)\}/g, '(?<$1>[^/]+)')}$`);
}

function parse<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}

function json(body: Buffer): unknown {
  if (body.length === 0) return {};
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    throw new ControlError(400, 'the body is not JSON');
  }
}

function decoded(segments: Record<string, string>): Record<string, string> {
  try {
    return Object.fromEntries(
      Object.entries(segments).map(([name, value]) => [name, decodeURIComponent(value)]),
    );
  } catch {
    throw new ControlError(400, 'the path is not encoded properly');
  }
}
