import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { gunzipSync } from 'node:zlib';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { openBillFile, readFundFlowBill, readTradeBill } from '../../../wechatpay/bills/index.ts';
import { orderBody, type RawAnswer, RawClient } from './client.ts';

/** A merchant that trades on a day and fetches the bill of it, by a clock that only tests move. */
export class BillDesk {
  readonly simulator: Simulator;
  readonly client: RawClient;
  readonly #time: { now: number };

  constructor(simulator: Simulator, client: RawClient, time: { now: number }) {
    this.simulator = simulator;
    this.client = client;
    this.#time = time;
  }

  /** At noon of the 1st of March, unless told. */
  static async open(
    options: SimulatorOptions = {},
    start = '2026-03-01T12:00:00+08:00',
    merchant?: (simulator: Simulator) => Simulator['merchant'],
  ): Promise<BillDesk> {
    const time = { now: Date.parse(start) };
    const simulator = await startSimulator({
      clock: () => time.now,
      refundDelayMs: Number.POSITIVE_INFINITY,
      notifyDelayMs: 1e9,
      ...options,
    });
    const signer = merchant?.(simulator) ?? simulator.merchant;
    return new BillDesk(
      simulator,
      new RawClient(simulator, { merchant: signer, clock: () => time.now }),
      time,
    );
  }

  get now(): number {
    return this.#time.now;
  }

  /** The clock of the client, too. */
  readonly clock = (): number => this.#time.now;

  at(time: string): void {
    this.#time.now = Date.parse(time);
  }

  wait(milliseconds: number): void {
    this.#time.now += milliseconds;
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.simulator.close();
  }

  /** An order over so much, paid a second later. */
  async paid(
    outTradeNo: string,
    {
      total = 2590,
      coupon,
      ...changes
    }: Record<string, unknown> & {
      total?: number;
      coupon?: { amount: number; type?: 'CASH' | 'NOCASH' };
    } = {},
  ): Promise<string> {
    const answer = await this.client.order(outTradeNo, {
      amount: { total, currency: 'CNY' },
      ...changes,
    });
    assert.equal(answer.status, 200, answer.text);
    this.wait(1000);
    const { transaction_id } = this.simulator.gateway.pay(outTradeNo, { coupon });
    return transaction_id ?? '';
  }

  /** A refund that is accepted a second later. */
  async refunded(outTradeNo: string, outRefundNo: string, refund: number, total = 2590): Promise<string> {
    this.wait(1000);
    const answer = await this.client.refund(outTradeNo, outRefundNo, refund, {
      amount: { refund, total, currency: 'CNY' },
    });
    assert.equal(answer.status, 200, answer.text);
    return answer.json.refund_id;
  }

  tradeBill(query = '', date = '2026-03-01'): Promise<RawAnswer> {
    return this.client.get(`/v3/bill/tradebill?bill_date=${date}${query && `&${query}`}`);
  }

  fundFlow(query = '', date = '2026-03-01'): Promise<RawAnswer> {
    return this.client.get(`/v3/bill/fundflowbill?bill_date=${date}${query && `&${query}`}`);
  }

  download({ json }: RawAnswer): Promise<RawAnswer> {
    const { pathname, search } = new URL(json.download_url);
    return this.client.get(pathname + search);
  }

  /** The text of a bill that is plain or compressed. */
  async text(asked: RawAnswer): Promise<string> {
    assert.equal(asked.status, 200, asked.text);
    const { status, bytes, text } = await this.download(asked);
    assert.equal(status, 200, text);
    return (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString('utf8');
  }
}

/** The lines of a bill by the titles above them, backticks gone; written without our parser. */
export function rowsOf(text: string): Record<string, string>[] {
  const [titles = '', ...lines] = text.replace(/^\ufeff/, '').split(/\r?\n/);
  return lines
    .slice(0, -3)
    .map((line) => line.split(','))
    .map((values) =>
      Object.fromEntries(
        titles.split(',').map((title, index) => {
          assert.equal(values[index]?.[0], '`', `${title} of ${values}`);
          return [title, values[index]?.slice(1) ?? ''];
        }),
      ),
    );
}

/** What our parser makes of a bill whose hash it also compares. */
export async function parsed(bytes: Buffer, sha1: string, kind: 'trade' | 'fund_flow' = 'trade') {
  const source = openBillFile(Readable.from([bytes]), { sha1, gzip: 'detect' });
  // biome-ignore lint/suspicious/noExplicitAny: rows of either kind.
  const reader: any = kind === 'trade' ? readTradeBill(source) : readFundFlowBill(source);
  // biome-ignore lint/suspicious/noExplicitAny: rows of either kind.
  const rows: any[] = [];
  for await (const row of reader) rows.push(row);
  return { rows, summary: reader.summary };
}

export { orderBody };
