import type { V2Fields } from '../../wechatpay/v2/xml.ts';
import { settlementTotal } from '../money/fee.ts';
import { type Order, payerTotal, TRADE_STATES } from '../orders/order.ts';
import { chinaTimestamp } from '../time/china-time.ts';
import { present } from './envelope.ts';

/** What queries say about an order; `unpaid` makes it the answer of a gateway that lags behind. */
export function orderElements(order: Order, { unpaid = false } = {}): V2Fields {
  const state = unpaid ? 'NOTPAY' : order.state;
  const status = { trade_state: state, trade_state_desc: TRADE_STATES[state] };
  if (unpaid || order.paidAt === undefined)
    return present({ out_trade_no: order.outTradeNo, attach: order.attach, ...status });
  return { ...paidElements(order), ...status };
}

/** What a paid order says, in queries, in the answers to payment codes and in notifications alike. */
export function paidElements(order: Order): V2Fields {
  const { coupons, total, currency, paidAt = 0 } = order;
  const settlement = settlementTotal(order);
  return present({
    device_info: order.deviceId,
    openid: order.openid,
    is_subscribe: 'N',
    ...(order.subAppid && { sub_openid: order.subOpenid, sub_is_subscribe: 'N' }),
    trade_type: order.tradeType,
    bank_type: 'OTHERS',
    total_fee: total,
    settlement_total_fee: settlement === total ? undefined : settlement,
    fee_type: currency,
    cash_fee: payerTotal(order),
    cash_fee_type: currency,
    ...(coupons.length > 0 && { coupon_fee: total - payerTotal(order), coupon_count: coupons.length }),
    ...Object.fromEntries(
      coupons.flatMap(({ couponId, type, amount }, number) => [
        [`coupon_type_${number}`, couponType(type)],
        [`coupon_id_${number}`, couponId],
        [`coupon_fee_${number}`, amount],
      ]),
    ),
    transaction_id: order.transactionId,
    out_trade_no: order.outTradeNo,
    attach: order.attach,
    time_end: chinaTimestamp(paidAt),
  });
}

/** v3 writes NOCASH what v2 writes NO_CASH. */
export function couponType(type: 'CASH' | 'NOCASH'): string {
  return type === 'CASH' ? 'CASH' : 'NO_CASH';
}
