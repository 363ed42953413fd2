import type { Payment } from '../database/payments.ts';
import type { Refund } from '../database/refunds.ts';
import {
  type CashierProduct,
  isCharged,
  type MerchantRole,
  type Prepaid,
  type Product,
} from '../domain/product.ts';
import { BANK_ACCOUNT, PAYOUT_BANKS, type PayoutType } from '../domain/refund.ts';
import { rfc3339 } from '../domain/time.ts';
import {
  type RefundBank,
  type SerializedAbnormalRefund,
  WechatPay,
  type WechatPayOptions,
  WechatPayPartner,
  type Refund as WechatRefund,
} from '../wechatpay/index.ts';
import { type Charges, chargesOf } from './charges.ts';
import type { GatewayOrder } from './order.ts';

export type { GatewayOrder } from './order.ts';

/** A client of either role. */
export type Wechat = WechatPay | WechatPayPartner;

/** The answer to an order: one of the three. */
export type PrepaidAnswer = Omit<Prepaid, 'prepayIssuedAt'>;

/** WeChat Pay for the payments of one merchant, or of one sub-merchant: the same words, whoever takes the money. */
export interface PaymentGateway {
  /** The exact body of an order, with the appid that it names. Persist both, then hand the body to `createOrder`. */
  serializeOrder(payment: Payment, notifyUrl: string): { body: string; appid: string };
  /** Places an order, or renews what it was answered: the same bytes are the same order. */
  createOrder(product: Product, body: string): Promise<PrepaidAnswer>;
  queryOrder(outTradeNo: string): Promise<GatewayOrder>;
  closeOrder(outTradeNo: string): Promise<void>;
  /** Charging what the customer has shown, and taking it back. @throws Error for products whose orders charge nothing. */
  readonly charges: Charges;
  /** The exact body of a refund. Persist it, then hand it to `applyRefund`. */
  serializeRefund(refund: Refund, payment: RefundedPayment, notifyUrl: string): string;
  applyRefund(body: string): Promise<WechatRefund>;
  queryRefund(outRefundNo: string): Promise<WechatRefund>;
  /** The exact request that sends the money of an abnormal refund elsewhere, a bank card encrypted. Persist it, then hand it to `applyPayout`. */
  serializePayout(refund: Refund, payout: Payout): Promise<SerializedAbnormalRefund>;
  /** @param refundId WeChat Pay's number of the refund. */
  applyPayout(refundId: string, request: SerializedAbnormalRefund): Promise<WechatRefund>;
}

/** Where the money of an abnormal refund goes instead, in the words of the wire. */
export type Payout = { type: PayoutType } & Partial<BankCard>;

/** A debit card of the customer's. Private. */
export interface BankCard {
  bank_type: RefundBank;
  bank_account: string;
  real_name: string;
}

/** What is wrong with what should be a bank card; undefined when nothing is. Never says what it is. */
export function bankCardProblem(card: unknown): string | undefined {
  const { bank_type, bank_account, real_name } = (card ?? {}) as Record<string, unknown>;
  if (!PAYOUT_BANKS.some((bank) => bank === bank_type))
    return `bank_type must be one of ${PAYOUT_BANKS.join(', ')}`;
  if (typeof bank_account !== 'string' || !BANK_ACCOUNT.test(bank_account))
    return 'bank_account must be 12 to 19 digits';
  if (typeof real_name !== 'string' || real_name.trim() === '') return 'real_name is missing';
  return undefined;
}

/** What a refund says about what it draws on. */
interface RefundedPayment {
  transactionId: string;
  amount: number;
}

/** Which calls take a product's orders: to the gateway a mini program is a page inside of WeChat. */
const CALLS = {
  NATIVE: 'native',
  JSAPI: 'jsapi',
  MINI_PROGRAM: 'jsapi',
  APP: 'app',
  H5: 'h5',
} as const satisfies Record<CashierProduct, keyof Wechat>;

/** @throws Error for a product whose orders are charged. */
function callOf(product: Product): (typeof CALLS)[keyof typeof CALLS] {
  if (isCharged(product)) throw new Error(`${product} is charged, there is no order to be paid`);
  return CALLS[product];
}

/** A client for credentials of this role. */
export function openWechat(role: MerchantRole, options: WechatPayOptions): Wechat {
  return role === 'partner' ? new WechatPayPartner(options) : new WechatPay(options);
}

/** What is to be done at the gateway: a payment, or one of its refunds, which names no product. */
export interface Subject {
  /** For whom a service provider acts; null for a merchant. */
  subMchid: string | null;
  subAppid?: string | null;
  /** Under which appid; the merchant's first unless told. */
  appid?: string | null;
  product?: Product;
}

/**
 * @throws Error when client and payment have not the same role: it cannot ask for the other's orders.
 */
export function paymentGateway(
  wechat: Wechat,
  { subMchid, subAppid = null, product }: Subject,
): PaymentGateway {
  if (wechat instanceof WechatPayPartner !== (subMchid !== null)) {
    throw new Error(
      subMchid === null ? 'a service provider has no orders of its own' : 'a merchant has no sub-merchants',
    );
  }
  const charges =
    product && isCharged(product) ? chargesOf(wechat, product, { subMchid, subAppid }) : undefined;
  return {
    ...(wechat instanceof WechatPayPartner ? ofSubMerchant(wechat, subMchid ?? '') : ofMerchant(wechat)),
    ...(charges && { queryOrder: charges.queryOrder }),
    get charges() {
      if (!charges) throw new Error(`an order of ${product} charges nothing`);
      return charges;
    },
    serializeOrder(payment, notifyUrl) {
      // The row has what its product and its merchant's role need: the API checks it, and constraints of the table do.
      const body = wechat[callOf(payment.product)].serialize(orderRequest(payment, notifyUrl) as never);
      const { appid, sp_appid } = JSON.parse(body) as { appid?: string; sp_appid?: string };
      return { body, appid: appid ?? sp_appid ?? '' };
    },
    async createOrder(product, body) {
      return prepaidOf(await wechat[callOf(product)].create(body));
    },
    serializeRefund(refund, payment, notifyUrl) {
      const { from, ...refundTerms } = refund.terms;
      return wechat.refunds.serialize({
        ...(subMchid !== null && { sub_mchid: subMchid }),
        transaction_id: payment.transactionId,
        out_refund_no: refund.outRefundNo,
        ...(refund.reason !== null && { reason: refund.reason }),
        notify_url: notifyUrl,
        ...refundTerms,
        amount: {
          refund: refund.amount,
          total: payment.amount,
          currency: refund.currency,
          ...(from && { from }),
        },
      } as never);
    },
    applyRefund: (body) => wechat.refunds.apply(body),
    serializePayout: (refund, payout) =>
      wechat.refunds.serializeAbnormal({
        ...(subMchid !== null && { sub_mchid: subMchid }),
        out_refund_no: refund.outRefundNo,
        ...payout,
      } as never),
    applyPayout: (refundId, request) => wechat.refunds.applyAbnormal(refundId, request),
  };
}

/** The answer to an order, in the row's words. */
export function prepaidOf(answer: { code_url?: string; prepay_id?: string; h5_url?: string }): PrepaidAnswer {
  const { code_url: codeUrl = null, prepay_id: prepayId = null, h5_url: h5Url = null } = answer;
  return { codeUrl, prepayId, h5Url };
}

type Asking = Pick<PaymentGateway, 'queryOrder' | 'closeOrder' | 'queryRefund'>;

function ofMerchant({ orders, refunds }: WechatPay): Asking {
  return {
    queryOrder: (outTradeNo) => orders.queryByOutTradeNo(outTradeNo),
    closeOrder: (outTradeNo) => orders.close(outTradeNo),
    queryRefund: (outRefundNo) => refunds.query(outRefundNo),
  };
}

function ofSubMerchant({ orders, refunds }: WechatPayPartner, subMchid: string): Asking {
  const of = { sub_mchid: subMchid };
  return {
    queryOrder: (outTradeNo) => orders.queryByOutTradeNo(outTradeNo, of),
    closeOrder: (outTradeNo) => orders.close(outTradeNo, of),
    queryRefund: (outRefundNo) => refunds.query(outRefundNo, of),
  };
}

/** An order in the words of the wire, without the client's own appid and mchid. */
function orderRequest(payment: Payment, notifyUrl: string): object {
  const { attach, subMchid, subAppid, sceneInfo } = payment;
  const payer = payerOf(payment);
  return {
    description: payment.description,
    out_trade_no: payment.outTradeNo,
    time_expire: rfc3339(payment.timeExpire),
    ...(attach !== null && { attach }),
    ...payment.terms,
    notify_url: notifyUrl,
    amount: { total: payment.amount, currency: 'CNY' },
    ...(subMchid !== null && { sub_mchid: subMchid }),
    ...(subAppid !== null && { sub_appid: subAppid }),
    ...(payer && { payer }),
    ...(sceneInfo && { scene_info: sceneInfo }),
  };
}

/** Who pays, where the order says it. */
function payerOf({ payerOpenid, payerSubOpenid, subMchid }: Payment): object | undefined {
  if (payerSubOpenid !== null) return { sub_openid: payerSubOpenid };
  if (payerOpenid === null) return undefined;
  return subMchid === null ? { openid: payerOpenid } : { sp_openid: payerOpenid };
}
