import { isDeepStrictEqual } from 'node:util';
import { chinaDate, chinaTime } from './china-time.ts';
import { ControlError, GatewayError, paramError } from './gateway-error.ts';
import { Collection, type Journal } from './journal.ts';
import type { Order } from './order.ts';
import type { SeededRandom } from './random.ts';
import type { RefundBody } from './request-body.ts';

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

/** A refund as the gateway keeps it. Times are milliseconds. */
export interface Refund {
  outRefundNo: string;
  refundId: string;
  outTradeNo: string;
  transactionId: string;
  request: RefundBody;
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
    for (const refund of this.#refunds.values()) this.#ofOrder(refund.outTradeNo).push(refund);
  }

  /**
   * Accepts a refund of a paid order. The same out_refund_no with equal parameters refunds once and answers the present state.
   * @throws GatewayError for every rule of the official refund page that the request breaks.
   */
  create(request: RefundBody, order: Order | undefined): { refund: Refund; accepted: boolean } {
    const known = this.#refunds.get(request.out_refund_no);
    if (known) {
      refuseDifferentRepeat(known.request, request);
      return { refund: known, accepted: false };
    }
    if (!order?.transactionId || order.paidAt === undefined) {
      throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '订单不存在或未支付', { internalCode: 268512771 });
    }
    if (request.out_trade_no && request.out_trade_no !== order.outTradeNo) {
      throw paramError({
        field: '/out_trade_no',
        value: request.out_trade_no,
        issue: 'belongs to another transaction_id',
        location: 'body',
      });
    }
    const { total } = order.request.amount;
    const now = this.#clock();
    const others = this.#ofOrder(order.outTradeNo);
    // A closed refund gave its money back to the order.
    const taken = others.reduce(
      (sum, { request, status }) => sum + (status === 'CLOSED' ? 0 : request.amount.refund),
      0,
    );
    if (request.amount.total !== total) {
      throw new GatewayError(400, 'REFUND_FEE_MISMATCH', '订单金额与原订单不一致');
    }
    if (taken + request.amount.refund > total) {
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
      outRefundNo: request.out_refund_no,
      refundId: `503000${this.#random.digits(4)}${chinaDate(now)}${this.#random.digits(11)}`,
      outTradeNo: order.outTradeNo,
      transactionId: order.transactionId,
      request,
      status: 'PROCESSING',
      createdAt: now,
      dueAt: Number.isFinite(this.#delayMs) ? now + this.#delayMs : null,
    };
    others.push(refund);
    this.#save(refund);
    return { refund, accepted: true };
  }

  find(outRefundNo: string): Refund | undefined {
    return this.#refunds.get(outRefundNo);
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
    this.#save(refund);
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
  }

  /** Fen of an order that are refunded or being refunded. */
  refundedFen(outTradeNo: string): number {
    return this.#ofOrder(outTradeNo).reduce(
      (sum, { request, status }) => sum + (status === 'CLOSED' ? 0 : request.amount.refund),
      0,
    );
  }

  #ofOrder(outTradeNo: string): Refund[] {
    const refunds = this.#byOrder.get(outTradeNo) ?? [];
    this.#byOrder.set(outTradeNo, refunds);
    return refunds;
  }

  #save(refund: Refund): void {
    this.#refunds.put(refund.outRefundNo, refund);
  }
}

function refuseDifferentRepeat(first: RefundBody, repeat: RefundBody): void {
  if (!isDeepStrictEqual(first.amount, repeat.amount)) {
    throw new GatewayError(400, 'REFUND_FEE_MISMATCH', '订单金额或退款金额与之前请求不一致', {
      internalCode: 268498688,
    });
  }
  if (!isDeepStrictEqual(first, repeat)) {
    throw new GatewayError(400, 'INVALID_REQUEST', '请求重入时，参数与首次请求不一致', {
      internalCode: 268498688,
    });
  }
}

/** The refund object of refund answers and refund queries. */
export function refundObject(refund: Refund): Record<string, unknown> {
  const { total, refund: fen } = refund.request.amount;
  return {
    refund_id: refund.refundId,
    out_refund_no: refund.outRefundNo,
    transaction_id: refund.transactionId,
    out_trade_no: refund.outTradeNo,
    channel: 'ORIGINAL',
    user_received_account: '支付用户零钱',
    success_time: refund.status === 'SUCCESS' && refund.finishedAt ? chinaTime(refund.finishedAt) : undefined,
    create_time: chinaTime(refund.createdAt),
    status: refund.status,
    funds_account: refund.request.funds_account ?? 'AVAILABLE',
    amount: {
      total,
      refund: fen,
      from: refund.request.amount.from ?? [],
      payer_total: total,
      payer_refund: fen,
      settlement_refund: fen,
      settlement_total: total,
      discount_refund: 0,
      currency: 'CNY',
    },
    promotion_detail: [],
  };
}

/** The plaintext of a refund notification: `refund_status`, not `status`, and the time only on SUCCESS. */
export function refundNotice(refund: Refund, mchid: string): Record<string, unknown> {
  const { total, refund: fen } = refund.request.amount;
  return {
    mchid,
    out_trade_no: refund.outTradeNo,
    transaction_id: refund.transactionId,
    out_refund_no: refund.outRefundNo,
    refund_id: refund.refundId,
    refund_status: refund.status,
    success_time: refund.status === 'SUCCESS' && refund.finishedAt ? chinaTime(refund.finishedAt) : undefined,
    user_received_account: '支付用户零钱',
    amount: { total, refund: fen, payer_total: total, payer_refund: fen },
  };
}
