import { isDeepStrictEqual } from 'node:util';
import { chinaDate } from './china-time.ts';
import { ControlError, GatewayError, paramError } from './gateway-error.ts';
import { Collection, type Journal } from './journal.ts';
import { type Order, orderKey, payerTotal } from './order.ts';
import type { SeededRandom } from './random.ts';

const DAY_MS = 24 * 60 * 60_000;
const REFUND_PERIOD_MS = 365 * DAY_MS;
const MOST_REFUNDS = 50;
const REFUND_INTERVAL_MS = 60_000;

/** Refund states and where each may go by itself or by the control API (official page 4013071031). */
export const REFUND_TRANSITIONS = {
  PROCESSING: ['SUCCESS', 'ABNORMAL', 'CLOSED'],
  ABNORMAL: ['SUCCESS', 'CLOSED'],
  SUCCESS: [],
  CLOSED: [],
} as const;
export type RefundStatus = keyof typeof REFUND_TRANSITIONS;
export type RefundOutcome = Exclude<RefundStatus, 'PROCESSING'>;

/** What a merchant asks for, said in the words of one of the APIs. */
export interface RefundTerms {
  /** Who signed: the number is unique for this mchid. */
  mchid: string;
  subMchid?: string | undefined;
  outRefundNo: string;
  outTradeNo?: string | undefined;
  transactionId?: string | undefined;
  /** Which notification and which objects it gets. */
  api: 'v2' | 'v3';
  /** What was sent, by value: an equal request answers the same refund. */
  request: unknown;
  /** In the smallest unit of the currency, as the next. */
  refund: number;
  total: number;
  currency: string;
  reason?: string | undefined;
  notifyUrl?: string | undefined;
  fundsAccount?: string | undefined;
  /** Which accounts pay. */
  from?: { account: string; amount: number }[] | undefined;
}

/** A refund as the gateway keeps it. Times are milliseconds. */
export interface Refund extends RefundTerms {
  refundId: string;
  outTradeNo: string;
  transactionId: string;
  /** The person's share: what is refunded without the coupons' share. */
  payerRefund: number;
  status: RefundStatus;
  createdAt: number;
  /** When it succeeds by itself; null when only the control API finishes it. */
  dueAt: number | null;
  finishedAt?: number;
}

/** Refunds and their rules. */
export class Refunds {
  readonly #refunds: Collection<Refund>;
  readonly #byOrder = new Map<string, Refund[]>();
  readonly #byNumber = new Map<string, Refund>();
  readonly #random: SeededRandom;
  readonly #clock: () => number;
  readonly #delayMs: number;
  readonly #enforceInterval: boolean;

  constructor(options: {
    journal: Journal;
    random: SeededRandom;
    clock: () => number;
    /** From acceptance to SUCCESS; `Infinity` leaves it to the control API. */
    delayMs: number;
    /** Whether partial refunds of one order must be a minute apart. */
    enforceInterval: boolean;
  }) {
    this.#refunds = new Collection<Refund>(options.journal, 'refund');
    this.#random = options.random;
    this.#clock = options.clock;
    this.#delayMs = options.delayMs;
    this.#enforceInterval = options.enforceInterval;
    for (const refund of this.#refunds.values()) {
      this.ofOrder(refund).push(refund);
      this.#byNumber.set(refund.outRefundNo, refund);
    }
  }

  /**
   * Accepts a refund of a paid order. The same out_refund_no with equal parameters refunds once and answers the present state.
   * @throws GatewayError for every rule of the official refund page that the request breaks.
   */
  create(terms: RefundTerms, order: Order | undefined): { refund: Refund; accepted: boolean } {
    const known = this.find(terms.mchid, terms.outRefundNo);
    if (known) {
      refuseDifferentRepeat(known, terms);
      return { refund: known, accepted: false };
    }
    if (!order?.transactionId || order.paidAt === undefined || order.state === 'REVOKED') {
      throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '订单不存在或未支付', { internalCode: 268512771 });
    }
    if (terms.outTradeNo && terms.outTradeNo !== order.outTradeNo) {
      throw paramError({
        field: '/out_trade_no',
        value: terms.outTradeNo,
        issue: 'belongs to another transaction_id',
        location: 'body',
      });
    }
    const now = this.#clock();
    const others = this.ofOrder(order);
    if (terms.total !== order.total) {
      throw new GatewayError(400, 'REFUND_FEE_MISMATCH', '订单金额与原订单不一致');
    }
    if (this.refunded(order) + terms.refund > order.total) {
      throw new GatewayError(400, 'INVALID_REQUEST', '累计退款金额大于订单金额');
    }
    if (others.length >= MOST_REFUNDS)
      throw new GatewayError(403, 'RULE_LIMIT', '一笔订单最多支持50次部分退款');
    if (now > order.paidAt + REFUND_PERIOD_MS)
      throw new GatewayError(403, 'TRADE_OVERDUE', '订单已超过退款期限');
    const last = others.at(-1);
    if (this.#enforceInterval && last && now < last.createdAt + REFUND_INTERVAL_MS) {
      throw new GatewayError(429, 'FREQUENCY_LIMITED', '同一订单的部分退款需间隔1分钟', {
        internalCode: 268447840,
      });
    }
    const refund: Refund = {
      ...terms,
      refundId: `503000${this.#random.digits(4)}${chinaDate(now)}${this.#random.digits(11)}`,
      outTradeNo: order.outTradeNo,
      transactionId: order.transactionId,
      payerRefund: this.#payerShare(terms.refund, order),
      status: 'PROCESSING',
      createdAt: now,
      dueAt: Number.isFinite(this.#delayMs) ? now + this.#delayMs : null,
    };
    others.push(refund);
    this.save(refund);
    return { refund, accepted: true };
  }

  find(mchid: string, outRefundNo: string): Refund | undefined {
    return this.#refunds.get(orderKey(mchid, outRefundNo));
  }

  /** The newest refund of a number, whosever it is. */
  findByNumber(outRefundNo: string): Refund | undefined {
    return this.#byNumber.get(outRefundNo);
  }

  /**
   * Ends a refund.
   * @throws ControlError 409 when its state does not allow that.
   */
  finish(refund: Refund, outcome: RefundOutcome): void {
    const allowed: readonly string[] = REFUND_TRANSITIONS[refund.status];
    if (!allowed.includes(outcome)) {
      throw new ControlError(
        409,
        `refund ${refund.outRefundNo} is ${refund.status} and cannot become ${outcome}`,
      );
    }
    refund.status = outcome;
    refund.finishedAt = this.#clock();
    refund.dueAt = null;
    this.save(refund);
  }

  newest(limit: number): Refund[] {
    return this.#refunds.newest(limit);
  }

  /** Refunds that are still to succeed by themselves. */
  *pending(): Iterable<Refund & { dueAt: number }> {
    for (const refund of this.#refunds.values()) {
      if (refund.dueAt !== null) yield refund as Refund & { dueAt: number };
    }
  }

  get size(): number {
    return this.#refunds.size;
  }

  clear(): void {
    this.#refunds.clear();
    this.#byOrder.clear();
    this.#byNumber.clear();
  }

  /** How much of an order is refunded or being refunded; a closed refund gave its money back to the order. */
  refunded(order: { mchid: string; outTradeNo: string }): number {
    return this.ofOrder(order).reduce(
      (sum, { refund, status }) => sum + (status === 'CLOSED' ? 0 : refund),
      0,
    );
  }

  /** The refunds of an order, oldest first. */
  ofOrder({ mchid, outTradeNo }: { mchid: string; outTradeNo: string }): Refund[] {
    const key = orderKey(mchid, outTradeNo);
    const refunds = this.#byOrder.get(key) ?? [];
    this.#byOrder.set(key, refunds);
    return refunds;
  }

  /** Stores a refund that was changed. */
  save(refund: Refund): void {
    this.#refunds.put(orderKey(refund.mchid, refund.outRefundNo), refund);
    this.#byNumber.set(refund.outRefundNo, refund);
  }

  /** The cash part: in the order's proportion, rounded; the last refund takes what is left. */
  #payerShare(refund: number, order: Order): number {
    const paid = payerTotal(order);
    if (this.refunded(order) + refund === order.total) {
      const before = this.ofOrder(order).reduce(
        (sum, { payerRefund, status }) => sum + (status === 'CLOSED' ? 0 : payerRefund),
        0,
      );
      return paid - before;
    }
    return Number((BigInt(refund) * BigInt(paid) * 2n + BigInt(order.total)) / (2n * BigInt(order.total)));
  }
}

function refuseDifferentRepeat(first: Refund, repeat: RefundTerms): void {
  if (first.refund !== repeat.refund || first.total !== repeat.total) {
    throw new GatewayError(400, 'REFUND_FEE_MISMATCH', '订单金额或退款金额与之前请求不一致', {
      internalCode: 268498688,
    });
  }
  if (!isDeepStrictEqual(first.request, repeat.request)) {
    throw new GatewayError(400, 'INVALID_REQUEST', '请求重入时，参数与首次请求不一致', {
      internalCode: 268498688,
    });
  }
}
