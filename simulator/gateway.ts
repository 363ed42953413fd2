import {
  type NotificationView,
  notificationView,
  type OrderView,
  type RefundView,
  refundView,
  type ScanView,
} from './control/view.ts';
import type { FaultRequest, FaultRule } from './faults/fault.ts';
import { ControlError } from './gateway-error.ts';
import { Memory } from './memory.ts';
import type { Balance, BalanceRequest } from './money/balance.ts';
import type { Notice } from './notifications/body.ts';
import { paidNotice, refundNotice } from './notifications/notice.ts';
import type { Addressee } from './notifications/notification.ts';
import type { AttemptFailure, Order, Payment } from './orders/order.ts';
import type { Payout, Refund, RefundOutcome, RefundTerms } from './refunds/refund.ts';
import type { ClockMove } from './time/timers.ts';
import { combinedObject } from './v3/objects/combination.ts';

const DEFAULT_LIMIT = 1000;

/** The simulated WeChat Pay: what the protocols do, and what people and tests may do to it. The control API is these methods over HTTP. */
export class Gateway extends Memory {
  /** Goes on with what was pending when the process ended, except for merchants that a scenario no longer has. */
  resume(): void {
    this.notificationBook.resume();
    for (const refund of this.refundBook.pending()) {
      if (this.world.find(refund.mchid)) this.#endLater(refund, refund.dueAt);
    }
  }

  // What the protocol does.

  createRefund(terms: RefundTerms): Refund {
    const order = this.findOrder(terms.mchid, terms);
    const own = order?.subMchid === terms.subMchid ? order : undefined;
    const { refund, accepted } = this.refundBook.create(terms, own);
    if (accepted && own) {
      this.orderBook.markRefunded(own);
      const fault = this.fireFault('refund', { ...refund }, () => true);
      if (fault) this.refundBook.meet(refund, fault);
      if (refund.dueAt !== null) this.#endLater(refund, refund.dueAt);
    }
    return refund;
  }

  /** Takes a payment code order back, and its money if it was paid. */
  reverse(order: Order): void {
    this.payments.reverse(order);
  }

  /** Sends the money of an abnormal refund elsewhere. */
  payOut(refund: Refund, payout: Payout): void {
    this.refundBook.payOut(refund, payout);
    if (refund.dueAt !== null) this.#endLater(refund, refund.dueAt);
  }

  /** Tells a merchant; nobody is told who gave no address. */
  override notify(
    { mchid, outTradeNo, outRefundNo, complaintId, notifyUrl }: Addressee,
    notice: Notice,
  ): void {
    if (!notifyUrl) return;
    this.notificationBook.create({ mchid, outTradeNo, outRefundNo, complaintId, notifyUrl }, notice);
  }

  // What people and tests do: the control API.

  /** Orders, newest first. */
  orders(limit = DEFAULT_LIMIT): OrderView[] {
    return this.orderBook.newest(limit).map((order) => this.viewOf(order));
  }

  /** @param mchid whose, where numbers collide; the newest unless told. So it is with the next methods. */
  order(outTradeNo: string, mchid?: string): OrderView {
    return this.viewOf(this.#knownOrder(outTradeNo, mchid));
  }

  /** What a phone shows after scanning a code. */
  scan(codeUrl: string): ScanView {
    const order = this.orderBook.findByCode(codeUrl);
    if (!order) return { status: 'unknown', order: null };
    return { status: this.orderBook.obstacle(order, codeUrl) ?? 'payable', order: this.viewOf(order) };
  }

  /**
   * The person pays the whole order, and the others of its combination; the notification follows.
   * @throws ControlError 409 when it cannot be paid (through this code_url, when given).
   */
  pay(outTradeNo: string, payment: Payment = {}, mchid?: string): OrderView {
    const order = this.#knownOrder(outTradeNo, mchid);
    this.payOrder(order, payment);
    return this.viewOf(order);
  }

  /** As {@link pay}, for an order at hand. */
  override payOrder(order: Order, payment: Payment = {}): void {
    this.world.requireEnrolled(order.mchid);
    const { orders, combination } = this.payments.pay(order, payment);
    this.notify(
      combination ? { ...combination, outTradeNo: combination.combineOutTradeNo } : order,
      paidNotice(order, this.#noticeKey(order), combination && combinedObject(combination, orders)),
    );
    // Views are made for those who listen; at a thousand payments a second, nobody does.
    if (this.events.listenerCount('payment') === 0) return;
    for (const paid of orders) this.events.emit('payment', this.viewOf(paid));
  }

  /** The person does not pay; the order stays NOTPAY (that of a payment code is PAYERROR) and nobody is notified. */
  fail(outTradeNo: string, reason: AttemptFailure, mchid?: string): OrderView {
    const order = this.#knownOrder(outTradeNo, mchid);
    this.orderBook.fail(order, reason);
    return this.viewOf(order);
  }

  /** The time to pay is over; the order stays NOTPAY. @throws ControlError 409 when nobody can pay it anyway. */
  expire(outTradeNo: string, mchid?: string): OrderView {
    const order = this.#knownOrder(outTradeNo, mchid);
    this.payments.expire(order);
    return this.viewOf(order);
  }

  /** What a merchant or sub-merchant has. @throws ControlError 404 */
  balance(mchid: string): Balance {
    this.#knownMerchant(mchid);
    return this.balances.of(mchid);
  }

  /** Sets what a merchant or sub-merchant has. @throws ControlError 404 */
  setBalance(mchid: string, request: BalanceRequest): Balance {
    this.#knownMerchant(mchid);
    return this.balances.arrange(mchid, request);
  }

  /** Says whether the account that paid an order can still receive a refund. */
  setPayerOf(outTradeNo: string, account: 'normal' | 'abnormal', mchid?: string): OrderView {
    const order = this.#knownOrder(outTradeNo, mchid);
    order.payerAbnormal = account === 'abnormal';
    this.orderBook.save(order);
    return this.viewOf(order);
  }

  /** Refunds, newest first. */
  refunds(limit = DEFAULT_LIMIT): RefundView[] {
    return this.refundBook.newest(limit).map(refundView);
  }

  refund(outRefundNo: string, mchid?: string): RefundView {
    return refundView(this.#knownRefund(outRefundNo, mchid));
  }

  /** Ends a refund and notifies the merchant. @throws ControlError 409 when its state does not allow the outcome. */
  finishRefund(outRefundNo: string, outcome: RefundOutcome, mchid?: string): RefundView {
    const refund = this.#knownRefund(outRefundNo, mchid);
    this.world.requireEnrolled(refund.mchid);
    this.refundBook.finish(refund, outcome);
    const notifyUrl = refund.notifyUrl ?? this.settings.refundNotifyUrl(refund.mchid);
    const notice = refundNotice(refund, this.orderOf(refund), this.#noticeKey(refund));
    if (notice) this.notify({ ...refund, notifyUrl }, notice);
    if (outcome === 'SUCCESS') {
      this.complaints.refunded(this.orderOf(refund), this.refundBook.ofOrder(refund));
    }
    const view = refundView(refund);
    this.events.emit('refund', view);
    return view;
  }

  /** Notifications with every attempt, newest first. */
  notifications(limit = DEFAULT_LIMIT): NotificationView[] {
    return this.notificationBook.newest(limit).map(notificationView);
  }

  /** Sends a notification again at once and answers after that attempt. */
  async redeliver(id: string): Promise<NotificationView> {
    return notificationView(await this.notificationBook.redeliver(id));
  }

  /** @throws ControlError 400 when the rule makes no sense. */
  addFault(rule: FaultRequest): FaultRule {
    return this.faultBook.add(rule);
  }

  faults(): FaultRule[] {
    return this.faultBook.list();
  }

  removeFault(id: string): void {
    this.faultBook.remove(id);
  }

  removeFaults(): void {
    this.faultBook.removeAll();
  }

  /**
   * Moves the simulator's clock, and lets everything happen that became due on the way.
   * @returns how many things that was.
   */
  async moveClock(move: ClockMove): Promise<number> {
    let happened: Promise<number>;
    if ('advance_ms' in move) happened = this.timers.advance(move.advance_ms);
    else if ('set' in move) happened = this.timers.set(Date.parse(move.set));
    else happened = this.timers.reset();
    const count = await happened;
    this.orderBook.renew();
    return count;
  }

  #endLater(refund: Refund, dueAt: number): void {
    this.timers.at(dueAt, () => {
      // The control API or a reset may have been faster.
      if (refund.dueAt === dueAt && this.refundBook.find(refund.mchid, refund.outRefundNo) === refund) {
        this.finishRefund(refund.outRefundNo, refund.dueOutcome ?? 'SUCCESS', refund.mchid);
      }
    });
  }

  #noticeKey({ mchid }: { mchid: string }) {
    return { apiV2Key: this.world.get(mchid).merchant.apiV2Key, nonce: this.random.text(32) };
  }

  #knownMerchant(mchid: string): void {
    if (!this.world.knows(mchid)) throw new ControlError(404, `no merchant ${mchid}`);
  }

  #knownOrder(outTradeNo: string, mchid?: string): Order {
    const order = mchid ? this.orderBook.find(mchid, outTradeNo) : this.orderBook.findByNumber(outTradeNo);
    if (!order) throw new ControlError(404, `no order ${outTradeNo}`);
    return order;
  }

  #knownRefund(outRefundNo: string, mchid?: string): Refund {
    const refund = mchid
      ? this.refundBook.find(mchid, outRefundNo)
      : this.refundBook.findByNumber(outRefundNo);
    if (!refund) throw new ControlError(404, `no refund ${outRefundNo}`);
    return refund;
  }
}
