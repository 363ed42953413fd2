import type { CombinedPayment } from '../database/combined-payments.ts';
import type { Payment } from '../database/payments.ts';
import type { CombinedProduct } from '../domain/combined-payment.ts';
import { rfc3339 } from '../domain/time.ts';
import type { CombinedOrder } from '../wechatpay/index.ts';
import { type PrepaidAnswer, prepaidOf, type Wechat } from './payment-gateway.ts';

/** WeChat Pay for combined payments: one order for all of their sub-orders. */
export interface CombinedGateway {
  /** The exact body of the order, with the appid that it names. Persist both, then hand the body to `createOrder`. */
  serializeOrder(combined: CombinedPayment, notifyUrl: string): { body: string; appid: string };
  /** Places the order, or renews what it was answered: the same bytes are the same order. */
  createOrder(product: CombinedProduct, body: string): Promise<PrepaidAnswer>;
  queryOrder(combineOutTradeNo: string): Promise<CombinedOrder>;
  closeOrder(combined: CombinedPayment): Promise<void>;
}

/** Which calls take a product's orders. */
const CALLS = {
  NATIVE: 'native',
  JSAPI: 'jsapi',
  MINI_PROGRAM: 'jsapi',
  APP: 'app',
  H5: 'h5',
} as const satisfies Record<CombinedProduct, string>;

/** H5 names a device (official page of the combined H5 order); this one where the request names none. */
const DEVICE_ID = 'BROWSER';

/** @param wechat of who combines. */
export function combinedGateway({ combine }: Wechat): CombinedGateway {
  return {
    serializeOrder(combined, notifyUrl) {
      // As for payments: the rows have what product and role need.
      const body = combine[CALLS[combined.product]].serialize(orderRequest(combined, notifyUrl) as never);
      const { combine_appid: appid } = JSON.parse(body) as { combine_appid: string };
      return { body, appid };
    },
    createOrder: async (product, body) => prepaidOf(await combine[CALLS[product]].create(body)),
    queryOrder: (combineOutTradeNo) => combine.queryByOutTradeNo(combineOutTradeNo),
    closeOrder: ({ combineOutTradeNo, appid, subPayments }) =>
      combine.close(
        combineOutTradeNo,
        subPayments.map((payment) => named(payment)) as never,
        appid ?? undefined,
      ),
  };
}

/** The order in the words of the wire, without who combines. What the sub-orders have in common is in each of their rows. */
function orderRequest(combined: CombinedPayment, notifyUrl: string): object {
  const [first] = combined.subPayments;
  if (!first) throw new Error(`${combined.id} has no sub-orders`);
  const {
    sceneInfo,
    terms: { limit_pay },
  } = first;
  const payer = payerOf(first);
  return {
    combine_out_trade_no: combined.combineOutTradeNo,
    time_expire: rfc3339(combined.timeExpire),
    notify_url: notifyUrl,
    sub_orders: combined.subPayments.map((payment) => ({
      ...named(payment),
      description: payment.description,
      attach: payment.attach,
      ...ownTerms(payment),
      amount: { total_amount: payment.amount, currency: payment.currency },
    })),
    ...(limit_pay && { limit_pay }),
    ...(payer && { combine_payer_info: payer }),
    ...(sceneInfo && {
      scene_info: { ...(sceneInfo.h5_info && { device_id: DEVICE_ID }), ...sceneInfo },
    }),
  };
}

/** Who pays: under the appid of who combines, whatever a single order of a service provider calls it, or under the sub-merchants'. */
function payerOf({ payerOpenid, payerSubOpenid }: Payment): object | undefined {
  if (payerSubOpenid !== null) return { sub_openid: payerSubOpenid };
  return payerOpenid === null ? undefined : { openid: payerOpenid };
}

/** What a sub-order says for itself. */
function ownTerms({ terms: { goods_tag, detail, settle_info } }: Payment): object {
  return {
    ...(goods_tag !== undefined && { goods_tag }),
    ...(detail !== undefined && { detail }),
    ...(settle_info && { settle_info }),
  };
}

/** What names a sub-order, in the order as in its close. */
function named({ mchid, outTradeNo, subMchid, subAppid }: Payment): object {
  return {
    mchid,
    out_trade_no: outTradeNo,
    ...(subMchid !== null && { sub_mchid: subMchid }),
    ...(subAppid !== null && { sub_appid: subAppid }),
  };
}
