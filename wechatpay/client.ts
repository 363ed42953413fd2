import type { WechatPayOptions } from './configuration.ts';
import { connect } from './connection.ts';
import { ConfigurationError } from './errors.ts';
import { Notifications } from './notifications.ts';
import { V2 } from './v2/client.ts';
import { Bills } from './v3/bills.ts';
import type { Certificates } from './v3/certificates.ts';
import { Codepay } from './v3/codepay.ts';
import { Combine } from './v3/combine.ts';
import { Complaints } from './v3/complaints.ts';
import { Invocation } from './v3/invocation.ts';
import type { AppOrder, H5Order, JsapiOrder, NativeOrder } from './v3/order-request.ts';
import { Orders } from './v3/orders.ts';
import { type CodeUrl, type H5Url, PREPAY_ENDPOINTS, Prepay, type PrepayId } from './v3/prepay.ts';
import { Refunds } from './v3/refunds.ts';
import type { Role } from './v3/role.ts';
import { Security } from './v3/security.ts';
import type { Sensitive } from './v3/sensitive.ts';
import type { Transport } from './v3/transport.ts';

/** What merchants and service providers have in common. */
class Client<R extends Role> {
  /** Orders inside WeChat: official account or mini program. */
  readonly jsapi: Prepay<JsapiOrder<R>, PrepayId>;
  /** Orders from an app. */
  readonly app: Prepay<AppOrder<R>, PrepayId>;
  /** Orders from a browser outside of WeChat. */
  readonly h5: Prepay<H5Order<R>, H5Url>;
  /** Orders that are paid by scanning a code. */
  readonly native: Prepay<NativeOrder<R>, CodeUrl>;
  /** Orders paid with the code that the customer shows. */
  readonly codepay: Codepay<R>;
  /** Query and close. */
  readonly orders: Orders<R>;
  /** One payment for several merchants' orders. */
  readonly combine: Combine<R>;
  /** What front ends need to open the cashier. */
  readonly invocation: Invocation;
  /** Apply, query, abnormal refunds. */
  readonly refunds: Refunds<R>;
  /** What WeChat Pay knows of a day. */
  readonly bills: Bills<R>;
  /** Consumer complaints: read, answer, settle. */
  readonly complaints: Complaints;
  /** What WeChat Pay posts to us. */
  readonly notifications: Notifications<R>;
  /** Platform certificates. */
  readonly certificates: Certificates;
  /** Fields that travel encrypted. */
  readonly sensitive: Sensitive;
  /** Tests keys without moving money. */
  readonly security: Security;
  readonly #transport: Transport;
  readonly #v2: V2 | undefined;

  constructor(role: R, options: WechatPayOptions) {
    const connection = connect(role, options);
    const { transport, identity, credentials, keys, clock } = connection;
    const { apiV3Key, apiV2Key, mchid } = credentials;
    this.#transport = transport;
    const v2 = apiV2Key === undefined ? undefined : { mchid, apiV2Key };
    this.#v2 = v2 && new V2({ ...options, ...v2, signType: options.v2SignType });
    this.certificates = connection.certificates;
    this.sensitive = connection.sensitive;
    this.security = new Security(transport, this.sensitive);
    const prepay = <Input extends object, Output extends object>(
      product: keyof typeof PREPAY_ENDPOINTS,
      answered: keyof Output,
    ) =>
      new Prepay<Input, Output>(transport, {
        endpoint: PREPAY_ENDPOINTS[product],
        orderer: identity.orderer(),
        answered,
      });
    this.jsapi = prepay('jsapi.create', 'prepay_id');
    this.app = prepay('app.create', 'prepay_id');
    this.h5 = prepay('h5.create', 'h5_url');
    this.native = prepay('native.create', 'code_url');
    this.codepay = new Codepay(transport, identity);
    this.orders = new Orders(transport, identity);
    this.combine = new Combine(transport, credentials);
    this.invocation = new Invocation(credentials, connection);
    this.refunds = new Refunds(transport, identity, this.sensitive);
    this.bills = new Bills(transport, this.sensitive);
    this.complaints = new Complaints(transport, credentials);
    this.notifications = new Notifications({ keys, apiV3Key, v2, clock });
  }

  /**
   * The XML calls, for what v3 does not have and for old orders.
   * @throws ConfigurationError without `apiV2Key`.
   */
  get v2(): V2 {
    if (this.#v2) return this.#v2;
    throw new ConfigurationError('The XML calls need the APIv2 key, and this client has none.', {
      code: 'INVALID_CONFIGURATION',
      fix: 'Pass apiV2Key, which is set on the merchant platform beside the APIv3 key.',
    });
  }

  /** Waits for calls under way and closes the connections the client opened itself; a `dispatcher` that was passed in stays open. */
  async close(): Promise<void> {
    await Promise.all([this.#transport.close(), this.#v2?.close()]);
  }
}

/**
 * WeChat Pay for one direct merchant. Every call is one attempt: it answers what the gateway confirmed under its signature, or throws
 * a `WechatPayError` whose `outcome` says whether the operation was refused or may have happened.
 *
 * ```ts
 * const pay = new WechatPay({ mchid, appid, serialNo, privateKey, apiV3Key, publicKeys: { PUB_KEY_ID_0119…: pem } });
 * const body = pay.native.serialize({ description: 'Tea', out_trade_no: 'T1', notify_url, amount: { total: 2590 } });
 * const { code_url } = await pay.native.create(body);
 * ```
 */
export class WechatPay extends Client<'merchant'> {
  /** @throws ConfigurationError naming every problem at once. */
  constructor(options: WechatPayOptions) {
    super('merchant', options);
  }
}

/**
 * WeChat Pay for one service provider, who signs with its own mchid for its sub-merchants: orders carry `sub_mchid`, other calls take
 * `{ sub_mchid }` as their last parameter.
 *
 * ```ts
 * const pay = new WechatPayPartner({ mchid: sp_mchid, appid: sp_appid, … });
 * await pay.orders.queryByOutTradeNo('T1', { sub_mchid: '1900031111' });
 * ```
 */
export class WechatPayPartner extends Client<'partner'> {
  /** @throws ConfigurationError naming every problem at once. */
  constructor(options: WechatPayOptions) {
    super('partner', options);
  }
}
