import { EventEmitter } from 'node:events';
import { Bills } from './bills/bills.ts';
import type { BillSettings } from './bills/settings.ts';
import { ComplaintDesk } from './complaints/desk.ts';
import { type GatewayState, notificationView, type OrderView, orderView } from './control/view.ts';
import type { GatewayEvents } from './events.ts';
import { type ArrangedFaults, FaultBook } from './faults/book.ts';
import type { FaultRule, FaultTable } from './faults/fault.ts';
import { Collection, type Journal } from './journal.ts';
import { PlatformSignature } from './keys/platform-signature.ts';
import { PlatformSettings } from './merchants/platform-settings.ts';
import type { World } from './merchants/world.ts';
import { Balances } from './money/balance.ts';
import type { Notice } from './notifications/body.ts';
import { type Addressee, Notifications } from './notifications/notification.ts';
import { Orders } from './orders/book.ts';
import { Combinations } from './orders/combination.ts';
import type { Order, Payment } from './orders/order.ts';
import { Payers } from './orders/payer.ts';
import { type CodeRules, PaymentCodes } from './orders/payment-code.ts';
import { Payments } from './orders/payments.ts';
import { SeededRandom } from './random.ts';
import { RateLimits } from './rate-limit.ts';
import { Refunds } from './refunds/book.ts';
import type { Refund } from './refunds/refund.ts';
import type { Timers } from './time/timers.ts';

const REFUND_INTERVAL_MS = 60_000;
/** Fired faults that the state has; the fault log has all. */
const FAULTS_SHOWN = 1000;

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

/** What the simulated WeChat Pay remembers: a book for each subject, and what they share. */
export abstract class Memory {
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
      intervalMs: options.enforceRefundInterval ? REFUND_INTERVAL_MS / timeScale : 0,
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

  /** Tells a merchant. */
  abstract notify(about: Addressee, notice: Notice): void;

  /** The person pays an order; the notification follows. */
  abstract payOrder(order: Order, payment?: Payment): void;

  async close(): Promise<void> {
    this.timers.close();
    await this.notificationBook.close();
    this.#journal.close();
  }

  /** The order of one merchant, by either number. */
  findOrder(
    mchid: string,
    key: { outTradeNo?: string | undefined; transactionId?: string | undefined },
  ): Order | undefined {
    if (!key.transactionId) return key.outTradeNo ? this.orderBook.find(mchid, key.outTradeNo) : undefined;
    const order = this.orderBook.findByTransactionId(key.transactionId);
    return order?.mchid === mchid ? order : undefined;
  }

  /** The order that a refund belongs to. */
  orderOf({ mchid, outTradeNo }: Refund): Order {
    const order = this.orderBook.find(mchid, outTradeNo);
    if (!order) throw new Error(`refund of an order ${outTradeNo} that is not there`);
    return order;
  }

  fireFault(...occasion: Parameters<FaultBook['fire']>): FaultRule | undefined {
    return this.faultBook.fire(...occasion);
  }

  /** An order as the control API shows it. */
  viewOf(order: Order): OrderView {
    const payable = this.orderBook.obstacle(order, order.codes.at(-1)?.prepayId) === undefined;
    return orderView(order, { payable, refunded: this.refundBook.refunded(order) });
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
      fault_log: this.faultBook.log(FAULTS_SHOWN),
    };
  }
}
