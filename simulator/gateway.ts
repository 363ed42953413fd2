import { EventEmitter } from 'node:events';
import { type Balance, type BalanceRequest, Balances } from './balance.ts';
import { Bills } from './bills/bills.ts';
import type { BillSettings } from './bills/settings.ts';
import { Combinations, combinedObject } from './combination.ts';
import { ComplaintDesk } from './complaint-desk.ts';
import type { ComplaintView } from './complaint-view.ts';
import type { FaultRequest, FaultRule, FaultTable, FiredFault } from './fault.ts';
import { type ArrangedFaults, FaultBook } from './fault-book.ts';
import { ControlError } from './gateway-error.ts';
import { Collection, type Journal } from './journal.ts';
import { paidNotice, refundNotice } from './notice.ts';
import { Notifications } from './notification.ts';
import type { Notice } from './notification-body.ts';
import { type AttemptFailure, type Order, Orders, type OrderTerms, type Payment } from './order.ts';
import { Payers } from './payer.ts';
import { type CodeRules, PaymentCodes } from './payment-code.ts';
import { Payments } from './payments.ts';
import { PlatformSettings } from './platform-settings.ts';
import { PlatformSignature } from './platform-signature.ts';
import { SeededRandom } from './random.ts';
import { RateLimits } from './rate-limit.ts';
import { type Payout, type Refund, type RefundOutcome, Refunds, type RefundTerms } from './refund.ts';
import type { ClockMove, Timers } from './timers.ts';
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
import type { World } from './world.ts';

const DEFAULT_LIMIT = 1000;

/** What can be awaited instead of slept for. */
export interface GatewayEvents {
  payment: [OrderView];
  /** A refund changed its state. */
  refund: [RefundView];
  /** Somebody complained, or something happened to a complaint. */
  complaint: [ComplaintView];
  /** A notification was attempted (or lost). */
  attempt: [NotificationView];
  fault: [FiredFault];
}

export interface GatewayOptions {
  world: World;
  faultTable: FaultTable;
  faultSeed: number | undefined;
  arrangedFaults: ArrangedFaults;
  journal: Journal;
  random: SeededRandom;
  /** The clock that signatures are checked and made with: the clients', which nobody can move. */
  wallClock: () => number;
  timers: Timers;
  timeScale: number;
  notifyDelayMs: number;
  notifyTimeoutMs: number | undefined;
  refundDelayMs: number;
  enforceRefundInterval: boolean;
  rateLimits: boolean;
  paymentCodes: CodeRules;
  /** How old an order of v2 must be to be closed, in milliseconds. */
  earliestCloseMs: number;
  /** How everybody's bills are. */
  bills: BillSettings | undefined;
}

/** The simulated WeChat Pay: its memory, and what people and tests may do to it. The control API is these methods over HTTP. */
export class Gateway {
  readonly events = new EventEmitter<GatewayEvents>();
  readonly world: World;
  readonly signature: PlatformSignature;
  /** The simulator's clock, which the control API moves, in milliseconds since 1970. */
  readonly clock: () => number;
  /**
   * The clock of signatures. It does not move with the other: the clients' clocks stay where they are, and each side refuses a signature that
   * is five minutes off.
   */
  readonly wallClock: () => number;
  /** For ids and nonces of answers. */
  readonly random: SeededRandom;
  readonly timers: Timers;
  /** Orders of all merchants and APIs. */
  readonly orderBook: Orders;
  /** Refunds of all merchants and APIs. */
  readonly refundBook: Refunds;
  /** Orders that are paid together. */
  readonly combinations: Combinations;
  /** Orders that are paid with a code the person shows. */
  readonly paymentCodes: PaymentCodes;
  /** What comes in and what is given back. */
  readonly payments: Payments;
  /** The merchants' money. */
  readonly balances: Balances;
  /** Statements of what happened. */
  readonly bills: Bills;
  /** The people who pay. */
  readonly payers: Payers;
  /** What people complain about. */
  readonly complaints: ComplaintDesk;
  /** What goes wrong. */
  readonly faultBook: FaultBook;
  /** How often merchants may call. */
  readonly rateLimits: RateLimits;
  /** What merchants are told. */
  readonly notificationBook: Notifications;
  /** What merchants set on the merchant platform. */
  readonly settings: PlatformSettings;
  /** How old an order of v2 must be to be closed, in milliseconds. */
  readonly earliestCloseMs: number;
  readonly #journal: Journal;
  readonly #run: number;

  constructor(options: GatewayOptions) {
    const { journal, timers, world, timeScale } = options;
    const clock = timers.now;
    this.world = world;
    this.clock = clock;
    this.wallClock = options.wallClock;
    this.timers = timers;
    this.#journal = journal;
    // A restarted simulator must not draw the ids of its previous run again.
    const runs = new Collection<number>(journal, 'run');
    this.#run = (runs.get('run') ?? 0) + 1;
    runs.put('run', this.#run);
    const random = options.random.fork(`run ${this.#run}`);
    this.random = random.fork('answers');
    this.signature = new PlatformSignature({ random: random.fork('signatures'), clock: options.wallClock });
    this.orderBook = new Orders({ journal, clock, random: random.fork('orders') });
    this.combinations = new Combinations({ journal, orders: this.orderBook });
    this.paymentCodes = new PaymentCodes({
      journal,
      clock,
      orders: this.orderBook,
      rules: options.paymentCodes,
      pay: (order, payment) => this.payOrder(order, payment),
    });
    this.balances = new Balances({
      journal,
      clock,
      initial: (mchid) => world.find(mchid)?.merchant.balance,
    });
    this.payers = new Payers(journal);
    this.settings = new PlatformSettings(journal, world);
    this.earliestCloseMs = options.earliestCloseMs;
    this.refundBook = new Refunds({
      journal,
      balances: this.balances,
      payers: this.payers,
      clock,
      random: random.fork('refunds'),
      delayMs: options.refundDelayMs / timeScale,
      enforceInterval: options.enforceRefundInterval,
    });
    this.bills = new Bills({
      world,
      orders: this.orderBook,
      refunds: this.refundBook,
      journal,
      clock,
      random: random.fork('bills'),
      settings: options.bills,
    });
    this.payments = new Payments({
      orders: this.orderBook,
      combinations: this.combinations,
      paymentCodes: this.paymentCodes,
      balances: this.balances,
      refunds: this.refundBook,
      feeRate: (mchid) => this.bills.feeRate(mchid),
    });
    this.complaints = new ComplaintDesk({
      journal,
      clock,
      random: random.fork('complaint desk'),
      orders: this.orderBook,
      notify: (about, notice) => this.notify(about, notice),
      onChange: (complaint) => this.events.emit('complaint', complaint),
    });
    this.rateLimits = new RateLimits({
      enabled: options.rateLimits,
      clock,
      isOverseas: (mchid) => world.find(mchid)?.merchant.region === 'overseas',
    });
    this.faultBook = new FaultBook({
      table: options.faultTable,
      journal,
      clock,
      random:
        options.faultSeed === undefined
          ? random.fork('faults')
          : new SeededRandom(`faults/${options.faultSeed}`),
      scenario: options.arrangedFaults,
      onFired: (fired) => this.events.emit('fault', fired),
    });
    this.notificationBook = new Notifications({
      journal,
      clock,
      timers,
      random: random.fork('notifications'),
      signature: this.signature,
      world,
      faults: this.faultBook,
      delayMs: options.notifyDelayMs,
      timeoutMs: options.notifyTimeoutMs,
      timeScale,
      onAttempt: (notification) => {
        if (this.events.listenerCount('attempt') === 0) return;
        this.events.emit('attempt', notificationView(notification));
      },
    });
  }

  /** Goes on with what was pending when the process ended. */
  resume(): void {
    this.notificationBook.resume();
    for (const refund of this.refundBook.pending()) this.#endLater(refund, refund.dueAt);
  }

  async close(): Promise<void> {
    this.timers.close();
    await this.notificationBook.close();
    this.#journal.close();
  }

  // What the protocol does.

  /** The order of one merchant, by either number. */
  findOrder(
    mchid: string,
    key: { outTradeNo?: string | undefined; transactionId?: string | undefined },
  ): Order | undefined {
    if (!key.transactionId) return key.outTradeNo ? this.orderBook.find(mchid, key.outTradeNo) : undefined;
    const order = this.orderBook.findByTransactionId(key.transactionId);
    return order?.mchid === mchid ? order : undefined;
  }

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

  /** The order that a refund belongs to. */
  orderOf({ mchid, outTradeNo }: Refund): Order {
    const order = this.orderBook.find(mchid, outTradeNo);
    if (!order) throw new Error(`refund of an order ${outTradeNo} that is not there`);
    return order;
  }

  /** Tells a merchant; nobody is told who gave no address. */
  notify(
    {
      mchid,
      outTradeNo,
      outRefundNo,
      complaintId,
      notifyUrl,
    }: Pick<OrderTerms, 'mchid' | 'outTradeNo' | 'notifyUrl'> & {
      outRefundNo?: string;
      complaintId?: string;
    },
    notice: Notice,
  ): void {
    if (!notifyUrl) return;
    this.notificationBook.create({ mchid, outTradeNo, outRefundNo, complaintId, notifyUrl }, notice);
  }

  fireFault(...occasion: Parameters<FaultBook['fire']>): FaultRule | undefined {
    return this.faultBook.fire(...occasion);
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
  payOrder(order: Order, payment: Payment = {}): void {
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

  /** Forgets orders, refunds, notifications and faults; the merchant stays. */
  reset(): void {
    this.orderBook.clear();
    this.refundBook.clear();
    this.combinations.clear();
    this.paymentCodes.clear();
    this.balances.clear();
    this.payers.clear();
    this.complaints.clear();
    this.settings.clear();
    this.bills.clear();
    this.notificationBook.clear();
    this.faultBook.clear();
    this.timers.clear();
    this.rateLimits.clear();
    this.#journal.truncate();
    this.#journal.write('run', 'run', this.#run);
    this.world.rewrite();
    this.faultBook.start();
  }

  /** Everything that the simulator keeps, by kind and key. */
  dump(): Record<string, Record<string, unknown>> {
    return this.#journal.dump();
  }

  state(): GatewayState {
    const { mchid, appid } = this.world.merchant;
    return {
      mchid,
      appid,
      time: this.clock(),
      orders: this.orderBook.size,
      refunds: this.refundBook.size,
      notifications: this.notificationBook.size,
      faults: this.faultBook.list(),
      fault_log: this.faultBook.log(),
    };
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

  /** An order as the control API shows it. */
  viewOf(order: Order): OrderView {
    const payable = this.orderBook.obstacle(order, order.codes.at(-1)?.prepayId) === undefined;
    return orderView(order, { payable, refunded: this.refundBook.refunded(order) });
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
