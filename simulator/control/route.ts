import type { z } from 'zod';
import type { Gateway } from '../gateway.ts';

/** A request to the control API, checked against the schemas of its route. */
export interface ControlRequest<Query, Body> {
  gateway: Gateway;
  /** The variable parts of the path, decoded. */
  parameters: Record<string, string>;
  query: Query;
  body: Body;
}

/** One line of the control API: what it takes, what it answers, and what it does. */
export interface Route<Query = unknown, Body = unknown, Answer = unknown> {
  method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below `/_simulator`, with variable parts in braces: `/orders/{out_trade_no}/pay`. */
  path: `/${string}`;
  /** One sentence for the API description. */
  summary: string;
  query?: z.ZodType<Query>;
  /** An empty body counts as `{}`. */
  body?: { schema: z.ZodType<Body>; example: unknown };
  /** Status 200 and JSON; without it 204. */
  answer?: { schema: z.ZodType<Answer>; example: Answer };
  /** @throws ControlError for what cannot be done. */
  run(request: ControlRequest<Query, Body>): Answer | Promise<Answer>;
}

/** A route in the table, whose types its schemas keep. */
export type AnyRoute = Route<never, never, unknown>;

/** Puts a route into the table, with its handler typed by its schemas. */
export function route<Query = unknown, Body = unknown, Answer = undefined>(
  definition: Route<Query, Body, Answer>,
): AnyRoute {
  return definition as unknown as AnyRoute;
}
