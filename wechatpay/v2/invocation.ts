import type { V2Credentials } from './configuration.ts';
import { signFields, type V2SignType } from './signature.ts';

/** Parameters of `WeixinJSBridge.invoke('getBrandWCPayRequest', …)` on a page inside of WeChat. */
export interface V2JsapiInvocation {
  appId: string;
  /** Seconds since 1970, as text. */
  timeStamp: string;
  nonceStr: string;
  /** `prepay_id=…` */
  package: string;
  /** The same as in the order. */
  signType: V2SignType;
  paySign: string;
}

/** Parameters of `wx.requestPayment` in a mini program, which knows its own appid. */
export type V2MiniProgramInvocation = Omit<V2JsapiInvocation, 'appId'>;

/** What the app hands to WeChat's SDK. */
export interface V2AppInvocation {
  appid: string;
  partnerid: string;
  prepayid: string;
  package: 'Sign=WXPay';
  noncestr: string;
  /** Seconds since 1970, as text. */
  timestamp: string;
  sign: string;
}

/**
 * What a front end needs to open WeChat's cashier, signed like the order. What the front end reports afterwards proves nothing: wait for
 * the notification, or query.
 */
export class V2Invocation {
  readonly #credentials: V2Credentials;

  constructor(credentials: V2Credentials) {
    this.#credentials = credentials;
  }

  /**
   * For a page inside of WeChat.
   * @param appId the appid that the page runs under, as sent in the order; default: the client's. A sub-merchant's page takes its sub_appid.
   */
  jsapi(prepayId: string, { appId = this.#credentials.appid }: { appId?: string } = {}): V2JsapiInvocation {
    const { signType, nonce } = this.#credentials;
    const signed = {
      appId,
      timeStamp: this.#seconds(),
      nonceStr: nonce(),
      package: `prepay_id=${prepayId}`,
      signType,
    };
    return { ...signed, paySign: this.#sign(signed) };
  }

  /** For a mini program. @param appId the mini program's own, as sent in the order; default: the client's. */
  miniProgram(prepayId: string, options: { appId?: string } = {}): V2MiniProgramInvocation {
    const { appId: _, ...parameters } = this.jsapi(prepayId, options);
    return parameters;
  }

  /** For an app. @param appId the app's own, as sent in the order; default: the client's. */
  app(prepayId: string, { appId = this.#credentials.appid }: { appId?: string } = {}): V2AppInvocation {
    const signed = {
      appid: appId,
      partnerid: this.#credentials.mchid,
      prepayid: prepayId,
      package: 'Sign=WXPay' as const,
      noncestr: this.#credentials.nonce(),
      timestamp: this.#seconds(),
    };
    return { ...signed, sign: this.#sign(signed) };
  }

  #seconds(): string {
    return String(Math.floor(this.#credentials.clock() / 1000));
  }

  #sign(parameters: Record<string, string>): string {
    return signFields(parameters, this.#credentials.apiV2Key, this.#credentials.signType);
  }
}
