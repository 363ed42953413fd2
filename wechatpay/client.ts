import { readOptions, type WechatPayOptions } from './configuration.ts';
import { Native } from './v3/native.ts';
import { Notifications } from './v3/notifications.ts';
import { Orders } from './v3/orders.ts';
import { Refunds } from './v3/refunds.ts';
import { Transport } from './v3/transport.ts';

/**
 * WeChat Pay API v3 for one direct merchant. Every call is one attempt: it answers what the gateway confirmed under its signature, or throws
 * a `WechatPayError` whose `outcome` says whether the operation was refused or may have happened.
 *
 * ```ts
 * const pay = new WechatPay({ mchid, appid, serialNo, privateKey, apiV3Key, publicKeys: { PUB_KEY_ID_0119…: pem } });
 * const body = pay.native.serialize({ description: 'Tea', out_trade_no: 'T1', notify_url, amount: { total: 2590 } });
 * const { code_url } = await pay.native.create(body);
 * ```
 */
export class WechatPay {
  /** Orders that are paid by scanning a code. */
  readonly native: Native;
  /** Query and close. */
  readonly orders: Orders;
  /** Apply and query. */
  readonly refunds: Refunds;
  /** What WeChat Pay posts to us. */
  readonly notifications: Notifications;
  readonly #transport: Transport;

  /** @throws ConfigurationError naming every problem at once. */
  constructor(options: WechatPayOptions) {
    const credentials = readOptions(options);
    this.#transport = new Transport(credentials, options);
    this.native = new Native(this.#transport, credentials);
    this.orders = new Orders(this.#transport, credentials);
    this.refunds = new Refunds(this.#transport);
    this.notifications = new Notifications(credentials, options.clock ?? Date.now);
  }

  /** Waits for calls under way and closes the connections the client opened itself; a `dispatcher` that was passed in stays open. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}
