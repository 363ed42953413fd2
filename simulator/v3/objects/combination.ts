import type { Combination } from '../../orders/combination.ts';
import { type Order, payerTotal } from '../../orders/order.ts';
import { chinaTime } from '../../time/china-time.ts';
import { promotion } from './order.ts';

/** The object of combined queries and of their TRANSACTION.SUCCESS; `unpaid` makes it the answer of a gateway that lags behind. */
export function combinedObject(combination: Combination, orders: Order[], { unpaid = false } = {}): object {
  const [first] = orders;
  const paid = !unpaid && first?.paidAt !== undefined;
  return {
    combine_appid: combination.appid,
    combine_mchid: combination.mchid,
    combine_out_trade_no: combination.combineOutTradeNo,
    scene_info: combination.deviceId ? { device_id: combination.deviceId } : undefined,
    sub_orders: orders.map((order) => memberObject(order, unpaid)),
    combine_payer_info: paid ? { openid: first.openid, sub_openid: payerUnderSub(first) } : undefined,
  };
}

function memberObject(order: Order, unpaid: boolean): object {
  const identity = {
    mchid: order.mchid,
    sub_mchid: order.subMchid,
    sub_appid: order.subAppid,
    out_trade_no: order.outTradeNo,
  };
  const { total, currency } = order;
  if (unpaid || order.paidAt === undefined) {
    return {
      ...identity,
      trade_state: unpaid ? 'NOTPAY' : order.state,
      attach: order.attach,
      amount: { total_amount: total, currency },
    };
  }
  return {
    ...identity,
    sub_openid: payerUnderSub(order),
    transaction_id: order.transactionId,
    trade_type: order.tradeType,
    trade_state: order.state,
    bank_type: 'OTHERS',
    attach: order.attach,
    success_time: chinaTime(order.paidAt),
    amount: {
      total_amount: total,
      payer_amount: payerTotal(order),
      currency,
      payer_currency: currency,
    },
    promotion_detail: order.coupons.map((coupon) => promotion(coupon, currency)),
  };
}

function payerUnderSub({ subAppid, subOpenid }: Order): string | undefined {
  return subAppid ? subOpenid : undefined;
}
