import type { KeyObject } from 'node:crypto';
import { RequestRejectedError } from '../errors.ts';
import { signMessage } from './signature.ts';

/** Parameters of `WeixinJSBridge.invoke('getBrandWCPayRequest', …)` on a page inside of WeChat. */
export interface JsapiInvocation {
  appId: string;
  /** Seconds since 1970, as text. */
  timeStamp: string;
  nonceStr: string;
  /** `prepay_id=…` */
  package: string;
  signType: 'RSA';
  paySign: string;
}

/** Parameters of `wx.requestPayment` in a mini program, which knows its own appid. */
export type MiniProgramInvocation = Omit<JsapiInvocation, 'appId'>;

/** What the app hands to WeChat's SDK: `PayReq` (on iOS `packageValue` is called `package`). */
export interface AppInvocation {
  appId: string;
  partnerId: string;
  prepayId: string;
  packageValue: 'Sign=WXPay';
  nonceStr: string;
  /** Seconds since 1970, as text. */
  timeStamp: string;
  sign: string;
}

/**
 * What a front end needs to open WeChat's cashier, signed with the merchant API private key of the order. What the front end reports
 * afterwards proves nothing: wait for the notification, or query.
 */
export class Invocation {
  readonly #appid: string;
  readonly #mchid: string;
  readonly #privateKey: KeyObject;
  readonly #clock: () => number;
  readonly #nonce: () => string;

  constructor(
    { appid, mchid, privateKey }: { appid: string; mchid: string; privateKey: KeyObject },
    { clock, nonce }: { clock: () => number; nonce: () => string },
  ) {
    this.#appid = appid;
    this.#mchid = mchid;
    this.#privateKey = privateKey;
    this.#clock = clock;
    this.#nonce = nonce;
  }

  /**
   * For a page inside of WeChat.
   * @param appId the appid that the page runs under, as sent in the order; default: the client's. A sub-merchant's page takes its sub_appid.
   */
  jsapi(prepayId: string, { appId = this.#appid }: { appId?: string } = {}): JsapiInvocation {
    const timeStamp = this.#timeStamp();
    const nonceStr = this.#nonce();
    const packaged = `prepay_id=${prepayId}`;
    const paySign = this.#sign(appId, timeStamp, nonceStr, packaged);
    return { appId, timeStamp, nonceStr, package: packaged, signType: 'RSA', paySign };
  }

  /** For a mini program. @param appId the mini program's own, as sent in the order; default: the client's. */
  miniProgram(prepayId: string, options: { appId?: string } = {}): MiniProgramInvocation {
    const { appId: _, ...parameters } = this.jsapi(prepayId, options);
    return parameters;
  }

  /** For an app. @param appId the app's own, as sent in the order; default: the client's. */
  app(prepayId: string, { appId = this.#appid }: { appId?: string } = {}): AppInvocation {
    const timeStamp = this.#timeStamp();
    const nonceStr = this.#nonce();
    const sign = this.#sign(appId, timeStamp, nonceStr, prepayId);
    return {
      appId,
      partnerId: this.#mchid,
      prepayId,
      packageValue: 'Sign=WXPay',
      nonceStr,
      timeStamp,
      sign,
    };
  }

  /**
   * The address to redirect a browser to. The page must lie under the domain registered for H5, or WeChat refuses its Referer.
   * @param redirectUrl where the customer comes back to, about five seconds later, paid or not.
   * @throws RequestRejectedError PARAM_ERROR when `h5Url` is no https address.
   */
  h5(h5Url: string, { redirectUrl }: { redirectUrl?: string } = {}): string {
    if (!URL.canParse(h5Url) || !h5Url.startsWith('https://')) {
      throw new RequestRejectedError('h5_url must be the https address that the order was answered with.', {
        code: 'PARAM_ERROR',
        field: 'h5_url',
      });
    }
    return redirectUrl === undefined ? h5Url : `${h5Url}&redirect_url=${encodeURIComponent(redirectUrl)}`;
  }

  #timeStamp(): string {
    return String(Math.floor(this.#clock() / 1000));
  }

  /** Four lines, each ended by a line feed. */
  #sign(...lines: [appId: string, timeStamp: string, nonceStr: string, last: string]): string {
    return signMessage(lines.map((line) => `${line}\n`).join(''), this.#privateKey);
  }
}
