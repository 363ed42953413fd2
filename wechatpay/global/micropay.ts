import { isOrderOf } from '../v3/codepay.ts';
import { serializeBody } from '../v3/request-body.ts';
import type { For, Identity, Role } from '../v3/role.ts';
import type { FieldCheck, Transport } from '../v3/transport.ts';
import { GLOBAL_ENDPOINTS } from './endpoints.ts';
import type { GlobalMicropayOrder } from './order-request.ts';
import type { GlobalOrder } from './orders.ts';

/** An order as paying with a code answers it; while the customer types the password it may be nothing but its state. */
export type GlobalMicropayAnswer<R extends Role = 'merchant'> = Partial<GlobalOrder<R>> &
  Pick<GlobalOrder<R>, 'trade_state'>;

/** Payment codes: the customer shows one, the merchant's device reads it. */
export class GlobalMicropay<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #identity: Identity<R>;

  constructor(transport: Transport, identity: Identity<R>) {
    this.#transport = transport;
    this.#identity = identity;
  }

  /** The exact body of an order; persist it, then hand it to {@link pay}. @throws RequestRejectedError PARAM_ERROR */
  serialize(order: GlobalMicropayOrder<R>): string {
    return serializeBody({ ...order, ...this.#identity.orderer(), trade_type: 'MICROPAY' });
  }

  /**
   * Charges the code. SUCCESS is paid. USERPAYING, as a state or as the code of an error with an unknown outcome: query every three to five
   * seconds; the gateway takes the order back by itself after 45 seconds unpaid. Still unclear, or a failure: reverse it, at least 15
   * seconds after this call. A new code needs a new number. A string is sent byte for byte.
   * @throws WechatPayError
   */
  async pay(order: GlobalMicropayOrder<R> | string): Promise<GlobalMicropayAnswer<R>> {
    const body = typeof order === 'string' ? order : this.serialize(order);
    return this.#transport.call<GlobalMicropayAnswer<R>>(
      { endpoint: GLOBAL_ENDPOINTS['global.micropay.pay'], body },
      { trade_state: true, out_trade_no: isOrderOf(body) } as Record<string, true | FieldCheck>,
    );
  }

  /**
   * Takes an order back, whatever its state: nobody can pay it any more, and money that was paid goes back. At most seven days after the
   * order, later it is a refund; repeat it when the outcome is unknown.
   * @throws WechatPayError
   */
  async reverseByOutTradeNo(outTradeNo: string, ...of: For<R>): Promise<void> {
    await this.#transport.send({
      endpoint: GLOBAL_ENDPOINTS['global.micropay.reverseByOutTradeNo'],
      segments: { out_trade_no: outTradeNo },
      body: serializeBody(this.#identity.owner(...of)),
    });
  }

  /** As {@link reverseByOutTradeNo}, by WeChat Pay's number. @throws WechatPayError */
  async reverseById(id: string, ...of: For<R>): Promise<void> {
    await this.#transport.send({
      endpoint: GLOBAL_ENDPOINTS['global.micropay.reverseById'],
      segments: { id },
      body: serializeBody(this.#identity.owner(...of)),
    });
  }
}
