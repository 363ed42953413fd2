import type { Readable } from 'node:stream';
import { type BillRequest, type DownloadLimits, type FundFlowRequest, openBill } from './bills.ts';
import { readV2Options, type V2Options } from './configuration.ts';
import type { SubMerchant } from './fields.ts';
import { V2Invocation } from './invocation.ts';
import {
  type PlacedOrder,
  readNothing,
  readOrder,
  readPlacedOrder,
  type UnifiedOrder,
  type V2Answer,
  type V2Order,
  type V2OrderNumber,
} from './orders.ts';
import {
  type CodePayment,
  type FaceAuthinfo,
  type FaceAuthinfoRequest,
  type FacepayOrder,
  type MicropayOrder,
  type Reversal,
  readCodePayment,
  readFaceAuthinfo,
  readReversal,
} from './payment-codes.ts';
import {
  type AcceptedRefund,
  type QueriedRefunds,
  type RefundNumber,
  readAcceptedRefund,
  readQueriedRefunds,
  type V2GoodsRefundRequest,
  type V2RefundRequest,
} from './refunds.ts';
import {
  type CallReport,
  type PayerOfCode,
  readPayerOfCode,
  readSandboxKey,
  type SandboxKey,
} from './tools.ts';
import { V2Transport } from './transport.ts';

/**
 * WeChat Pay API v2 (XML) for one direct merchant or one service provider, whose calls name the sub-merchant in `sub_mch_id`. Every call is
 * one attempt: it answers what the gateway confirmed under its signature, or throws a `WechatPayError` whose `outcome` says whether the
 * operation was refused or may have happened. Source: the official v2 documentation, one page to a call.
 *
 * ```ts
 * const v2 = new V2({ mchid, appid, apiV2Key, clientCertificate: { cert, key } });
 * const { code_url } = await v2.unifiedOrder({ …, trade_type: 'NATIVE', product_id: 'tea' });
 * ```
 */
export class V2 {
  /** What a front end needs to open the cashier. */
  readonly invocation: V2Invocation;
  readonly #transport: V2Transport;

  /** @throws ConfigurationError naming every problem at once. */
  constructor(options: V2Options) {
    const credentials = readV2Options(options);
    this.#transport = new V2Transport(credentials);
    this.invocation = new V2Invocation(credentials);
  }

  /**
   * The exact XML of an order, signed. Persist it, then hand it to {@link unifiedOrder}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: fractions, control characters.
   */
  serializeUnifiedOrder(order: UnifiedOrder): string {
    return this.#transport.serialize('v2.unifiedOrder', order);
  }

  /**
   * Places an order that the customer pays on a page, in an app or by scanning a code. A string is sent byte for byte.
   * @throws WechatPayError
   */
  unifiedOrder(order: UnifiedOrder | string): Promise<PlacedOrder> {
    return this.#transport.call('v2.unifiedOrder', order, readPlacedOrder);
  }

  /**
   * Asks for an order. It is paid when `trade_state` is SUCCESS or REFUND **and** mch_id, appid and total_fee are the expected ones.
   * @throws WechatPayError ORDER_NOT_EXIST when it was never created.
   */
  orderQuery(order: V2OrderNumber): Promise<V2Order> {
    return this.#transport.call('v2.orderQuery', order, readOrder);
  }

  /**
   * Closes an unpaid order, not within five minutes of its creation. Query afterwards, the customer may have paid in the meantime.
   * @throws WechatPayError ORDER_PAID and other refusals: query the order, "already paid" is the paid path.
   */
  closeOrder(order: SubMerchant & { out_trade_no: string }): Promise<V2Answer> {
    return this.#transport.call('v2.closeOrder', order, readNothing);
  }

  /**
   * The exact XML of a refund, signed. Persist it, then hand it to {@link refund}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: fractions, control characters.
   */
  serializeRefund(refund: V2RefundRequest): string {
    return this.#transport.serialize('v2.refund', refund);
  }

  /**
   * Applies for a refund; needs the client certificate. An answer means accepted, not paid back: wait for the notification, or query. A
   * string is sent byte for byte.
   * @throws WechatPayError; FREQUENCY_LIMITED has an unknown outcome here, the refund may have been accepted.
   */
  refund(refund: V2RefundRequest | string): Promise<AcceptedRefund> {
    return this.#transport.call('v2.refund', refund, readAcceptedRefund);
  }

  /**
   * Asks for the refunds of an order, or for one refund.
   * @throws WechatPayError RESOURCE_NOT_EXISTS when there is none: apply again with the same XML.
   */
  refundQuery(refund: RefundNumber): Promise<QueriedRefunds> {
    return this.#transport.call('v2.refundQuery', refund, readQueriedRefunds);
  }

  /**
   * As {@link refund}, of single goods of an order.
   * @throws WechatPayError as {@link refund}.
   */
  refundV2(refund: V2GoodsRefundRequest | string): Promise<AcceptedRefund> {
    return this.#transport.call('v2.refundV2', refund, readAcceptedRefund);
  }

  /** The exact XML of a refund of single goods, signed, as {@link serializeRefund}. */
  serializeRefundV2(refund: V2GoodsRefundRequest): string {
    return this.#transport.serialize('v2.refundV2', refund);
  }

  /**
   * As {@link refundQuery}, for refunds of single goods.
   * @throws WechatPayError as {@link refundQuery}.
   */
  refundQueryV2(
    refund: SubMerchant & ({ refund_id: string } | { out_refund_no: string }),
  ): Promise<QueriedRefunds> {
    return this.#transport.call('v2.refundQueryV2', refund, readQueriedRefunds);
  }

  /**
   * The exact XML of a payment by code, signed. Persist it, then hand it to {@link micropay}.
   * @throws RequestRejectedError PARAM_ERROR for what the gateway cannot take: fractions, control characters.
   */
  serializeMicropay(order: MicropayOrder): string {
    return this.#transport.serialize('v2.micropay', order);
  }

  /**
   * Takes a payment by the code on the customer's telephone. A string is sent byte for byte.
   * @throws WechatPayError whose outcome is unknown for USER_PAYING, SYSTEM_ERROR and BANK_ERROR: query every five seconds, then
   * {@link reverse} (official page 4012075249).
   */
  micropay(order: MicropayOrder | string): Promise<CodePayment> {
    return this.#transport.call('v2.micropay', order, readCodePayment);
  }

  /**
   * Cancels an order that was to be paid by code, and returns its money if it was paid; needs the client certificate. At least 15 seconds
   * after the payment call, at most seven days.
   * @throws WechatPayError with an unknown outcome when the gateway asks to call again.
   */
  reverse(order: V2OrderNumber): Promise<Reversal> {
    return this.#transport.call('v2.reverse', order, readReversal);
  }

  /** The exact XML of a payment by face, signed, as {@link serializeMicropay}. */
  serializeFacepay(order: FacepayOrder): string {
    return this.#transport.serialize('v2.facepay', order);
  }

  /**
   * Takes a payment by face; signed with HMAC-SHA256. A string is sent byte for byte.
   * @throws WechatPayError as {@link micropay}.
   */
  facepay(order: FacepayOrder | string): Promise<CodePayment> {
    return this.#transport.call('v2.facepay', order, readCodePayment);
  }

  /**
   * {@link orderQuery} for payments by face.
   * @throws WechatPayError
   */
  facepayQuery(order: V2OrderNumber): Promise<V2Order> {
    return this.#transport.call('v2.facepayQuery', order, readOrder);
  }

  /**
   * {@link reverse} for payments by face.
   * @throws WechatPayError
   */
  facepayReverse(order: V2OrderNumber): Promise<Reversal> {
    return this.#transport.call('v2.facepayReverse', order, readReversal);
  }

  /**
   * The credential that initialises a face payment terminal. It is asked for at `payapp.weixin.qq.com`, or at `baseUrl` when that is not
   * WeChat's.
   * @throws WechatPayError
   */
  getWxpayfaceAuthinfo(terminal: FaceAuthinfoRequest): Promise<FaceAuthinfo> {
    const now = Math.floor(this.#transport.credentials.clock() / 1000);
    return this.#transport.call(
      'v2.getWxpayfaceAuthinfo',
      { ...terminal, now, version: '1' },
      readFaceAuthinfo,
    );
  }

  /**
   * The trade bill of a day as CSV, decompressed. Read it to its end or destroy it; it is complete when it ends without an error.
   * @throws WechatPayError NO_STATEMENT_EXIST for an empty day, STATEMENT_CREATING when it is too early.
   */
  async downloadBill(bill: BillRequest, limits?: DownloadLimits): Promise<Readable> {
    return openBill(await this.#transport.open('v2.downloadBill', bill), limits);
  }

  /**
   * The fund flow of a day as CSV, decompressed, compared with its `Digest`; needs the client certificate. As {@link downloadBill}.
   * @throws WechatPayError
   */
  async downloadFundFlow(bill: FundFlowRequest, limits?: DownloadLimits): Promise<Readable> {
    return openBill(await this.#transport.open('v2.downloadFundFlow', bill), limits);
  }

  /**
   * Whose payment code it is, before it is charged.
   * @throws WechatPayError
   */
  authCodeToOpenid(code: SubMerchant & { auth_code: string }): Promise<PayerOfCode> {
    return this.#transport.call('v2.authCodeToOpenid', code, readPayerOfCode);
  }

  /**
   * Tells WeChat Pay how a call went. The answer is not signed.
   * @throws WechatPayError
   */
  async report(report: CallReport): Promise<void> {
    await this.#transport.call('v2.report', report, () => undefined);
  }

  /**
   * The key of the sandbox, to be given as `apiV2Key` to a client with `sandbox: true`.
   * @throws WechatPayError
   */
  getSignKey(): Promise<SandboxKey> {
    return this.#transport.call('v2.getSignKey', {}, readSandboxKey);
  }

  /** Waits for calls under way and closes the connections the client opened itself; a `dispatcher` that was passed in stays open. */
  async close(): Promise<void> {
    await this.#transport.close();
  }
}
