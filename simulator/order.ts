import { isDeepStrictEqual } from 'node:util';
import { chinaDate, chinaTime } from './china-time.ts';
import { ControlError, GatewayError } from './gateway-error.ts';
import { Collection, type Journal } from './journal.ts';
import type { SeededRandom } from './random.ts';
import type { NativeOrderBody } from './request-body.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const CODE_URL_LIFE_MS = 120 * MINUTE_MS;
const DEFAULT_EXPIRY_MS = 7 * DAY_MS;
const LATEST_EXPIRY_MS = 90 * DAY_MS;

/** trade_state of an order that is paid by scanning, and its description as seen in answers. */
export const TRADE_STATES = {
  NOTPAY: '订单未支付',
  SUCCESS: '支付成功',
  REFUND: '转入退款',
  CLOSED: '订单已关闭',
} as const;
export type TradeState = keyof typeof TRADE_STATES;

/** Why a person did not pay. */
export type AttemptFailure = 'wrong_password' | 'cancelled';

/** An order as the gateway keeps it. Times are milliseconds. */
export interface Order {
  outTradeNo: string;
  tradeType: 'NATIVE';
  /** What the merchant sent, by value: an equal request while unpaid is a re-entry. */
  request: NativeOrderBody;
  /** Oldest first; only the last is alive. */
  codeUrls: { url: string; createdAt: number }[];
  createdAt: number;
  /** Latest moment to pay. */
  expiresAt: number;
  state: TradeState;
  transactionId?: string;
  paidAt?: number;
  openid?: string;
  failedAttempts: { time: number; reason: AttemptFailure }[];
}

/** Orders and their rules. */
export class Orders {
  readonly #orders: Collection<Order>;
  readonly #byTransactionId = new Map<string, Order>();
  readonly #byCodeUrl = new Map<string, Order>();
  readonly #random: SeededRandom;
  readonly #clock: () => number;

  constructor(options: { journal: Journal; random: SeededRandom; clock: () => number }) {
    this.#orders = new Collection<Order>(options.journal, 'order');
    this.#random = options.random;
    this.#clock = options.clock;
    for (const order of this.#orders.values()) this.#index(order);
  }

  /**
   * Creates an order, or refreshes it: the same number with equal parameters while unpaid gets a new code_url and the old one dies.
   * @throws GatewayError 403 OUT_TRADE_NO_USED for any other use of a known number.
   */
  create(request: NativeOrderBody): string {
    const now = this.#clock();
    const known = this.find(request.out_trade_no);
    if (known && (known.state !== 'NOTPAY' || !isDeepStrictEqual(known.request, request))) {
      throw new GatewayError(403, 'OUT_TRADE_NO_USED', '商户订单号重复', { internalCode: 268498688 });
    }
    const order: Order = known ?? {
      outTradeNo: request.out_trade_no,
      tradeType: 'NATIVE',
      request,
      codeUrls: [],
      createdAt: now,
      expiresAt: expiry(request.time_expire, now),
      state: 'NOTPAY',
      failedAttempts: [],
    };
    const url = `weixin://wxpay/bizpayurl?pr=${this.#random.text(9)}`;
    order.codeUrls.push({ url, createdAt: now });
    this.#save(order);
    return url;
  }

  /** The order of a number, closed on the way when it was left unpaid for 7 days. */
  find(outTradeNo: string): Order | undefined {
    const order = this.#orders.get(outTradeNo);
    const now = this.#clock();
    if (order?.state === 'NOTPAY' && now > order.expiresAt && now > order.createdAt + 7 * DAY_MS) {
      order.state = 'CLOSED';
      this.#save(order);
    }
    return order;
  }

  findByTransactionId(transactionId: string): Order | undefined {
    return this.#byTransactionId.get(transactionId);
  }

  /** The order that a code_url, living or dead, was made for. */
  findByCodeUrl(codeUrl: string): Order | undefined {
    const order = this.#byCodeUrl.get(codeUrl);
    return order && this.find(order.outTradeNo);
  }

  newest(limit: number): Order[] {
    return this.#orders.newest(limit);
  }

  get size(): number {
    return this.#orders.size;
  }

  /** Why nobody can pay an order now (through one code_url, when given); undefined when it can be paid. */
  obstacle(order: Order, codeUrl?: string): 'paid' | 'closed' | 'expired' | 'dead' | undefined {
    const now = this.#clock();
    const alive = order.codeUrls.at(-1);
    if (order.state === 'CLOSED') return 'closed';
    if (order.state !== 'NOTPAY') return 'paid';
    if (now >= order.expiresAt) return 'expired';
    if (codeUrl && (alive?.url !== codeUrl || now >= alive.createdAt + CODE_URL_LIFE_MS)) return 'dead';
    return undefined;
  }

  /**
   * The person pays.
   * @param late lets money land that was under way when the order expired or was closed.
   * @throws ControlError 409 when the order cannot be paid.
   */
  pay(order: Order, { codeUrl, late = false }: { codeUrl?: string; late?: boolean } = {}): void {
    const obstacle = this.obstacle(order, codeUrl);
    if (obstacle && (obstacle === 'paid' || !late)) {
      throw new ControlError(409, `order ${order.outTradeNo} cannot be paid: ${obstacle}`);
    }
    const now = this.#clock();
    order.state = 'SUCCESS';
    order.paidAt = now;
    order.transactionId = `420000${this.#random.digits(4)}${chinaDate(now)}${this.#random.digits(10)}`;
    order.openid = `o${this.#random.text(27)}`;
    this.#save(order);
  }

  /** The person tried and did not pay: the order stays NOTPAY. */
  fail(order: Order, reason: AttemptFailure): void {
    const obstacle = this.obstacle(order);
    if (obstacle) throw new ControlError(409, `order ${order.outTradeNo} cannot be paid: ${obstacle}`);
    order.failedAttempts.push({ time: this.#clock(), reason });
    this.#save(order);
  }

  /**
   * Closes an unpaid order; repeating it is harmless.
   * @throws GatewayError 400 ORDER_PAID: the money arrived first.
   */
  close(order: Order): void {
    if (order.state === 'CLOSED') return;
    if (order.state !== 'NOTPAY') {
      throw new GatewayError(400, 'ORDER_PAID', '该订单已支付', { internalCode: 268449538 });
    }
    order.state = 'CLOSED';
    this.#save(order);
  }

  /** A refund was accepted: the order counts as paid and refunded, even for a part. */
  markRefunded(order: Order): void {
    if (order.state === 'REFUND') return;
    order.state = 'REFUND';
    this.#save(order);
  }

  clear(): void {
    this.#orders.clear();
    this.#byTransactionId.clear();
    this.#byCodeUrl.clear();
  }

  #save(order: Order): void {
    this.#orders.put(order.outTradeNo, order);
    this.#index(order);
  }

  #index(order: Order): void {
    if (order.transactionId) this.#byTransactionId.set(order.transactionId, order);
    for (const { url } of order.codeUrls) this.#byCodeUrl.set(url, order);
  }
}

/** Earlier than in a minute is silently raised, later than in 90 days lowered, 7 days when absent. */
function expiry(timeExpire: string | undefined, now: number): number {
  if (!timeExpire) return now + DEFAULT_EXPIRY_MS;
  return Math.min(Math.max(Date.parse(timeExpire), now + MINUTE_MS), now + LATEST_EXPIRY_MS);
}

/** The order object of queries and of TRANSACTION.SUCCESS; `unpaid` makes it the answer of a gateway that lags behind. */
export function orderObject(order: Order, { unpaid = false } = {}): Record<string, unknown> {
  const { request } = order;
  const state = unpaid ? 'NOTPAY' : order.state;
  const identity = { appid: request.appid, mchid: request.mchid, out_trade_no: order.outTradeNo };
  const status = { trade_state: state, trade_state_desc: TRADE_STATES[state] };
  const scene_info = { device_id: request.scene_info?.device_id ?? '' };
  const { total } = request.amount;
  if (unpaid || order.paidAt === undefined) {
    return {
      ...identity,
      ...status,
      amount: { total, payer_currency: 'CNY' },
      promotion_detail: [],
      scene_info,
    };
  }
  return {
    ...identity,
    transaction_id: order.transactionId,
    trade_type: order.tradeType,
    ...status,
    bank_type: 'OTHERS',
    attach: request.attach,
    success_time: chinaTime(order.paidAt),
    payer: { openid: order.openid },
    amount: { total, payer_total: total, currency: 'CNY', payer_currency: 'CNY' },
    scene_info: request.scene_info?.device_id ? scene_info : undefined,
    promotion_detail: [],
  };
}
