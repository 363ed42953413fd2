import { isDeepStrictEqual } from 'node:util';
import type { FaultRule } from '../faults/fault.ts';
import { ControlError, GatewayError, paramError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import { type Balances, payee } from '../money/balance.ts';
import { payerFen } from '../money/exchange-rate.ts';
import { feeOf, settlementTotal } from '../money/fee.ts';
import { type Order, orderKey, payerTotal } from '../orders/order.ts';
import type { Payers } from '../orders/payer.ts';
import type { SeededRandom } from '../random.ts';
import { refuse } from '../refusals.ts';
import { chinaDate } from '../time/china-time.ts';
import {
  type Payout,
  REFUND_TRANSITIONS,
  type Refund,
  type RefundOutcome,
  type RefundTerms,
} from './refund.ts';
import { shareOf } from './share.ts';

const DAY_MS = 24 * 60 * 60_000;
const REFUND_PERIOD_MS = 365 * DAY_MS;
const MOST_REFUNDS = 50;

/** Refunds and their rules. */
export class Refunds {
  readonly #refunds: Collection<Refund>;
  readonly #byOrder = new Map<string, Refund[]>();
  readonly #byNumber = new Map<string, Refund>();
  readonly #byId = new Map<string, Refund>();
  readonly #random: SeededRandom;
  readonly #clock: () => number;
  readonly #delayMs: number;
  readonly #intervalMs: number;
  readonly #balances: Balances;
  readonly #payers: Payers;

  constructor(options: {
    journal: Journal;
    random: SeededRandom;
    clock: () => number;
    /** From acceptance to SUCCESS; `Infinity` leaves it to the control API. */
    delayMs: number;
    /** How far apart partial refunds of one order must be. */
    intervalMs: number;
    balances: Balances;
    payers: Payers;
  }) {
    this.#refunds = new Collection<Refund>(options.journal, 'refund');
    this.#random = options.random;
    this.#clock = options.clock;
    this.#delayMs = options.delayMs;
    this.#intervalMs = options.intervalMs;
    this.#balances = options.balances;
    this.#payers = options.payers;
    for (const refund of this.#refunds.values()) {
      this.ofOrder(refund).push(refund);
      this.#byNumber.set(refund.outRefundNo, refund);
      this.#byId.set(refund.refundId, refund);
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
    if (last && now < last.createdAt + this.#intervalMs) {
      throw new GatewayError(429, 'FREQUENCY_LIMITED', '同一订单的部分退款需间隔1分钟', {
        internalCode: 268447840,
      });
    }
    if (this.#payers.cannotReceive(order)) throw refuse('USER_ACCOUNT_ABNORMAL');
    const settlementRefund = this.#share(terms, order, settlementTotal(order), 'settlementRefund');
    const feeRefund = this.#share(terms, order, feeOf(order), 'feeRefund');
    const named =
      terms.from ?? (terms.fundsAccount ? [{ account: account(terms), amount: terms.refund }] : []);
    const paidFrom = this.#balances.shares(payee(order), settlementRefund - feeRefund, named);
    const refund: Refund = {
      ...terms,
      refundId: `503000${this.#random.digits(4)}${chinaDate(now)}${this.#random.digits(11)}`,
      outTradeNo: order.outTradeNo,
      transactionId: order.transactionId,
      payerRefund: this.#share(terms, order, payerTotal(order), 'payerRefund'),
      payerFenRefund: this.#share(terms, order, payerFen(order), 'payerFenRefund'),
      settlementRefund,
      feeRefund,
      paidFrom,
      status: 'PROCESSING',
      createdAt: now,
      dueAt: this.#dueAt(),
    };
    others.push(refund);
    this.#balances.pay(payee(order), paidFrom);
    this.#byNumber.set(refund.outRefundNo, refund);
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

  /** The refund of WeChat Pay's own number. */
  findById(refundId: string): Refund | undefined {
    return this.#byId.get(refundId);
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
    delete refund.dueOutcome;
    if (outcome === 'CLOSED') this.#balances.takeBack(payee(refund), refund.paidFrom);
    this.save(refund);
  }

  /**
   * Sends the money of an abnormal refund elsewhere: it is PROCESSING again. Repeating it is harmless.
   * @throws GatewayError 400 INVALID_REQUEST unless it is ABNORMAL.
   */
  payOut(refund: Refund, payout: Payout): void {
    if (refund.status !== 'ABNORMAL') {
      if (isDeepStrictEqual(refund.payout, payout)) return;
      throw new GatewayError(400, 'INVALID_REQUEST', '退款单状态不是退款异常，不能发起异常退款');
    }
    refund.payout = payout;
    refund.status = 'PROCESSING';
    refund.dueAt = this.#dueAt();
    delete refund.finishedAt;
    this.save(refund);
  }

  newest(limit: number): Refund[] {
    return this.#refunds.newest(limit);
  }

  /** What becomes of an accepted refund as a fault has it, after `delay_ms` or else when it would have succeeded. */
  meet(refund: Refund, { kind, delay_ms }: Pick<FaultRule, 'kind' | 'delay_ms'>): void {
    const later = delay_ms === undefined ? null : this.#clock() + delay_ms;
    if (kind === 'stuck') refund.dueAt = later;
    else {
      refund.dueOutcome = kind === 'abnormal' ? 'ABNORMAL' : 'CLOSED';
      refund.dueAt = later ?? refund.dueAt;
    }
    this.save(refund);
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
    this.#byId.clear();
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
    this.#byId.set(refund.refundId, refund);
  }

  #dueAt(): number | null {
    return Number.isFinite(this.#delayMs) ? this.#clock() + this.#delayMs : null;
  }

  #share({ refund }: RefundTerms, order: Order, part: number, name: SharedPart): number {
    const open = this.ofOrder(order).filter(({ status }) => status !== 'CLOSED');
    const before = open.map((one) => ({ refund: one.refund, taken: one[name] }));
    const currency = name === 'payerFenRefund' ? 'other' : 'same';
    return shareOf(refund, { part, total: order.total, before, currency });
  }
}

type SharedPart = 'payerRefund' | 'payerFenRefund' | 'settlementRefund' | 'feeRefund';

/** The account that a merchant named for the whole refund. */
function account({ fundsAccount }: RefundTerms): 'AVAILABLE' | 'UNSETTLED' {
  return fundsAccount === 'UNSETTLED' ? 'UNSETTLED' : 'AVAILABLE';
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
