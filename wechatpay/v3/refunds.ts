import type { Fen } from '../fen.ts';
import { readObject } from './answer.ts';
import { pathSegment, serializeBody } from './request-body.ts';
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

/**
 * A refund to apply for, of an order named by one of its two numbers. At most 365 days after payment, 50 to an order, one minute apart,
 * each with its own number. Fields and limits: the official page of `POST /v3/refund/domestic/refunds`.
 */
export type RefundRequest = (
  | { transaction_id: string; out_trade_no?: never }
  | { out_trade_no: string; transaction_id?: never }
) & {
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

const REFUNDS = '/v3/refund/domestic/refunds';

/** Refunds of mainland orders. */
export class Refunds {
  readonly #transport: Transport;

  constructor(transport: Transport) {
    this.#transport = transport;
  }

  /**
   * The exact body of a refund. Persist it, then hand it to {@link apply}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: null, fractions, emoji.
   */
  serialize(refund: RefundRequest): string {
    return serializeBody(refund);
  }

  /**
   * Applies for a refund. An answer means accepted, not paid back: wait for the notification, or query every minute. A string is sent
   * byte for byte.
   * @throws WechatPayError; a 429 has an unknown outcome here, the refund may have been accepted.
   */
  async apply(refund: RefundRequest | string): Promise<Refund> {
    const body = typeof refund === 'string' ? refund : this.serialize(refund);
    const outRefundNo = readObject(Buffer.from(body))?.out_refund_no;
    return this.#transport.call<Refund>(
      { method: 'POST', path: REFUNDS, body, rateLimitedMayHaveHappened: true },
      { refund_id: true, status: true, out_refund_no: typeof outRefundNo === 'string' ? outRefundNo : true },
    );
  }

  /**
   * Asks for a refund.
   * @throws WechatPayError 404 RESOURCE_NOT_EXISTS when it was not accepted: apply again with the same body.
   */
  async query(outRefundNo: string): Promise<Refund> {
    return this.#transport.call<Refund>(
      { method: 'GET', path: `${REFUNDS}/${pathSegment('out_refund_no', outRefundNo)}` },
      { refund_id: true, status: true, out_refund_no: outRefundNo },
    );
  }
}
