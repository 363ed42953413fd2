import { z } from 'zod';
import { GatewayError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import { refuse } from '../refusals.ts';
import type { Orders } from './book.ts';
import { isCharged, type Order, type OrderTerms, type Payment } from './order.ts';

/** Refusals after which nothing was paid; the others leave it unknown. */
const FAILED: readonly string[] = ['NOT_ENOUGH', 'TRADE_ERROR', 'ACCOUNT_ERROR', 'RULE_LIMIT'];

const REVERSE_PERIOD_MS = 7 * 24 * 60 * 60_000;

/** 18 digits that start with 10 to 15. */
export const AUTH_CODE = /^1[0-5]\d{16}$/;

/** When a person must type the password, and how the gateway says so. */
export interface CodeRules {
  /** From this amount on, in the smallest unit of the currency; `Infinity` for never. */
  passwordFrom: number;
  /** 200 with nothing but the state, or 202 USER_PAYING: both occur. */
  pendingStatus: 200 | 202;
  /** Milliseconds to type it. */
  passwordMs: number;
  /** The same overseas, where the order is then taken back. */
  autoRevokeMs: number;
}

/** What the control API takes to arrange what happens to a payment code. */
export const codeArrangement = z.strictObject({
  /** `paid` at once whatever the amount, a `password` to type, or a documented refusal. */
  outcome: z.enum([
    'paid',
    'password',
    'NOT_ENOUGH',
    'TRADE_ERROR',
    'ACCOUNT_ERROR',
    'RULE_LIMIT',
    'BANK_ERROR',
    'SYSTEM_ERROR',
  ]),
  /** How a pending password is answered. */
  pending_status: z.union([z.literal(200), z.literal(202)]).optional(),
  openid: z.string().min(1).optional(),
  coupon: z
    .strictObject({ amount: z.int().positive(), type: z.enum(['CASH', 'NOCASH']).optional() })
    .optional(),
});
export type CodeArrangement = z.infer<typeof codeArrangement>;

/** Orders that are paid with a code the person shows, whichever API they came by. */
export class PaymentCodes {
  readonly #arranged: Collection<CodeArrangement>;
  readonly #orders: Orders;
  readonly #rules: CodeRules;
  readonly #clock: () => number;
  readonly #pay: (order: Order, payment: Payment) => void;

  constructor(options: {
    journal: Journal;
    orders: Orders;
    rules: CodeRules;
    clock: () => number;
    pay: (order: Order, payment: Payment) => void;
  }) {
    this.#arranged = new Collection<CodeArrangement>(options.journal, 'payment_code');
    this.#orders = options.orders;
    this.#rules = options.rules;
    this.#clock = options.clock;
    this.#pay = options.pay;
  }

  /** Arranges what happens to whoever charges a code. */
  arrange(authCode: string, arrangement: CodeArrangement): CodeArrangement {
    this.#arranged.put(authCode, arrangement);
    return arrangement;
  }

  /**
   * Charges a code: the order is SUCCESS at once, or USERPAYING until the person typed the password. An equal request while the password is
   * being typed answers the present state.
   * @throws GatewayError what was arranged for this code; the order then is PAYERROR, or USERPAYING where the bank's answer is unknown; and 202
   * USER_PAYING when a pending password is answered so.
   */
  charge(terms: OrderTerms, authCode: string): Order {
    const { outcome, pending_status, openid, coupon } = this.#arranged.get(authCode) ?? {};
    const underWay = this.#orders.reusable(terms);
    const order = underWay ?? this.#orders.create(terms);
    const password = outcome ? outcome === 'password' : order.total >= this.#rules.passwordFrom;
    const refusal = outcome === 'paid' || outcome === 'password' ? undefined : outcome;
    if (!underWay && !refusal && !password) {
      const most = coupon && { ...coupon, amount: Math.min(coupon.amount, order.total) };
      this.#pay(order, { openid, coupon: most });
      return order;
    }
    if (!underWay) this.#await(order, refusal);
    if (refusal) throw refuse(refusal);
    if ((pending_status ?? this.#rules.pendingStatus) === 202) throw refuse('USER_PAYING');
    return order;
  }

  /**
   * Takes an order back, whatever its state; repeating it is harmless. The money goes back elsewhere.
   * @throws GatewayError 400 INVALID_REQUEST for other orders, and after 7 days.
   */
  reverse(order: Order): void {
    const now = this.#clock();
    if (!isCharged(order)) {
      throw new GatewayError(400, 'INVALID_REQUEST', '订单的支付场景不支持该请求', {
        internalCode: 268435464,
      });
    }
    if (now > order.createdAt + REVERSE_PERIOD_MS) {
      throw new GatewayError(400, 'INVALID_REQUEST', '订单无法撤销，已超过7天', { internalCode: 268447914 });
    }
    if (order.state === 'REVOKED') return;
    order.state = 'REVOKED';
    order.revokedAt = now;
    this.#orders.save(order);
  }

  clear(): void {
    this.#arranged.clear();
  }

  #await(order: Order, refusal: CodeArrangement['outcome'] | undefined): void {
    const failed = refusal !== undefined && FAILED.includes(refusal);
    order.state = failed ? 'PAYERROR' : 'USERPAYING';
    const { passwordMs, autoRevokeMs } = this.#rules;
    const wait = order.family === 'overseas' ? autoRevokeMs : passwordMs;
    if (!failed) order.passwordUntil = this.#clock() + wait;
    this.#orders.save(order);
  }
}
