import { endpoints } from '../endpoint.ts';
import { readObject } from './answer.ts';
import type { CodepayOrder } from './order-request.ts';
import type { Order } from './orders.ts';
import { serializeBody } from './request-body.ts';
import type { Identity, Role, SubOrderer } from './role.ts';
import type { FieldCheck, Transport } from './transport.ts';

/** Payment codes. */
export const CODEPAY_ENDPOINTS = endpoints({
  'codepay.create': {
    method: 'POST',
    path: '/v3/pay/transactions/codepay',
    partnerPath: '/v3/pay/partner/transactions/codepay',
    rateLimit: { requests: 33, perSeconds: 1 },
  },
  'codepay.reverse': {
    method: 'POST',
    path: '/v3/pay/transactions/out-trade-no/{out_trade_no}/reverse',
    partnerPath: '/v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse',
  },
});

/** An order as paying with a code answers it; while the customer types the password it may be nothing but its state. */
export type CodepayAnswer<R extends Role = 'merchant'> = Partial<Order<R>> & Pick<Order<R>, 'trade_state'>;

/** Payment codes: the customer shows one, the merchant's device reads it. */
export class Codepay<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #identity: Identity<R>;

  constructor(transport: Transport, identity: Identity<R>) {
    this.#transport = transport;
    this.#identity = identity;
  }

  /** The exact body of an order; persist it, then hand it to {@link create}. @throws RequestRejectedError PARAM_ERROR */
  serialize(order: CodepayOrder<R>): string {
    return serializeBody({ ...order, ...this.#identity.orderer() });
  }

  /**
   * Charges the code. SUCCESS is paid. USERPAYING, as a state or as the code of an error with an unknown outcome: query every five seconds
   * for half a minute. PAYERROR, or still unclear: {@link reverse}, at least 15 seconds after this call (official page 4012075249).
   * @throws WechatPayError
   */
  async create(order: CodepayOrder<R> | string): Promise<CodepayAnswer<R>> {
    const body = typeof order === 'string' ? order : this.serialize(order);
    return this.#transport.call<CodepayAnswer<R>>({ endpoint: CODEPAY_ENDPOINTS['codepay.create'], body }, {
      trade_state: true,
      out_trade_no: isOrderOf(body),
    } as Record<string, true | FieldCheck>);
  }

  /**
   * Takes the order back, whatever its state: nobody can pay it any more, and money that was paid goes back. At most seven days after the
   * order; repeat it when the outcome is unknown.
   * @throws WechatPayError
   */
  async reverse(
    outTradeNo: string,
    ...[of]: R extends 'partner' ? [of: SubOrderer] : []
  ): Promise<{ out_trade_no: string }> {
    return this.#transport.call<{ out_trade_no: string }>(
      {
        endpoint: CODEPAY_ENDPOINTS['codepay.reverse'],
        segments: { out_trade_no: outTradeNo },
        body: serializeBody({ ...this.#identity.orderer(), ...of }),
      },
      { out_trade_no: outTradeNo },
    );
  }
}

/**
 * Whether an answer is about the order in `body`. One whose password is being typed may be nothing but its state, but a paid one names itself:
 * believed by mistake, the payment of somebody else would hand out the goods.
 */
export function isOrderOf(body: string): FieldCheck {
  const sent = readObject(Buffer.from(body))?.out_trade_no;
  return (answered, { trade_state }) =>
    sent === undefined || answered === sent || (answered === undefined && trade_state !== 'SUCCESS');
}
