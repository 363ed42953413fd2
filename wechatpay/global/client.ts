import type { WechatPayOptions } from '../configuration.ts';
import { connect } from '../connection.ts';
import type { Hosts } from '../gateway-options.ts';
import type { Certificates } from '../v3/certificates.ts';
import { Complaints } from '../v3/complaints.ts';
import { Invocation } from '../v3/invocation.ts';
import { type CodeUrl, Prepay, type PrepayId } from '../v3/prepay.ts';
import type { Role } from '../v3/role.ts';
import type { Sensitive } from '../v3/sensitive.ts';
import type { Transport } from '../v3/transport.ts';
import { GLOBAL_ENDPOINTS } from './endpoints.ts';
import { GlobalMicropay } from './micropay.ts';
import { GlobalNotifications } from './notifications.ts';
import type {
  GlobalAppOrder,
  GlobalJsapiOrder,
  GlobalMwebOrder,
  GlobalNativeOrder,
  MwebUrl,
} from './order-request.ts';
import { GlobalOrders, type GlobalTradeType } from './orders.ts';
import { GlobalRefunds } from './refunds.ts';
import { Settlements } from './settlements.ts';
import { Statements } from './statements.ts';

/** As for the mainland, except for the host. */
export interface WechatPayGlobalOptions
  extends Omit<WechatPayOptions, 'apiV2Key' | 'clientCertificate' | 'v2SignType'> {
  /** Scheme and host. Default `https://apihk.mch.weixin.qq.com`, with the mainland's host as its backup: either answers all calls. */
  baseUrl?: string;
  /** Calls the mainland's host first and the overseas one as its backup: for servers that stand in the mainland. Default false. */
  preferMainlandHost?: boolean;
}

const OVERSEAS = 'https://apihk.mch.weixin.qq.com';
const MAINLAND = 'https://api.mch.weixin.qq.com';

/** What direct merchants and institutions have in common. */
class GlobalClient<R extends Role> {
  /** Orders inside WeChat: official account or mini program. */
  readonly jsapi: Prepay<GlobalJsapiOrder<R>, PrepayId>;
  /** Orders from an app. */
  readonly app: Prepay<GlobalAppOrder<R>, PrepayId>;
  /** Orders that are paid by scanning a code. */
  readonly native: Prepay<GlobalNativeOrder<R>, CodeUrl>;
  /** Orders from a browser outside of WeChat. */
  readonly mweb: Prepay<GlobalMwebOrder<R>, MwebUrl>;
  /** Query and close. */
  readonly orders: GlobalOrders<R>;
  /** Orders paid with the code that the customer shows. */
  readonly micropay: GlobalMicropay<R>;
  /** Apply, query, list. */
  readonly refunds: GlobalRefunds<R>;
  /** Trade of one day. */
  readonly statements: Statements<R>;
  /** What is paid out. */
  readonly settlements: Settlements<R>;
  /** Consumer complaints: read, answer, settle. */
  readonly complaints: Complaints;
  /** Platform certificates. */
  readonly certificates: Certificates;
  /** What front ends need to open the cashier; `h5` takes a `mweb_url`. */
  readonly invocation: Invocation;
  /** What WeChat Pay posts to us. */
  readonly notifications: GlobalNotifications<R>;
  /** Fields that travel encrypted. */
  readonly sensitive: Sensitive;
  readonly #transport: Transport;

  constructor(role: R, options: WechatPayGlobalOptions) {
    const hosts: Hosts = options.preferMainlandHost
      ? { main: MAINLAND, backup: OVERSEAS }
      : { main: OVERSEAS, backup: MAINLAND };
    const certificates = GLOBAL_ENDPOINTS['global.certificates.list'];
    const connection = connect(role, options, { hosts, certificates });
    const { transport, identity, credentials, keys, clock } = connection;
    this.#transport = transport;
    const prepay = <Input extends object, Output extends object>(
      product: 'jsapi' | 'app' | 'native' | 'mweb',
      trade_type: GlobalTradeType,
      answered: keyof Output,
    ) =>
      new Prepay<Input, Output>(transport, {
        endpoint: GLOBAL_ENDPOINTS[`global.${product}.create`],
        orderer: { ...identity.orderer(), trade_type },
        answered,
      });
    this.jsapi = prepay('jsapi', 'JSAPI', 'prepay_id');
    this.app = prepay('app', 'APP', 'prepay_id');
    this.native = prepay('native', 'NATIVE', 'code_url');
    this.mweb = prepay('mweb', 'MWEB', 'mweb_url');
    this.orders = new GlobalOrders(transport, identity);
    this.micropay = new GlobalMicropay(transport, identity);
    this.refunds = new GlobalRefunds(transport, identity);
    this.statements = new Statements(transport, identity);
    this.settlements = new Settlements(transport);
    this.complaints = new Complaints(transport, credentials, 'overseas');
    this.certificates = connection.certificates;
    this.invocation = new Invocation(credentials, connection);
    this.notifications = new GlobalNotifications({ keys, apiV3Key: credentials.apiV3Key, clock });
    this.sensitive = connection.sensitive;
  }

  /** Waits for calls under way and closes the connections the client opened itself; a `dispatcher` that was passed in stays open. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}

/**
 * WeChat Pay for one merchant outside of mainland China. As `WechatPay`, with the currencies, the calls and the hosts of the overseas API;
 * a mainland merchant number is refused there, as an overseas one is by `WechatPay`.
 *
 * ```ts
 * const pay = new WechatPayGlobal({ mchid, appid, serialNo, privateKey, apiV3Key, publicKeys: { PUB_KEY_ID_0119…: pem } });
 * const { code_url } = await pay.native.create({
 *   description: 'Tea',
 *   out_trade_no: 'G20260301000001',
 *   notify_url,
 *   merchant_category_code: '4111',
 *   amount: { total: 2590, currency: 'HKD' },
 * });
 * ```
 */
export class WechatPayGlobal extends GlobalClient<'merchant'> {
  /** @throws ConfigurationError naming every problem at once. */
  constructor(options: WechatPayGlobalOptions) {
    super('merchant', options);
  }
}

/**
 * WeChat Pay for one institution outside of mainland China, who signs with its own mchid for its sub-merchants: orders and refunds carry
 * `sub_mchid`, other calls take `{ sub_mchid }` as their last parameter.
 */
export class WechatPayGlobalPartner extends GlobalClient<'partner'> {
  /** @throws ConfigurationError naming every problem at once. */
  constructor(options: WechatPayGlobalOptions) {
    super('partner', options);
  }
}
