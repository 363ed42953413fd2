import type { Payment } from '../database/payments.ts';
import type { GoodsList, OrderTerms } from '../domain/order.ts';
import type { Order, PaidFields, V2Order } from '../wechatpay/index.ts';

/** An order as the gateway tells of it: a merchant's, or a service provider's; of the XML API in the same words. */
export type GatewayOrder = Order | Order<'partner'>;

/** What an order of the XML API says about a payment, without what the customer has shown. */
export function v2Order({ description, outTradeNo, attach, amount, sceneInfo, terms }: Payment) {
  const { device_id, device_ip = '', store_info } = sceneInfo ?? {};
  return {
    body: description,
    out_trade_no: outTradeNo,
    total_fee: amount,
    spbill_create_ip: device_ip,
    ...(attach !== null && { attach }),
    ...v2Terms(terms),
    ...(device_id !== undefined && { device_info: device_id }),
    // Its store number is the merchant's own (official v2 page).
    ...(store_info && { scene_info: { store_info: { id: store_info.out_id ?? store_info.id } } }),
  };
}

/** What it says besides, in the words of the XML API, whose tills exclude credit cards or nothing. */
function v2Terms({ goods_tag, detail, support_fapiao, limit_pay, settle_info }: OrderTerms) {
  const { profit_sharing } = settle_info ?? {};
  return {
    ...(goods_tag !== undefined && { goods_tag }),
    ...(typeof detail === 'object' && { detail: v2Goods(detail) }),
    ...(support_fapiao && { receipt: 'Y' as const }),
    ...(limit_pay && { limit_pay: 'no_credit' as const }),
    ...(profit_sharing !== undefined && { profit_sharing: profit_sharing ? ('Y' as const) : ('N' as const) }),
  };
}

/** The goods of an order (official page 4011983208). */
function v2Goods({ invoice_id, goods_detail, ...rest }: GoodsList): object {
  return {
    ...rest,
    ...(invoice_id !== undefined && { receipt_id: invoice_id }),
    ...(goods_detail && {
      goods_detail: goods_detail.map(
        ({ merchant_goods_id: goods_id, wechatpay_goods_id: id, unit_price: price, ...named }) => ({
          goods_id,
          ...(id !== undefined && { wxpay_goods_id: id }),
          ...named,
          price,
        }),
      ),
    }),
  };
}

/** An order of the XML API in the words of v3: a service provider's answer names its sub-merchant. */
export function orderOfV2(order: V2Order | (PaidFields & Pick<V2Order, 'trade_state'>)): GatewayOrder {
  const { appid, mch_id, sub_appid, sub_mch_id, openid, sub_openid } = order;
  const owner =
    sub_mch_id === undefined
      ? { appid, mchid: mch_id, payer: { openid } }
      : {
          sp_appid: appid,
          sp_mchid: mch_id,
          sub_mchid: sub_mch_id,
          ...(sub_appid !== undefined && { sub_appid }),
          payer: { sp_openid: openid, sub_openid },
        };
  return {
    ...owner,
    out_trade_no: order.out_trade_no,
    transaction_id: order.transaction_id,
    trade_type: order.trade_type === 'FACE' ? 'FACEPAY' : order.trade_type,
    trade_state: order.trade_state,
    trade_state_desc: 'trade_state_desc' in order ? order.trade_state_desc : '',
    bank_type: order.bank_type,
    attach: order.attach,
    success_time: timeOfV2(order.time_end),
    amount: { total: order.total_fee, payer_total: order.cash_fee, currency: order.fee_type },
  } as GatewayOrder;
}

/** `yyyyMMddHHmmss` in Asia/Shanghai, as v3 writes it; undefined when it is no such time. */
function timeOfV2(text: string | undefined): string | undefined {
  const [, year, month, day, hour, minute, second] =
    /^(\d{4})(\d\d)(\d\d)(\d\d)(\d\d)(\d\d)$/.exec(text ?? '') ?? [];
  return year && `${year}-${month}-${day}T${hour}:${minute}:${second}+08:00`;
}
