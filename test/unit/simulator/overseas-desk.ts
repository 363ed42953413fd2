import {
  type SimulatedMerchant,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import { type Deviation, type RawAnswer, RawClient } from './client.ts';

/** A merchant, or an institution for its sub-merchant: both use the same paths. */
export type Mode = 'merchant' | 'institution';
export const MODES: readonly Mode[] = ['merchant', 'institution'];
export const BASE = '/v3/global';

/** Overseas merchants at a simulator whose clock stands still until it is set. */
export class OverseasDesk {
  readonly simulator: Simulator;
  readonly client: RawClient;
  readonly #clock: { now: number };

  constructor(simulator: Simulator, clock: { now: number }) {
    this.simulator = simulator;
    this.client = new RawClient(simulator);
    this.#clock = clock;
  }

  static async open(options: SimulatorOptions = {}): Promise<OverseasDesk> {
    const clock = { now: Date.parse('2026-03-01T12:00:00+08:00') };
    const simulator = await startSimulator({
      clock: () => clock.now,
      refundDelayMs: Number.POSITIVE_INFINITY,
      notifyDelayMs: 0,
      ...options,
    });
    return new OverseasDesk(simulator, clock);
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.simulator.close();
  }

  /** Milliseconds since 1970 on the simulator's clock. */
  get now(): number {
    return this.#clock.now;
  }

  /** Sets the clock: `2026-03-02T10:00:00`, in Asia/Shanghai. */
  at(time: string): void {
    this.#clock.now = Date.parse(`${time}+08:00`);
  }

  wait(milliseconds: number): void {
    this.#clock.now += milliseconds;
  }

  /** The merchant or the institution that signs. */
  who(mode: Mode): SimulatedMerchant {
    const role = mode === 'merchant' ? 'merchant' : 'partner';
    const found = this.simulator.world
      .merchants()
      .find((one) => one.region === 'overseas' && one.role === role);
    if (!found) throw new Error(`no overseas ${mode}`);
    return found;
  }

  /** What orders and refunds say about who orders. */
  orderer(mode: Mode): Record<string, string> {
    const { mchid, appid, subMerchants } = this.who(mode);
    if (mode === 'merchant') return { mchid, appid };
    const [sub] = subMerchants;
    return { sp_mchid: mchid, sp_appid: appid, sub_mchid: sub?.mchid ?? '', sub_appid: sub?.appid ?? '' };
  }

  /** What other calls say about whose order it is. */
  owner(mode: Mode): Record<string, string> {
    const { mchid, sp_mchid, sub_mchid } = this.orderer(mode);
    return mode === 'merchant'
      ? { mchid: mchid ?? '' }
      : { sp_mchid: sp_mchid ?? '', sub_mchid: sub_mchid ?? '' };
  }

  get(path: string, mode: Mode = 'merchant', query: Record<string, string> = {}): Promise<RawAnswer> {
    const all = new URLSearchParams({ ...query, ...this.owner(mode) });
    return this.client.get(`${BASE}${path}?${all}`, this.as(mode));
  }

  post(path: string, body: object, mode: Mode = 'merchant'): Promise<RawAnswer> {
    return this.client.post(`${BASE}${path}`, body, this.as(mode));
  }

  /** Signs as one of them, at the time of the simulator. */
  as(mode: Mode): Deviation {
    return { mchid: this.who(mode).mchid, timestamp: Math.floor(this.#clock.now / 1000) };
  }

  /** A valid Native order of 25.90 Hong Kong dollars. */
  body(outTradeNo: string, changes: object = {}, mode: Mode = 'merchant'): Record<string, unknown> {
    return {
      ...this.orderer(mode),
      description: 'Tea set',
      out_trade_no: outTradeNo,
      notify_url: 'https://pay.example.com/wx',
      trade_type: 'NATIVE',
      merchant_category_code: '4111',
      amount: { total: 2590, currency: 'HKD' },
      ...changes,
    };
  }

  order(outTradeNo: string, changes: object = {}, mode: Mode = 'merchant'): Promise<RawAnswer> {
    return this.post('/transactions/native', this.body(outTradeNo, changes, mode), mode);
  }

  /** An order that somebody has paid. Returns its `id`. */
  async paid(
    outTradeNo: string,
    changes: object = {},
    mode: Mode = 'merchant',
    payment = {},
  ): Promise<string> {
    const answer = await this.order(outTradeNo, changes, mode);
    if (answer.status !== 200) throw new Error(answer.text);
    const { mchid } = this.who(mode);
    return this.simulator.gateway.pay(outTradeNo, payment, mchid).transaction_id ?? '';
  }

  query(outTradeNo: string, mode: Mode = 'merchant'): Promise<RawAnswer> {
    return this.get(`/transactions/out-trade-no/${outTradeNo}`, mode);
  }

  closeOrder(outTradeNo: string, mode: Mode = 'merchant'): Promise<RawAnswer> {
    return this.post(`/transactions/out-trade-no/${outTradeNo}/close`, this.owner(mode), mode);
  }

  /** Charges a code that the customer shows. */
  charge(outTradeNo: string, changes: object = {}, mode: Mode = 'merchant'): Promise<RawAnswer> {
    const { notify_url: _, ...body } = this.body(outTradeNo, {}, mode);
    const payer = { auth_code: '134567890123456789' };
    return this.post(
      '/micropay/transactions/pay',
      { ...body, trade_type: 'MICROPAY', payer, ...changes },
      mode,
    );
  }

  reverse(outTradeNo: string, mode: Mode = 'merchant'): Promise<RawAnswer> {
    return this.post(`/micropay/transactions/out-trade-no/${outTradeNo}/reverse`, this.owner(mode), mode);
  }

  refund(
    outTradeNo: string,
    outRefundNo: string,
    amount: number,
    changes: object = {},
    mode: Mode = 'merchant',
  ): Promise<RawAnswer> {
    return this.post(
      '/refunds',
      {
        ...this.orderer(mode),
        out_trade_no: outTradeNo,
        out_refund_no: outRefundNo,
        amount: { refund: amount, total: 2590, currency: 'HKD' },
        ...changes,
      },
      mode,
    );
  }
}

/** What an answer comes to. */
export function codeOf({ status, json }: RawAnswer): [number, string | undefined] {
  return [status, json?.code];
}
