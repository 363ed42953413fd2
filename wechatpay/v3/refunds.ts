import { endpoints } from '../endpoint.ts';
import type { Fen } from '../fen.ts';
import { readObject } from './answer.ts';
import type { OrderNumber } from './orders.ts';
import { serializeBody } from './request-body.ts';
import type { For, Identity, Role, SubMerchant } from './role.ts';
import type { Sensitive } from './sensitive.ts';
import type { Transport } from './transport.ts';

/**
 * State of a refund (official page 4013071031). CLOSED has failed, only a new number helps. ABNORMAL is not final: the money is parked
 * until somebody decides on the merchant platform.
 */
export type RefundStatus = 'SUCCESS' | 'CLOSED' | 'PROCESSING' | 'ABNORMAL';

/** Where the money went. */
export type RefundChannel = 'ORIGINAL' | 'BALANCE' | 'OTHER_BALANCE' | 'OTHER_BANKCARD';

/** Which account of the merchant paid. */
export type FundsAccount = 'UNSETTLED' | 'AVAILABLE' | 'UNAVAILABLE' | 'OPERATION' | 'BASIC' | 'ECNY_BASIC';

/** A share of a refund that one account pays. */
export interface RefundFrom {
  account: 'AVAILABLE' | 'UNAVAILABLE';
  amount: Fen;
}

/** Goods that are given back. */
export interface RefundGoods {
  merchant_goods_id: string;
  wechatpay_goods_id?: string;
  goods_name?: string;
  unit_price: Fen;
  refund_amount: Fen;
  refund_quantity: number;
}

/** What a service provider adds; nothing for a merchant. */
type Owner<R extends Role> = R extends 'partner' ? SubMerchant : unknown;

/**
 * A refund to apply for, of an order named by one of its two numbers. At most 365 days after payment, 50 to an order, one minute apart,
 * each with its own number. Fields and limits: the official page of `POST /v3/refund/domestic/refunds`.
 */
export type RefundRequest<R extends Role = 'merchant'> = Owner<R> &
  OrderNumber & {
    /** At most 64 of `0-9 A-Z a-z _ - | * @`; the same number refunds once. */
    out_refund_no: string;
    /** At most 80 characters; the customer sees it. */
    reason?: string;
    /** Send it always: without it the notification may be the platform's old XML. */
    notify_url?: string;
    funds_account?: 'AVAILABLE' | 'UNSETTLED';
    /** `total` is the amount of the order. */
    amount: { refund: Fen; total: Fen; currency: 'CNY'; from?: RefundFrom[] };
    goods_detail?: RefundGoods[];
  };

/** A refund as applications and queries answer it; fields that are not listed here are kept. */
export interface Refund {
  refund_id: string;
  out_refund_no: string;
  transaction_id: string;
  out_trade_no: string;
  channel: RefundChannel;
  user_received_account: string;
  /** RFC 3339 with offset, only when SUCCESS. */
  success_time?: string;
  create_time: string;
  status: RefundStatus;
  funds_account?: FundsAccount;
  amount: {
    total: Fen;
    refund: Fen;
    from?: RefundFrom[];
    payer_total: Fen;
    payer_refund: Fen;
    settlement_refund: Fen;
    settlement_total: Fen;
    discount_refund: Fen;
    currency: string;
    refund_fee?: Fen;
  };
  promotion_detail?: {
    promotion_id: string;
    scope: 'GLOBAL' | 'SINGLE';
    type: 'COUPON' | 'DISCOUNT';
    amount: Fen;
    refund_amount: Fen;
    goods_detail?: RefundGoods[];
  }[];
}

/** Banks that pay an abnormal refund out to a debit card. */
export type RefundBank = `${
  | 'CMB'
  | 'COMM'
  | 'ABC'
  | 'CCB'
  | 'ICBC'
  | 'BOC'
  | 'PAB'
  | 'SPDB'
  | 'CITIC'
  | 'CEB'
  | 'CMBC'
  | 'CIB'
  | 'GDB'
  | 'PSBC'
  | 'NBCB'}_DEBIT`;

/** Where the money of an abnormal refund goes instead. The client encrypts account and name. */
export type AbnormalRefundRequest<R extends Role = 'merchant'> = Owner<R> & { out_refund_no: string } & (
    | {
        type: 'USER_BANK_CARD';
        bank_type: RefundBank;
        /** Number of the customer's debit card, in clear. */
        bank_account: string;
        /** Name of its holder, in clear. */
        real_name: string;
      }
    /** To the merchant, who pays the customer back by other means. */
    | { type: 'MERCHANT_BANK_CARD' }
  );

/**
 * The exact body of an {@link AbnormalRefundRequest}. Encrypting the same twice does not give the same, so what is persisted for a repeat is
 * this, and the key that it is encrypted for.
 */
export interface SerializedAbnormalRefund {
  body: string;
  /** For the header `Wechatpay-Serial`; undefined when nothing is encrypted. */
  serial?: string | undefined;
}

const REFUNDS = '/v3/refund/domestic/refunds';

/** Refunds of the mainland API; service providers use the same paths. */
export const REFUND_ENDPOINTS = endpoints({
  'refunds.apply': {
    method: 'POST',
    path: REFUNDS,
    rateLimit: { requests: 150, perSeconds: 1, failing: 6 },
    rateLimitedMayHaveHappened: true,
  },
  'refunds.query': {
    method: 'GET',
    path: `${REFUNDS}/{out_refund_no}`,
    rateLimit: { requests: 300, perSeconds: 1 },
  },
  'refunds.applyAbnormal': {
    method: 'POST',
    path: `${REFUNDS}/{refund_id}/apply-abnormal-refund`,
    rateLimit: { requests: 150, perSeconds: 1 },
    rateLimitedMayHaveHappened: true,
  },
});

/** Refunds of mainland orders. */
export class Refunds<R extends Role = 'merchant'> {
  readonly #transport: Transport;
  readonly #identity: Identity<R>;
  readonly #sensitive: Sensitive;

  constructor(transport: Transport, identity: Identity<R>, sensitive: Sensitive) {
    this.#transport = transport;
    this.#identity = identity;
    this.#sensitive = sensitive;
  }

  /**
   * The exact body of a refund. Persist it, then hand it to {@link apply}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: null, fractions, emoji.
   */
  serialize(refund: RefundRequest<R>): string {
    return serializeBody(refund);
  }

  /**
   * Applies for a refund. An answer means accepted, not paid back: wait for the notification, or query every minute. A string is sent
   * byte for byte.
   * @throws WechatPayError; a 429 has an unknown outcome here, the refund may have been accepted.
   */
  async apply(refund: RefundRequest<R> | string): Promise<Refund> {
    const body = typeof refund === 'string' ? refund : this.serialize(refund);
    return this.#transport.call<Refund>(
      { endpoint: REFUND_ENDPOINTS['refunds.apply'], body },
      { refund_id: true, status: true, out_refund_no: numberIn(body) },
    );
  }

  /**
   * Asks for a refund.
   * @throws WechatPayError 404 RESOURCE_NOT_EXISTS when it was not accepted: apply again with the same body.
   */
  async query(outRefundNo: string, ...of: For<R>): Promise<Refund> {
    return this.#transport.call<Refund>(
      {
        endpoint: REFUND_ENDPOINTS['refunds.query'],
        segments: { out_refund_no: outRefundNo },
        query: this.#identity.sub(...of),
      },
      { refund_id: true, status: true, out_refund_no: outRefundNo },
    );
  }

  /**
   * The exact body of a request for an abnormal refund, account and name encrypted. Persist all of it, then hand it to
   * {@link applyAbnormal}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take.
   * @throws WechatPayError when the platform certificates cannot be downloaded.
   */
  async serializeAbnormal(request: AbnormalRefundRequest<R>): Promise<SerializedAbnormalRefund> {
    const card = request.type === 'USER_BANK_CARD' ? request : undefined;
    if (!card) return { body: serializeBody(request) };
    const { ciphertexts, serial } = await this.#sensitive.encryptAll([card.bank_account, card.real_name]);
    const [bank_account, real_name] = ciphertexts;
    return { body: serializeBody({ ...request, bank_account, real_name }), serial };
  }

  /**
   * Says where the money of an ABNORMAL refund goes instead. It is PROCESSING again afterwards. What was serialized is sent byte for byte.
   * @param refundId WeChat Pay's number of the refund.
   * @throws WechatPayError; a 429 has an unknown outcome here too.
   */
  async applyAbnormal(
    refundId: string,
    request: AbnormalRefundRequest<R> | SerializedAbnormalRefund,
  ): Promise<Refund> {
    const { body, serial } = 'body' in request ? request : await this.serializeAbnormal(request);
    return this.#transport.call<Refund>(
      {
        endpoint: REFUND_ENDPOINTS['refunds.applyAbnormal'],
        segments: { refund_id: refundId },
        body,
        ...(serial !== undefined && { serial }),
      },
      { refund_id: refundId, status: true, out_refund_no: numberIn(body) },
    );
  }
}

/** The out_refund_no that the answer must repeat, or any. */
function numberIn(body: string): string | true {
  const number = readObject(Buffer.from(body))?.out_refund_no;
  return typeof number === 'string' ? number : true;
}
