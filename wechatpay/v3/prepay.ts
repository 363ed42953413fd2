import { type Endpoint, endpoints } from '../endpoint.ts';
import { serializeBody } from './request-body.ts';
import type { Transport } from './transport.ts';

const order = (product: string): Endpoint => ({
  method: 'POST',
  path: `/v3/pay/transactions/${product}`,
  partnerPath: `/v3/pay/partner/transactions/${product}`,
});

/** Orders that are paid on the customer's phone, by product. */
export const PREPAY_ENDPOINTS = endpoints({
  'jsapi.create': { ...order('jsapi'), rateLimit: { requests: 500, perSeconds: 1 } },
  'app.create': order('app'),
  'h5.create': order('h5'),
  'native.create': order('native'),
});

/** The answer of JSAPI, mini program and app orders: lives two hours. {@link Invocation} makes of it what the front end needs. */
export interface PrepayId {
  prepay_id: string;
}

/** The answer of H5 orders: lives five minutes. */
export interface H5Url {
  h5_url: string;
}

/** The answer of Native orders: opaque, to be shown as a QR code; lives two hours. */
export interface CodeUrl {
  code_url: string;
}

/**
 * Orders of one product, waiting to be paid. `Input` is what the caller says, `Output` what the customer's phone needs.
 */
export class Prepay<Input extends object, Output extends object> {
  readonly #transport: Transport;
  readonly #endpoint: Endpoint;
  readonly #orderer: Record<string, string>;
  readonly #answered: keyof Output;

  /**
   * @param orderer the fields with which the client names itself.
   * @param answered the field that every answer has.
   */
  constructor(
    transport: Transport,
    {
      endpoint,
      orderer,
      answered,
    }: { endpoint: Endpoint; orderer: Record<string, string>; answered: keyof Output },
  ) {
    this.#transport = transport;
    this.#endpoint = endpoint;
    this.#orderer = orderer;
    this.#answered = answered;
  }

  /**
   * The exact body of an order, the client's own appid and mchid added. Persist it, then hand it to {@link create}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: null, fractions, emoji.
   */
  serialize(order: Input): string {
    return serializeBody({ ...order, ...this.#orderer });
  }

  /**
   * Places an order, or renews what the phone needs when the order is unpaid and the body is the same (what was answered before dies). A
   * string is sent byte for byte.
   * @throws WechatPayError OUT_TRADE_NO_USED when the number was used with other parameters.
   */
  async create(order: Input | string): Promise<Output> {
    const body = typeof order === 'string' ? order : this.serialize(order);
    return this.#transport.call<Output>({ endpoint: this.#endpoint, body }, {
      [this.#answered]: true,
    } as { [Field in keyof Output]?: true });
  }
}
