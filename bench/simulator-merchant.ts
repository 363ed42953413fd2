import { createPrivateKey, type KeyObject, sign, verify } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  answerMessage,
  formatAuthorization,
  randomNonce,
  requestMessage,
  verificationKey,
} from '../wechatpay/v3/signature.ts';
import { closedLoop } from './closed-loop.ts';
import { type PlainAnswer, PlainConnection } from './plain-http.ts';
import { answerQuestions } from './protocol-child.ts';
import type { MerchantSetUp, OrdersDone, OrdersLoad } from './simulator-wire.ts';

/** A merchant's process: it signs Native orders, verifies their answers and has each paid by the control API. No client library, for its own cost. */

const NATIVE_PATH = '/v3/pay/transactions/native';

class Merchant {
  readonly #settings: Record<'base_url' | 'mchid' | 'appid' | 'merchant_serial_no' | 'public_key_id', string>;
  readonly #key: KeyObject;
  readonly #wechatKey: KeyObject;
  /** Those that no request is using. */
  readonly #idle: PlainConnection[] = [];

  constructor(folder: string) {
    const read = (name: string) => readFileSync(join(folder, name), 'utf8');
    this.#settings = JSON.parse(read('merchant.json'));
    this.#key = createPrivateKey(read('apiclient_key.pem'));
    this.#wechatKey = verificationKey(read('pub_key.pem'));
  }

  /** @throws Error unless it was accepted with a signature that is right */
  async order(outTradeNo: string, notifyUrl: string): Promise<void> {
    const { mchid, appid, merchant_serial_no: serialNo, public_key_id } = this.#settings;
    const body = JSON.stringify({
      appid,
      mchid,
      description: '一杯咖啡',
      out_trade_no: outTradeNo,
      notify_url: notifyUrl,
      attach: 'bench',
      amount: { total: 1990, currency: 'CNY' },
    });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const nonce = randomNonce();
    const message = requestMessage({ method: 'POST', url: NATIVE_PATH, timestamp, nonce, body });
    const signature = sign('sha256', Buffer.from(message), this.#key).toString('base64');
    const {
      status,
      headers,
      body: text,
    } = await this.#post(NATIVE_PATH, body, {
      'User-Agent': 'bench',
      Accept: 'application/json',
      'Content-Type': 'application/json',
      'Wechatpay-Serial': public_key_id,
      Authorization: formatAuthorization({ mchid, nonce, timestamp, serialNo, signature }),
    });
    if (status !== 200) throw new Error(`an order was answered ${status} ${text}`);
    const header = (name: string) => headers.get(name) ?? '';
    const signed = answerMessage(header('wechatpay-timestamp'), header('wechatpay-nonce'), text);
    const signatureBytes = Buffer.from(header('wechatpay-signature'), 'base64');
    if (!verify('sha256', signed, this.#wechatKey, signatureBytes)) {
      throw new Error('an answer has a wrong signature');
    }
    if (!JSON.parse(text).code_url) throw new Error(`an order was answered ${text}`);
  }

  /** The person pays. */
  async pay(outTradeNo: string): Promise<void> {
    const { status } = await this.#post(`/_simulator/orders/${outTradeNo}/pay`, '', {});
    if (status !== 200) throw new Error(`a payment was answered ${status}`);
  }

  async #post(path: string, body: string, headers: Record<string, string>): Promise<PlainAnswer> {
    const connection = this.#idle.pop() ?? new PlainConnection(this.#settings.base_url);
    const answer = await connection.post(path, headers, body);
    this.#idle.push(connection);
    return answer;
  }
}

async function run(
  merchant: Merchant,
  { orders, concurrency, prefix, notifyUrl }: OrdersLoad,
): Promise<OrdersDone> {
  let number = 0;
  const { results, failures } = await closedLoop({ count: orders, concurrency }, async () => {
    number += 1;
    const outTradeNo = `${prefix}${number}`;
    const startedAt = performance.now();
    await merchant.order(outTradeNo, notifyUrl);
    const orderMs = performance.now() - startedAt;
    await merchant.pay(outTradeNo);
    return orderMs;
  });
  return { paid: results.length, orderMs: results, ...(failures[0] && { failure: failures[0] }) };
}

let merchant: Merchant | undefined;

answerQuestions<MerchantSetUp | OrdersLoad>(async (question) => {
  if ('credentials' in question) {
    merchant = new Merchant(question.credentials);
    return {};
  }
  if (!merchant) throw new Error('asked before it was set up');
  return run(merchant, question);
});
