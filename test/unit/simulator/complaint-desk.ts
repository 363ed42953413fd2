import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import type { ComplaintRequest } from '../../../simulator/complaints/desk.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { type Deviation, orderBody, type RawAnswer, RawClient } from './client.ts';

export const BASE = '/v3/merchant-service';

/** What is wrong with an upload. */
export interface UploadDeviation extends Deviation {
  /** In the meta. */
  filename?: string;
  sha256?: string;
  /** The whole meta. */
  meta?: string;
}

/** A merchant, its customers, and what they complain about. */
export class ComplaintDesk {
  readonly simulator: Simulator;
  readonly client: RawClient;

  constructor(simulator: Simulator) {
    this.simulator = simulator;
    this.client = new RawClient(simulator);
  }

  static async open(options: SimulatorOptions = {}): Promise<ComplaintDesk> {
    return new ComplaintDesk(
      await startSimulator({ refundDelayMs: Number.POSITIVE_INFINITY, notifyDelayMs: 0, ...options }),
    );
  }

  async close(): Promise<void> {
    await this.client.close();
    await this.simulator.close();
  }

  async paid(outTradeNo: string): Promise<void> {
    await this.client.order(outTradeNo);
    this.simulator.gateway.pay(outTradeNo);
  }

  /** A paid order of the sub-merchant. */
  async paidBySub(outTradeNo: string): Promise<void> {
    const { provider } = this.simulator.world;
    const { appid: _appid, mchid: _mchid, ...order } = orderBody(this.simulator, outTradeNo);
    const answer = await this.client.post(
      '/v3/pay/partner/transactions/native',
      {
        ...order,
        sp_appid: provider.appid,
        sp_mchid: provider.mchid,
        sub_mchid: provider.subMerchants[0]?.mchid,
      },
      { mchid: provider.mchid },
    );
    assert.equal(answer.status, 200, answer.text);
    this.simulator.gateway.pay(outTradeNo);
  }

  /** The customer complains about an order, PAID001 unless told. Returns the complaint_id. */
  complain(request: Partial<ComplaintRequest> = {}): string {
    return this.simulator.gateway.complaints.complain({ out_trade_no: 'PAID001', ...request }).complaint_id;
  }

  /** As {@link complain}, about a new order. */
  async complaint(request: Partial<ComplaintRequest> = {}): Promise<string> {
    await this.paid('PAID001');
    return this.complain(request);
  }

  // biome-ignore lint/suspicious/noExplicitAny: tests look into answers of every shape.
  async get(id: string): Promise<any> {
    return (await this.client.get(`${BASE}/complaints-v2/${id}`)).json;
  }

  /** operate_type of each step. */
  async history(id: string): Promise<string[]> {
    const { json } = await this.client.get(`${BASE}/complaints-v2/${id}/negotiation-historys`);
    return json.data.map(({ operate_type }: { operate_type: string }) => operate_type);
  }

  act(id: string, call: string, body: object = {}, deviation: Deviation = {}): Promise<RawAnswer> {
    return this.client.post(`${BASE}/complaints-v2/${id}/${call}`, body, deviation);
  }

  respond(id: string, changes: object = {}): Promise<RawAnswer> {
    return this.act(id, 'response', { ...this.mchid(), response_content: 'We are sorry', ...changes });
  }

  /** Whom complaints of the first merchant are about. */
  mchid(): { complainted_mchid: string } {
    return { complainted_mchid: this.simulator.merchant.mchid };
  }

  /** Uploads as a browser form does; what is not told is right. */
  upload(
    file: { filename?: string; bytes: Buffer },
    { filename = 'a.png', sha256, meta, ...deviation }: UploadDeviation = {},
  ): Promise<RawAnswer> {
    const hash = sha256 ?? createHash('sha256').update(file.bytes).digest('hex');
    const text = meta ?? JSON.stringify({ filename, sha256: hash });
    const body = Buffer.concat([
      Buffer.from('--b0undary\r\nContent-Disposition: form-data; name="meta"\r\n'),
      Buffer.from(`Content-Type: application/json\r\n\r\n${text}\r\n--b0undary\r\n`),
      Buffer.from(
        `Content-Disposition: form-data; name="file"; filename="${file.filename ?? filename}"\r\nContent-Type: image/png\r\n\r\n`,
      ),
      file.bytes,
      Buffer.from('\r\n--b0undary--\r\n'),
    ]);
    return this.client.send('POST', `${BASE}/images/upload`, body, {
      signedBody: text,
      headers: { 'content-type': 'multipart/form-data; boundary=b0undary' },
      ...deviation,
    });
  }
}

/** What an answer comes to. */
export function codeOf({ status, json }: RawAnswer): [number, string | undefined] {
  return [status, json?.code];
}
