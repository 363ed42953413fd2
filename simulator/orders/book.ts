import { isDeepStrictEqual } from 'node:util';
import { ControlError, GatewayError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { SeededRandom } from '../random.ts';
import { chinaDate, chinaTimestamp } from '../time/china-time.ts';
import {
  type AttemptFailure,
  CODE_LIFE_MS,
  isCharged,
  type Order,
  type OrderCode,
  type OrderTerms,
  orderKey,
  type Payment,
  type TradeType,
} from './order.ts';

const MINUTE_MS = 60_000;
const DAY_MS = 24 * 60 * MINUTE_MS;
const DEFAULT_EXPIRY_MS = 7 * DAY_MS;
const LATEST_EXPIRY_MS = 90 * DAY_MS;
/** How many codes of an order are remembered; who scans an older one hears that it is unknown instead of dead. */
const MOST_CODES = 20;

/** Orders and their rules. */
export class Orders {
  readonly #orders: Collection<Order>;
  readonly #byTransactionId = new Map<string, Order>();
  readonly #byCode = new Map<string, Order>();
  readonly #byNumber = new Map<string, Order>();
  readonly #random: SeededRandom;
  readonly #clock: () => number;

  constructor(options: { journal: Journal; random: SeededRandom; clock: () => number }) {
    this.#orders = new Collection<Order>(options.journal, 'order');
    this.#random = options.random;
    this.#clock = options.clock;
    for (const order of this.#orders.values()) {
      this.#byNumber.set(order.outTradeNo, order);
      this.#index(order);
    }
  }

  /**
   * Creates an order, or refreshes it: the same number with equal parameters while unpaid gets a new code and the old one dies.
   * @param shared the code of a combination, one for all its orders.
   * @throws GatewayError 403 OUT_TRADE_NO_USED for any other use of a known number.
   */
  create(terms: OrderTerms, shared?: OrderCode): Order {
    const now = this.#clock();
    const known = this.reusable(terms);
    const order: Order = known ?? {
      codes: [],
      createdAt: now,
      expiresAt: expiry(terms.timeExpire, now),
      state: 'NOTPAY',
      coupons: [],
      failedAttempts: [],
      // Last: V8 gives what follows a spread a shape of its own for each object, which costs twice the time and memory.
      ...terms,
    };
    // Who shows a code to be paid with, scans none.
    if (!isCharged(order)) order.codes.push(shared ?? this.#code(order.tradeType, now));
    if (order.codes.length > MOST_CODES) this.#forget(order.codes.shift());
    this.#byNumber.set(order.outTradeNo, order);
    this.save(order);
    return order;
  }

  /**
   * The unpaid order that equal terms refresh, if there is one.
   * @throws GatewayError 403 OUT_TRADE_NO_USED when the number is taken otherwise.
   */
  reusable(terms: OrderTerms): Order | undefined {
    const known = this.find(terms.mchid, terms.outTradeNo);
    const unpaid = known?.state === 'NOTPAY' || known?.state === 'USERPAYING';
    if (!known || (unpaid && sameRequest(known, terms))) return known;
    throw new GatewayError(403, 'OUT_TRADE_NO_USED', '商户订单号重复', { internalCode: 268498688 });
  }

  /** The order of a number, closed on the way when it was left unpaid for 7 days. */
  find(mchid: string, outTradeNo: string): Order | undefined {
    return this.#present(this.#orders.get(orderKey(mchid, outTradeNo)));
  }

  /** The newest order of a number, whosever it is. */
  findByNumber(outTradeNo: string): Order | undefined {
    return this.#present(this.#byNumber.get(outTradeNo));
  }

  findByTransactionId(transactionId: string): Order | undefined {
    return this.#present(this.#byTransactionId.get(transactionId));
  }

  /** The order that a code_url, h5_url or prepay_id, living or dead, was made for. */
  findByCode(code: string): Order | undefined {
    return this.#present(this.#byCode.get(code));
  }

  /** Oldest first. */
  values(): Iterable<Order> {
    return this.#orders.values();
  }

  newest(limit: number): Order[] {
    const orders = this.#orders.newest(limit);
    for (const order of orders) this.#present(order);
    return orders;
  }

  get size(): number {
    return this.#orders.size;
  }

  /** The clock was moved: closes what was left unpaid, and ends what waited for a password. */
  renew(): void {
    for (const order of this.#orders.values()) this.#present(order);
  }

  /** Why nobody can pay an order now (through one code, when given); undefined when it can be paid. */
  obstacle(order: Order, code?: string): 'paid' | 'closed' | 'expired' | 'dead' | undefined {
    const now = this.#clock();
    const alive = order.codes.at(-1);
    if (order.state === 'CLOSED' || order.state === 'REVOKED' || order.state === 'PAYERROR') return 'closed';
    if (order.state !== 'NOTPAY' && order.state !== 'USERPAYING') return 'paid';
    if (now >= order.expiresAt) return 'expired';
    if (!code) return undefined;
    const shown = alive?.url === code || alive?.prepayId === code;
    return !alive || !shown || now >= alive.createdAt + CODE_LIFE_MS[order.tradeType] ? 'dead' : undefined;
  }

  /**
   * The person pays.
   * @throws ControlError 409 when the order cannot be paid.
   */
  pay(order: Order, { codeUrl, late = false, coupon, openid }: Payment = {}): void {
    const obstacle = this.obstacle(order, codeUrl);
    if (obstacle && (obstacle === 'paid' || order.state === 'REVOKED' || !late)) {
      throw new ControlError(409, `order ${order.outTradeNo} cannot be paid: ${obstacle}`);
    }
    if (coupon && coupon.amount > order.total) {
      throw new ControlError(409, `a coupon of ${coupon.amount} is more than order ${order.outTradeNo}`);
    }
    const now = this.#clock();
    order.state = 'SUCCESS';
    order.paidAt = now;
    order.transactionId = `420000${this.#random.digits(4)}${chinaDate(now)}${this.#random.digits(10)}`;
    if (openid) order.openid = openid;
    if (!order.openid && !order.subOpenid) order.openid = `o${this.#random.text(27)}`;
    if (order.subAppid && !order.subOpenid) order.subOpenid = `o${this.#random.text(27)}`;
    if (coupon) {
      order.coupons = [
        {
          couponId: this.#random.digits(9),
          name: '满减券',
          scope: 'GLOBAL',
          type: coupon.type ?? 'CASH',
          amount: coupon.amount,
        },
      ];
    }
    this.save(order);
  }

  /** The person tried and did not pay: the order stays NOTPAY, while that of a payment code has failed. */
  fail(order: Order, reason: AttemptFailure): void {
    const obstacle = this.obstacle(order);
    if (obstacle) throw new ControlError(409, `order ${order.outTradeNo} cannot be paid: ${obstacle}`);
    order.failedAttempts.push({ time: this.#clock(), reason });
    if (order.state === 'USERPAYING') order.state = 'PAYERROR';
    this.save(order);
  }

  /** The time to pay ends now. @throws ControlError 409 when nobody can pay it anyway. */
  expire(order: Order): void {
    const obstacle = this.obstacle(order);
    if (obstacle) throw new ControlError(409, `order ${order.outTradeNo} cannot expire: ${obstacle}`);
    order.expiresAt = this.#clock();
    this.save(order);
  }

  /**
   * Closes an unpaid order; repeating it is harmless.
   * @throws GatewayError 400 ORDER_PAID: the money arrived first; 400 INVALID_REQUEST for an order that must be reversed.
   */
  close(order: Order): void {
    if (isCharged(order)) {
      throw new GatewayError(400, 'INVALID_REQUEST', '付款码支付的订单不支持关单，请调用撤销接口', {
        internalCode: 268449641,
      });
    }
    if (order.state === 'CLOSED') return;
    if (order.state !== 'NOTPAY') {
      throw new GatewayError(400, 'ORDER_PAID', '该订单已支付', { internalCode: 268449538 });
    }
    order.state = 'CLOSED';
    this.save(order);
  }

  /** A refund was accepted: the order counts as paid and refunded, even for a part. */
  markRefunded(order: Order): void {
    if (order.state === 'REFUND') return;
    order.state = 'REFUND';
    this.save(order);
  }

  clear(): void {
    this.#orders.clear();
    this.#byTransactionId.clear();
    this.#byCode.clear();
    this.#byNumber.clear();
  }

  /** Stores an order that was changed. */
  save(order: Order): void {
    this.#orders.put(orderKey(order.mchid, order.outTradeNo), order);
    this.#index(order);
  }

  #present(order: Order | undefined): Order | undefined {
    const now = this.#clock();
    if (order?.state === 'USERPAYING' && order.passwordUntil !== undefined && now >= order.passwordUntil) {
      // Overseas the gateway takes the order back by itself.
      if (order.family === 'overseas') order.revokedAt = order.passwordUntil;
      order.state = order.family === 'overseas' ? 'REVOKED' : 'PAYERROR';
      this.save(order);
    }
    if (order?.state === 'NOTPAY' && now > order.expiresAt && now > order.createdAt + 7 * DAY_MS) {
      order.state = 'CLOSED';
      this.save(order);
    }
    return order;
  }

  #code(tradeType: TradeType, now: number): OrderCode {
    const prepayId = `wx${chinaTimestamp(now)}${this.#random.text(20, '0123456789abcdef')}`;
    if (tradeType === 'NATIVE') {
      return { prepayId, url: `weixin://wxpay/bizpayurl?pr=${this.#random.text(9)}`, createdAt: now };
    }
    if (tradeType === 'MWEB') {
      const url = `https://wx.tenpay.com/cgi-bin/mmpayweb-bin/checkmweb?prepay_id=${prepayId}&package=${this.#random.digits(10)}`;
      return { prepayId, url, createdAt: now };
    }
    return { prepayId, createdAt: now };
  }

  #forget(code: OrderCode | undefined): void {
    if (!code) return;
    this.#byCode.delete(code.prepayId);
    if (code.url) this.#byCode.delete(code.url);
  }

  #index(order: Order): void {
    if (order.transactionId) this.#byTransactionId.set(order.transactionId, order);
    for (const { url, prepayId } of order.codes) {
      this.#byCode.set(prepayId, order);
      if (url) this.#byCode.set(url, order);
    }
  }
}

function sameRequest(known: Order, { endpoint, request }: OrderTerms): boolean {
  return known.endpoint === endpoint && isDeepStrictEqual(known.request, request);
}

/** Earlier than in a minute is silently raised, later than in 90 days lowered, 7 days when absent. */
function expiry(timeExpire: string | undefined, now: number): number {
  if (!timeExpire) return now + DEFAULT_EXPIRY_MS;
  return Math.min(Math.max(Date.parse(timeExpire), now + MINUTE_MS), now + LATEST_EXPIRY_MS);
}
