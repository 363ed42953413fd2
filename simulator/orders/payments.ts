import { type Balances, payee } from '../money/balance.ts';
import type { Refunds } from '../refunds/book.ts';
import type { Orders } from './book.ts';
import type { Combination, Combinations } from './combination.ts';
import type { Order, Payment } from './order.ts';
import type { PaymentCodes } from './payment-code.ts';

/** A payment that came in: the order that was paid, and with it all those that were paid at once. */
export interface Paid {
  order: Order;
  /** The order itself, or all of its combination, in their order. */
  orders: Order[];
  combination: Combination | undefined;
}

/** What becomes of money: it comes in for one order or for a whole combination, and a reversal gives it back. */
export class Payments {
  readonly #orders: Orders;
  readonly #combinations: Combinations;
  readonly #paymentCodes: PaymentCodes;
  readonly #balances: Balances;
  readonly #refunds: Refunds;
  readonly #feeRate: (mchid: string) => number;

  constructor(options: {
    orders: Orders;
    combinations: Combinations;
    paymentCodes: PaymentCodes;
    balances: Balances;
    refunds: Refunds;
    /** The fee that a merchant pays now, in ten-thousandths. */
    feeRate: (mchid: string) => number;
  }) {
    this.#orders = options.orders;
    this.#combinations = options.combinations;
    this.#paymentCodes = options.paymentCodes;
    this.#balances = options.balances;
    this.#refunds = options.refunds;
    this.#feeRate = options.feeRate;
  }

  /**
   * Pays an order, and with it the others of its combination: all or none.
   * @throws ControlError 409 when it cannot be paid.
   */
  pay(order: Order, payment: Payment): Paid {
    const orders = this.#together(order);
    for (const one of orders) one.feeRate = this.#feeRate(payee(one));
    // The others are in the same state: what stops them stops this one, before anything is paid.
    this.#orders.pay(order, payment);
    for (const other of orders) {
      if (other === order) continue;
      this.#orders.pay(other, { ...payment, coupon: undefined, openid: order.openid });
    }
    for (const one of orders) this.#balances.receive(one);
    return { order, orders, combination: this.#combinations.of(order) };
  }

  /** The time to pay ends now, for all of a combination. @throws ControlError 409 when nobody can pay it anyway. */
  expire(order: Order): void {
    for (const one of this.#together(order)) this.#orders.expire(one);
  }

  /**
   * Takes a payment code order back, and its money if it was paid.
   * @throws GatewayError when it cannot be reversed.
   */
  reverse(order: Order): void {
    const wasPaid = order.paidAt !== undefined && order.state !== 'REVOKED';
    this.#paymentCodes.reverse(order);
    if (wasPaid) this.#balances.payBack(order, this.#refunds.ofOrder(order));
  }

  #together(order: Order): Order[] {
    const combination = this.#combinations.of(order);
    return combination ? this.#combinations.orders(combination) : [order];
  }
}
