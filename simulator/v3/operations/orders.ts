import { GatewayError, paramError } from '../../gateway-error.ts';
import type { Order } from '../../orders/order.ts';
import { closeOrder, closePartnerOrder } from '../bodies/order.ts';
import { orderObject } from '../objects/order.ts';
import { type Call, type CheckedCall, type Operation, ownBody, wellFormed } from '../operation.ts';
import { checkFields, outTradeNo } from '../request-body.ts';

const RACES = ['pay_before', 'pay_after', 'notpay_lag'] as const;

const PATHS = [
  { prefix: '/v3/pay/transactions', partner: false },
  { prefix: '/v3/pay/partner/transactions', partner: true },
] as const;

/** Query and close, for merchants and service providers. */
export const orderOperations: readonly Operation[] = PATHS.flatMap(({ prefix, partner }): Operation[] => [
  {
    name: 'order.query',
    method: 'GET',
    path: new RegExp(`^${prefix}/out-trade-no/(?<out_trade_no>[^/]+)$`),
    faults: RACES,
    check: (call) => checkQuery(call, partner),
  },
  {
    name: 'order.query',
    method: 'GET',
    path: new RegExp(`^${prefix}/id/(?<transaction_id>[^/]+)$`),
    faults: RACES,
    check: (call) => checkQuery(call, partner),
  },
  {
    name: 'order.close',
    method: 'POST',
    path: new RegExp(`^${prefix}/out-trade-no/(?<out_trade_no>[^/]+)/close$`),
    faults: ['pay_before', 'pay_after'],
    check: (call) => checkClose(call, partner),
  },
]);

function checkQuery({ gateway, caller, parameters, query }: Call, partner: boolean): CheckedCall {
  const { out_trade_no, transaction_id } = parameters;
  if (out_trade_no !== undefined) checkFields(outTradeNo, out_trade_no, 'url', 'out_trade_no');
  wellFormed(transaction_id);
  mustBe(query, partner ? 'sp_mchid' : 'mchid', caller.mchid);
  const order = gateway.findOrder(caller.mchid, { outTradeNo: out_trade_no, transactionId: transaction_id });
  const subMchid = partner ? required(query, 'sub_mchid') : undefined;
  return {
    subject: { mchid: caller.mchid, outTradeNo: order?.outTradeNo ?? out_trade_no },
    run: (lagging) => orderObject(existing(order, subMchid), { unpaid: lagging }),
  };
}

function checkClose(call: Call, partner: boolean): CheckedCall {
  const { gateway, caller, parameters } = call;
  let subMchid: string | undefined;
  if (partner) ({ sub_mchid: subMchid } = checkFields(closePartnerOrder, ownBody(call, 'sp_mchid'), 'body'));
  else checkFields(closeOrder, ownBody(call), 'body');
  const number = checkFields(outTradeNo, parameters.out_trade_no, 'url', 'out_trade_no');
  return {
    subject: { mchid: caller.mchid, outTradeNo: number },
    run: () => {
      gateway.orderBook.close(existing(gateway.findOrder(caller.mchid, { outTradeNo: number }), subMchid));
      return undefined;
    },
  };
}

/** A query parameter that must be there. @throws GatewayError 400 PARAM_ERROR */
export function required(query: URLSearchParams, field: string): string {
  const value = query.get(field);
  if (value) return value;
  throw paramError({ field, issue: 'required', location: 'query' });
}

function mustBe(query: URLSearchParams, field: string, mchid: string): void {
  const value = required(query, field);
  if (value === mchid) return;
  throw paramError({ field, value, issue: 'not the mchid that signed', location: 'query' });
}

/** An order that the basic calls know. @throws GatewayError 404 ORDER_NOT_EXIST */
export function existing(order: Order | undefined, subMchid: string | undefined): Order {
  if (order?.family === 'basic' && order.subMchid === subMchid) return order;
  throw new GatewayError(404, 'ORDER_NOT_EXIST', '订单不存在', { internalCode: 268512771 });
}
