import type { ServerResponse } from 'node:http';
import { WechatPay, type WechatPayOptions } from '../../../wechatpay/index.ts';
import { certificateList, type PlatformCertificate } from './platform-certificate.ts';
import {
  keys,
  notification,
  options,
  PUBLIC_KEY_ID,
  type Received,
  SigningGateway,
  signatureHeaders,
} from './signing-gateway.ts';

export const CERTIFICATES = '/v3/certificates';
/** What every other call is answered with. */
export const PAID = { out_trade_no: 'T1', trade_state: 'SUCCESS' };
/** When every test begins. */
export const START = Date.parse('2026-03-01T12:00:00+08:00');

/** A key that WeChat Pay signs with, and its name. */
export type Signer = Pick<PlatformCertificate, 'serial' | 'privateKey'>;

/** The WeChat Pay public key of {@link options}. */
export const publicKey: Signer = { serial: PUBLIC_KEY_ID, privateKey: keys.wechat };

/** A serial number of 40 digits. */
export const serial = (n: number) => `5A1BC0D9E1F2A4C6E8D0B1A3C5E7F9${String(n).padStart(10, '0')}`;

/** A gateway that hands out its certificates, changes them, and answers at any time. */
export class CertificateGateway extends SigningGateway {
  /** The time of the gateway and of its clients, in milliseconds since 1970. */
  now = START;
  /** What answers are signed with. */
  signing: Signer = publicKey;
  /** Answers whoever asks for certificates. */
  list: (response: ServerResponse) => void = this.refuses(404, '');
  readonly #clients: WechatPay[] = [];
  #baseUrl = '';

  override async listen(): Promise<string> {
    this.#baseUrl = await super.listen();
    return this.#baseUrl;
  }

  /** As at the beginning: this certificate signs, and is the only one. */
  reset(certificate: PlatformCertificate): void {
    this.now = START;
    this.signing = certificate;
    this.list = this.answers(certificateList([certificate]));
    this.received.length = 0;
    this.answer = (response, { target }) =>
      target === CERTIFICATES ? this.list(response) : this.reply(response, PAID);
  }

  /** A client of this gateway; without more options, one that has to download certificates. */
  client(overrides: Partial<WechatPayOptions> = { publicKeys: {}, downloadCertificates: true }): WechatPay {
    const client = new WechatPay({ ...options(this.#baseUrl), clock: () => this.now, ...overrides });
    this.#clients.push(client);
    return client;
  }

  async closeClients(): Promise<void> {
    await Promise.all(this.#clients.splice(0).map((client) => client.close()));
  }

  reply(response: ServerResponse, body: unknown, by: Signer = this.signing): void {
    const text = JSON.stringify(body);
    response.writeHead(200, signatureHeaders(text, { at: this.now, key: by.privateKey, serial: by.serial }));
    response.end(text);
  }

  /** Answers with a body, signed with the key of that moment or with this one. */
  answers(body: unknown, by?: Signer): (response: ServerResponse) => void {
    return (response) => this.reply(response, body, by);
  }

  /** Answers without a signature. */
  refuses(status: number, body: string): (response: ServerResponse) => void {
    return (response) => {
      response.writeHead(status);
      response.end(body);
    };
  }

  /** A notification that this key signed. */
  notified({ privateKey: key, serial }: Signer) {
    const { body } = notification('TRANSACTION.SUCCESS', PAID);
    return { headers: signatureHeaders(body, { at: this.now, key, serial }), body };
  }

  /** How often certificates were asked for. */
  get downloads(): number {
    return this.received.filter(({ target }) => target === CERTIFICATES).length;
  }

  /** The keys that the requests named. */
  get named(): Received['headers'][string][] {
    return this.received.map(({ headers }) => headers['wechatpay-serial']);
  }
}
