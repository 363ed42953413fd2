import { z } from 'zod';
import type { FaultRequest } from './fault.ts';
import type { Gateway } from './gateway.ts';
import { ControlError } from './gateway-error.ts';

const failRequest = z.strictObject({ reason: z.enum(['wrong_password', 'cancelled']) });
const payRequest = z.strictObject({
  /** Pay through this code, which must be alive. */
  code_url: z.string().optional(),
  late: z.boolean().optional(),
});
/** Null for none. */
const addressRequest = z.strictObject({ url: z.url().nullable() });
const finishRequest = z.strictObject({ status: z.enum(['SUCCESS', 'ABNORMAL', 'CLOSED']) });

interface ControlRequest {
  gateway: Gateway;
  /** The variable part of the path. */
  id: string;
  query: URLSearchParams;
  body: unknown;
}

/** Method and path below `/_simulator`, `*` standing for one segment; an undefined answer means 204. */
const CONTROLS: Record<string, (request: ControlRequest) => unknown> = {
  'GET /orders': ({ gateway, query }) => ({ orders: gateway.orders(limit(query)) }),
  'GET /orders/*': ({ gateway, id }) => gateway.order(id),
  'POST /orders/*/pay': ({ gateway, id, body }) => {
    const { code_url, late } = parse(payRequest, body);
    return gateway.pay(id, { ...(code_url ? { codeUrl: code_url } : {}), ...(late ? { late } : {}) });
  },
  'POST /orders/*/fail': ({ gateway, id, body }) => gateway.fail(id, parse(failRequest, body).reason),
  'GET /codes': ({ gateway, query }) => gateway.scan(query.get('code_url') ?? ''),
  'GET /refunds': ({ gateway, query }) => ({ refunds: gateway.refunds(limit(query)) }),
  'GET /refunds/*': ({ gateway, id }) => gateway.refund(id),
  'POST /refunds/*/finish': ({ gateway, id, body }) =>
    gateway.finishRefund(id, parse(finishRequest, body).status),
  'GET /notifications': ({ gateway, query }) => ({ notifications: gateway.notifications(limit(query)) }),
  'POST /notifications/*/redeliver': ({ gateway, id }) => gateway.redeliver(id),
  'POST /merchants/*/refund-notify-url': ({ gateway, id, body }) =>
    gateway.settings.setRefundNotifyUrl(id, parse(addressRequest, body).url),
  'GET /faults': ({ gateway }) => ({ faults: gateway.faults() }),
  'POST /faults': ({ gateway, body }) => gateway.addFault(body as FaultRequest),
  'DELETE /faults': ({ gateway }) => gateway.removeFaults(),
  'DELETE /faults/*': ({ gateway, id }) => gateway.removeFault(id),
  'POST /reset': ({ gateway }) => gateway.reset(),
  'GET /state': ({ gateway }) => gateway.state(),
};

/**
 * Answers a request to the control API; undefined means 204.
 * @throws ControlError for a request that cannot be done.
 */
export async function control(
  gateway: Gateway,
  { method, path, query, body }: { method: string; path: string; query: URLSearchParams; body: Buffer },
): Promise<unknown> {
  const [, collection = '', segment = '', action] = path.split('/');
  const pattern = ['', collection, ...(segment ? ['*'] : []), ...(action ? [action] : [])].join('/');
  const run = CONTROLS[`${method} ${pattern}`];
  if (!run) throw new ControlError(404, `no ${method} ${path} in the control API`);
  return run({ gateway, id: decode(segment), query, body: json(body) });
}

function parse<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
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

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    throw new ControlError(400, 'the path is not encoded properly');
  }
}

function limit(query: URLSearchParams): number | undefined {
  const value = Number(query.get('limit'));
  return Number.isInteger(value) && value > 0 ? value : undefined;
}
