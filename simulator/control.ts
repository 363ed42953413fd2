import { z } from 'zod';
import { balanceRequest } from './balance.ts';
import { type ComplaintRequest, CONSUMER_ACTIONS, type ConsumerAction } from './complaint-desk.ts';
import type { FaultRequest } from './fault.ts';
import type { Gateway } from './gateway.ts';
import { ControlError } from './gateway-error.ts';
import { codeArrangement } from './payment-code.ts';

const failRequest = z.strictObject({ reason: z.enum(['wrong_password', 'cancelled']) });
const payRequest = z.strictObject({
  /** Pay through this code, which must be alive. */
  code_url: z.string().optional(),
  late: z.boolean().optional(),
  /** CASH coupons are funded by WeChat Pay, NOCASH ones by the merchant. */
  coupon: z
    .strictObject({ amount: z.int().positive(), type: z.enum(['CASH', 'NOCASH']).optional() })
    .optional(),
  openid: z.string().min(1).optional(),
});
const payerRequest = z.strictObject({ account: z.enum(['normal', 'abnormal']) });
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
  'GET /orders/*': ({ gateway, id, query }) => gateway.order(id, owner(query)),
  'POST /orders/*/pay': ({ gateway, id, query, body }) => {
    const { code_url, ...payment } = parse(payRequest, body);
    return gateway.pay(id, { ...payment, codeUrl: code_url }, owner(query));
  },
  'POST /orders/*/fail': ({ gateway, id, query, body }) =>
    gateway.fail(id, parse(failRequest, body).reason, owner(query)),
  'PUT /orders/*/payer': ({ gateway, id, query, body }) =>
    gateway.setPayerOf(id, parse(payerRequest, body).account, owner(query)),
  'PUT /payers/*': ({ gateway, id, body }) =>
    gateway.payers.setAbnormal(id, parse(payerRequest, body).account === 'abnormal'),
  'PUT /auth-codes/*': ({ gateway, id, body }) =>
    gateway.paymentCodes.arrange(id, parse(codeArrangement, body)),
  'GET /merchants/*/balance': ({ gateway, id }) => gateway.balance(id),
  'PUT /merchants/*/balance': ({ gateway, id, body }) => gateway.setBalance(id, parse(balanceRequest, body)),
  'GET /codes': ({ gateway, query }) => gateway.scan(query.get('code_url') ?? ''),
  'GET /refunds': ({ gateway, query }) => ({ refunds: gateway.refunds(limit(query)) }),
  'GET /refunds/*': ({ gateway, id, query }) => gateway.refund(id, owner(query)),
  'POST /refunds/*/finish': ({ gateway, id, query, body }) =>
    gateway.finishRefund(id, parse(finishRequest, body).status, owner(query)),
  'GET /notifications': ({ gateway, query }) => ({ notifications: gateway.notifications(limit(query)) }),
  'POST /notifications/*/redeliver': ({ gateway, id }) => gateway.redeliver(id),
  'POST /merchants/*/refund-notify-url': ({ gateway, id, body }) =>
    gateway.settings.setRefundNotifyUrl(id, parse(addressRequest, body).url),
  'GET /complaints': ({ gateway, query }) => ({ complaints: gateway.complaints.views(limit(query)) }),
  'GET /complaints/*': ({ gateway, id }) => gateway.complaints.view(id),
  'POST /complaints': ({ gateway, body }) => gateway.complaints.complain(body as ComplaintRequest),
  ...Object.fromEntries(
    (Object.keys(CONSUMER_ACTIONS) as ConsumerAction[]).map((action) => [
      `POST /complaints/*/${action}`,
      ({ gateway, id, body }: ControlRequest) => gateway.complaints.consumerActs(id, action, body),
    ]),
  ),
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

/** Whose number it is: several merchants may use the same one. */
function owner(query: URLSearchParams): string | undefined {
  return query.get('mchid') ?? undefined;
}

function limit(query: URLSearchParams): number | undefined {
  const value = Number(query.get('limit'));
  return Number.isInteger(value) && value > 0 ? value : undefined;
}
