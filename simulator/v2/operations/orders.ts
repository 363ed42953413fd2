import { z } from 'zod';
import { CODE_LIFE_MS, type OrderTerms } from '../../orders/order.ts';
import {
  address,
  checkElements,
  fen,
  ip,
  json,
  lacking,
  orderNumber,
  outTradeNo,
  text,
  time,
} from '../elements.ts';
import { present } from '../envelope.ts';
import { V2Error } from '../error.ts';
import {
  type CheckedV2Call,
  existing,
  orderOf,
  repeatable,
  type V2Call,
  type V2Operation,
} from '../operation.ts';
import { orderElements } from '../order-elements.ts';

/** What orders of all kinds have in common. */
export const orderTermsElements = {
  body: text(128),
  detail: text(6000).optional(),
  attach: text(127).optional(),
  device_info: text(32).optional(),
  out_trade_no: outTradeNo,
  fee_type: z.literal('CNY').optional(),
  total_fee: fen,
  spbill_create_ip: ip,
  time_start: time.optional(),
  time_expire: time.optional(),
  goods_tag: text(32).optional(),
  limit_pay: z.literal('no_credit').optional(),
  receipt: z.literal('Y').optional(),
  profit_sharing: z.enum(['Y', 'N']).optional(),
  scene_info: json(256).optional(),
};

const unifiedOrder = z.object({
  ...orderTermsElements,
  notify_url: address,
  trade_type: z.enum(['JSAPI', 'NATIVE', 'APP', 'MWEB']),
  product_id: text(32).optional(),
  openid: text(128).optional(),
  sub_openid: text(128).optional(),
});
const numbers = z.object(orderNumber);
const closing = z.object({ out_trade_no: outTradeNo });

const RACES = ['pay_before', 'pay_after', 'notpay_lag'] as const;

/** Orders that are paid on the person's telephone; the query and the closing of every order. */
export const orderOperations: readonly V2Operation[] = [
  { name: 'v2.unifiedOrder', path: '/pay/unifiedorder', check: checkUnifiedOrder },
  { name: 'v2.orderQuery', path: '/pay/orderquery', faults: RACES, check: checkOrderQuery },
  {
    name: 'v2.closeOrder',
    path: '/pay/closeorder',
    faults: ['pay_before', 'pay_after'],
    check: checkCloseOrder,
  },
];

function checkUnifiedOrder(call: V2Call): CheckedV2Call {
  const order = checkElements(unifiedOrder, call.fields);
  const { trade_type, openid, sub_openid } = order;
  if (trade_type === 'JSAPI' && !openid && !sub_openid) throw lacking('openid');
  if (sub_openid && !call.subAppid) throw lacking('sub_appid');
  if (trade_type === 'NATIVE' && !order.product_id) throw lacking('product_id');
  const { gateway, caller } = call;
  return {
    subject: { mchid: caller.mchid, outTradeNo: order.out_trade_no },
    run: () => {
      refuseUsedNumber(call, order.out_trade_no);
      const code = gateway.orderBook
        .create({
          ...orderTerms(call, order),
          openid,
          subOpenid: sub_openid,
          tradeType: trade_type,
          notifyUrl: order.notify_url,
        })
        .codes.at(-1);
      return present({
        device_info: order.device_info,
        trade_type,
        prepay_id: code?.prepayId,
        [trade_type === 'MWEB' ? 'mweb_url' : 'code_url']: code?.url,
      });
    },
  };
}

/** v2 tells what became of a number before it compares. @throws V2Error ORDERPAID or ORDERCLOSED */
function refuseUsedNumber({ gateway, caller }: V2Call, number: string): void {
  const state = gateway.findOrder(caller.mchid, { outTradeNo: number })?.state;
  if (state === 'SUCCESS' || state === 'REFUND') throw new V2Error('ORDERPAID');
  if (state === 'CLOSED') throw new V2Error('ORDERCLOSED');
}

/** What an order says in the words of the order book, without how it is paid. */
export function orderTerms(
  { caller, subMchid, subAppid, fields, signType, path }: V2Call,
  order: z.infer<z.ZodObject<typeof orderTermsElements>>,
): Omit<OrderTerms, 'tradeType'> {
  return {
    mchid: caller.mchid,
    appid: fields.appid ?? caller.appid,
    subMchid,
    subAppid,
    outTradeNo: order.out_trade_no,
    family: 'basic',
    api: 'v2',
    signType,
    endpoint: path,
    request: repeatable(fields),
    description: order.body,
    attach: order.attach,
    deviceId: order.device_info,
    total: order.total_fee,
    currency: order.fee_type ?? 'CNY',
    timeExpire: order.time_expire,
  };
}

/** A query by either number. */
export function checkOrderQuery(call: V2Call): CheckedV2Call {
  const asked = checkElements(numbers, call.fields);
  const order = orderOf(call, asked);
  return {
    subject: { mchid: call.caller.mchid, outTradeNo: order?.outTradeNo ?? asked.out_trade_no },
    run: (lagging) => orderElements(existing(order), { unpaid: lagging }),
  };
}

function checkCloseOrder(call: V2Call): CheckedV2Call {
  const { gateway, caller } = call;
  const { out_trade_no } = checkElements(closing, call.fields);
  return {
    subject: { mchid: caller.mchid, outTradeNo: out_trade_no },
    run: () => {
      const order = existing(orderOf(call, { out_trade_no }));
      if (order.state === 'CLOSED') throw new V2Error('ORDERCLOSED', '订单已关闭，无法重复关闭');
      if (CODE_LIFE_MS[order.tradeType] === 0) throw new V2Error('INVALID_REQUEST', '该订单请使用撤销接口');
      if (gateway.clock() < order.createdAt + gateway.earliestCloseMs)
        throw new V2Error('INVALID_REQUEST', '订单生成后5分钟内不能关单，请稍后再试');
      gateway.orderBook.close(order);
      return { result_msg: 'OK' };
    },
  };
}
