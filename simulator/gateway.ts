import { EventEmitter } from 'node:events';
import { type FaultRequest, type FaultRule, Faults, type FiredFault } from './fault.ts';
import { ControlError } from './gateway-error.ts';
import { Collection, type Journal } from './journal.ts';
import type { Enrolment } from './merchant.ts';
import { type EventType, Notifications } from './notification.ts';
import { type AttemptFailure, type Order, Orders, orderObject } from './order.ts';
import { PlatformSignature } from './platform-signature.ts';
import type { SeededRandom } from './random.ts';
import { type Refund, type RefundOutcome, Refunds, refundNotice } from './refund.ts';
import type { NativeOrderBody, RefundBody } from './request-body.ts';
import type { Timers } from './timers.ts';
import {
  type GatewayState,
  type NotificationView,
  notificationView,
  type OrderView,
  orderView,
  type RefundView,
  refundView,
  type ScanView,
} from './view.ts';

const DEFAULT_LIMIT = 1000;

/** What can be awaited instead of slept for. */
export interface GatewayEvents {
  payment: [OrderView];
  /** A refund changed its state. */
  refund: [RefundView];
  /** A notification was attempted (or lost). */
  attempt: [NotificationView];
  fault: [FiredFault];
}

export interface GatewayOptions {
  enrolment: Enrolment;
  journal: Journal;
  random: SeededRandom;
  clock: () => number;
  timers: Timers;
  timeScale: number;
  notifyDelayMs: number;
  notifyTimeoutMs: number | undefined;
  refundDelayMs: number;
  enforceRefundInterval: boolean;
}

/** The simulated WeChat Pay: its memory, and what people and tests may do to it. The control API is these methods over HTTP. */
export class Gateway {
  readonly events = new EventEmitter<GatewayEvents>();
  readonly enrolment: Enrolment;
  readonly signature: PlatformSignature;
  readonly clock: () => number;
  readonly timers: Timers;
  readonly #orders: Orders;
  readonly #refunds: Refunds;
  readonly #notifications: Notifications;
  readonly #faults: Faults;
  readonly #journal: Journal;
  readonly #run: number;

  constructor(options: GatewayOptions) {
    const { journal, clock, timers, enrolment, timeScale } = options;
    this.enrolment = enrolment;
    this.clock = clock;
    this.timers = timers;
    this.#journal = journal;
    // A restarted simulator must not draw the ids of its previous run again.
    const runs = new Collection<number>(journal, 'run');
    this.#run = (runs.get('run') ?? 0) + 1;
    runs.put('run', this.#run);
    const random = options.random.fork(`run ${this.#run}`);
    this.signature = new PlatformSignature({
      serial: enrolment.merchant.publicKeyId,
      privateKey: enrolment.platformPrivateKey,
      random: random.fork('signatures'),
      clock,
    });
    this.#orders = new Orders({ journal, clock, random: random.fork('orders') });
    this.#refunds = new Refunds({
      journal,
      clock,
      random: random.fork('refunds'),
      delayMs: options.refundDelayMs / timeScale,
      enforceInterval: options.enforceRefundInterval,
    });
    this.#faults = new Faults({
      journal,
      clock,
      random: random.fork('faults'),
      onFired: (fired) => this.events.emit('fault', fired),
    });
    this.#notifications = new Notifications({
      journal,
      clock,
      timers,
      random: random.fork('notifications'),
      signature: this.signature,
      apiV3Key: enrolment.merchant.apiV3Key,
      faults: this.#faults,
      delayMs: options.notifyDelayMs,
      timeoutMs: options.notifyTimeoutMs,
      timeScale,
      onAttempt: (notification) => this.events.emit('attempt', notificationView(notification)),
    });
  }

  /** Goes on with what was pending when the process ended. */
  resume(): void {
    this.#notifications.resume();
    for (const refund of this.#refunds.pending()) this.#succeedLater(refund, refund.dueAt);
  }

  async close(): Promise<void> {
    this.timers.close();
    await this.#notifications.close();
    this.#journal.close();
  }

  // What the protocol does.

  createOrder(body: NativeOrderBody): string {
    return this.#orders.create(body);
  }

  findOrder(key: { outTradeNo?: string | undefined; transactionId?: string | undefined }): Order | undefined {
    if (key.transactionId) return this.#orders.findByTransactionId(key.transactionId);
    return key.outTradeNo ? this.#orders.find(key.outTradeNo) : undefined;
  }

  closeOrder(order: Order): void {
    this.#orders.close(order);
  }

  createRefund(body: RefundBody): Refund {
    const order = this.findOrder({ transactionId: body.transaction_id, outTradeNo: body.out_trade_no });
    const { refund, accepted } = this.#refunds.create(body, order);
    if (accepted && order) {
      this.#orders.markRefunded(order);
      if (refund.dueAt !== null) this.#succeedLater(refund, refund.dueAt);
    }
    return refund;
  }

  findRefund(outRefundNo: string): Refund | undefined {
    return this.#refunds.find(outRefundNo);
  }

  fireFault(...occasion: Parameters<Faults['fire']>): FaultRule | undefined {
    return this.#faults.fire(...occasion);
  }

  // What people and tests do: the control API.

  /** Orders, newest first. */
  orders(limit = DEFAULT_LIMIT): OrderView[] {
    return this.#orders.newest(limit).map((order) => this.#orderView(order));
  }

  order(outTradeNo: string): OrderView {
    return this.#orderView(this.#knownOrder(outTradeNo));
  }

  /** What a phone shows after scanning a code. */
  scan(codeUrl: string): ScanView {
    const order = this.#orders.findByCodeUrl(codeUrl);
    if (!order) return { status: 'unknown', order: null };
    return { status: this.#orders.obstacle(order, codeUrl) ?? 'payable', order: this.#orderView(order) };
  }

  /**
   * The person pays the whole order; the notification follows.
   * @throws ControlError 409 when it cannot be paid (through this code_url, when given).
   */
  pay(outTradeNo: string, options: { codeUrl?: string; late?: boolean } = {}): OrderView {
    const order = this.#knownOrder(outTradeNo);
    this.#orders.pay(order, options);
    const about = {
      eventType: 'TRANSACTION.SUCCESS',
      outTradeNo,
      notifyUrl: order.request.notify_url,
    } as const;
    this.#notifications.create(about, orderObject(order));
    const view = this.#orderView(order);
    this.events.emit('payment', view);
    return view;
  }

  /** The person does not pay; the order stays NOTPAY and nobody is notified. */
  fail(outTradeNo: string, reason: AttemptFailure): OrderView {
    const order = this.#knownOrder(outTradeNo);
    this.#orders.fail(order, reason);
    return this.#orderView(order);
  }

  /** Refunds, newest first. */
  refunds(limit = DEFAULT_LIMIT): RefundView[] {
    return this.#refunds.newest(limit).map(refundView);
  }

  refund(outRefundNo: string): RefundView {
    return refundView(this.#knownRefund(outRefundNo));
  }

  /** Ends a refund and notifies the merchant. @throws ControlError 409 when its state does not allow the outcome. */
  finishRefund(outRefundNo: string, outcome: RefundOutcome): RefundView {
    const refund = this.#knownRefund(outRefundNo);
    this.#refunds.finish(refund, outcome);
    const notifyUrl = refund.request.notify_url;
    if (notifyUrl) {
      const eventType: EventType = `REFUND.${outcome}`;
      const { outTradeNo } = refund;
      const plaintext = refundNotice(refund, this.enrolment.merchant.mchid);
      this.#notifications.create({ eventType, outTradeNo, outRefundNo, notifyUrl }, plaintext);
    }
    const view = refundView(refund);
    this.events.emit('refund', view);
    return view;
  }

  /** Notifications with every attempt, newest first. */
  notifications(limit = DEFAULT_LIMIT): NotificationView[] {
    return this.#notifications.newest(limit).map(notificationView);
  }

  /** Sends a notification again at once and answers after that attempt. */
  async redeliver(id: string): Promise<NotificationView> {
    return notificationView(await this.#notifications.redeliver(id));
  }

  /** @throws ControlError 400 when the rule makes no sense. */
  addFault(rule: FaultRequest): FaultRule {
    return this.#faults.add(rule);
  }

  faults(): FaultRule[] {
    return this.#faults.list();
  }

  removeFault(id: string): void {
    this.#faults.remove(id);
  }

  removeFaults(): void {
    this.#faults.removeAll();
  }

  /** Forgets orders, refunds, notifications and faults; the merchant stays. */
  reset(): void {
    this.#orders.clear();
    this.#refunds.clear();
    this.#notifications.clear();
    this.#faults.clear();
    this.#journal.truncate();
    this.#journal.write('run', 'run', this.#run);
  }

  state(): GatewayState {
    const { mchid, appid } = this.enrolment.merchant;
    return {
      mchid,
      appid,
      time: this.clock(),
      orders: this.#orders.size,
      refunds: this.#refunds.size,
      notifications: this.#notifications.size,
      faults: this.#faults.list(),
      fault_log: this.#faults.log(),
    };
  }

  #succeedLater(refund: Refund, dueAt: number): void {
    this.timers.after(dueAt - this.clock(), () => {
      // The control API or a reset may have been faster.
      if (refund.dueAt === dueAt && this.#refunds.find(refund.outRefundNo) === refund) {
        this.finishRefund(refund.outRefundNo, 'SUCCESS');
      }
    });
  }

  #orderView(order: Order): OrderView {
    const payable = this.#orders.obstacle(order, order.codeUrls.at(-1)?.url) === undefined;
    return orderView(order, { payable, refundedFen: this.#refunds.refundedFen(order.outTradeNo) });
  }

  #knownOrder(outTradeNo: string): Order {
    const order = this.#orders.find(outTradeNo);
    if (!order) throw new ControlError(404, `no order ${outTradeNo}`);
    return order;
  }

  #knownRefund(outRefundNo: string): Refund {
    const refund = this.#refunds.find(outRefundNo);
    if (!refund) throw new ControlError(404, `no refund ${outRefundNo}`);
    return refund;
  }
}
