import { GatewayError, paramError } from '../../gateway-error.ts';
import type { Order, OrderTerms, TradeType } from '../../orders/order.ts';
import {
  type GlobalOrderBody,
  globalCodeOrder,
  globalOrder,
  globalOutTradeNo,
  globalOwner,
} from '../bodies/global.ts';
import { globalOrderObject } from '../objects/global.ts';
import {
  type Call,
  type CheckedCall,
  type Operation,
  ownBody,
  subMerchant,
  wellFormed,
} from '../operation.ts';
import { checkFields } from '../request-body.ts';
import { required } from './orders.ts';
import { orderer } from './prepay.ts';

/** Older documents have the second one. */
export const GLOBAL = '/(?:v3/global|hk/v3)';
const ORDER = '(?:id/(?<id>[^/]+)|out-trade-no/(?<out_trade_no>[^/]+))';

/** Products, the field that each answers, and the name that faults have for it, which is that of the mainland. */
const PRODUCTS = {
  jsapi: { name: 'jsapi.create', tradeType: 'JSAPI', answered: 'prepay_id' },
  app: { name: 'app.create', tradeType: 'APP', answered: 'prepay_id' },
  native: { name: 'native.create', tradeType: 'NATIVE', answered: 'code_url' },
  mweb: { name: 'h5.create', tradeType: 'MWEB', answered: 'mweb_url' },
} as const;

/** Orders of overseas merchants and institutions, who use the same paths: the fields tell them apart. */
export const globalOrderOperations: readonly Operation[] = [
  ...Object.entries(PRODUCTS).map(
    ([product, { name, tradeType, answered }]): Operation => ({
      name,
      method: 'POST',
      path: new RegExp(`^${GLOBAL}/transactions/${product}$`),
      check: (call) => checkOrder(call, tradeType, answered),
    }),
  ),
  {
    name: 'order.query',
    method: 'GET',
    path: new RegExp(`^${GLOBAL}/transactions/${ORDER}$`),
    faults: ['pay_before', 'pay_after', 'notpay_lag'],
    check: checkQuery,
  },
  {
    name: 'order.close',
    method: 'POST',
    path: new RegExp(`^${GLOBAL}/transactions/${ORDER}/close$`),
    faults: ['pay_before', 'pay_after'],
    check: (call) => change(call, (order) => close(call, order)),
  },
  {
    name: 'codepay.create',
    method: 'POST',
    path: new RegExp(`^${GLOBAL}/micropay/transactions/pay$`),
    check: checkCharge,
  },
  {
    name: 'codepay.reverse',
    method: 'POST',
    path: new RegExp(`^${GLOBAL}/micropay/transactions/${ORDER}/reverse$`),
    check: (call) => change(call, (order) => call.gateway.reverse(order)),
  },
];

function checkOrder(
  call: Call,
  tradeType: Exclude<TradeType, 'MICROPAY' | 'FACEPAY'>,
  answered: 'prepay_id' | 'code_url' | 'mweb_url',
): CheckedCall {
  const body = checkFields(globalOrder(call.caller.role, tradeType), namedBody(call), 'body');
  const terms = globalTerms(call, body, tradeType);
  return {
    subject: { mchid: terms.mchid, outTradeNo: terms.outTradeNo },
    run: () => {
      const code = call.gateway.orderBook.create(terms).codes.at(-1);
      return { [answered]: answered === 'prepay_id' ? code?.prepayId : code?.url };
    },
  };
}

function checkCharge(call: Call): CheckedCall {
  const body = checkFields(globalCodeOrder(call.caller.role), namedBody(call), 'body');
  const { auth_code: authCode, ...payer } = body.payer;
  const terms = globalTerms(call, { ...body, payer }, 'MICROPAY');
  return {
    subject: { mchid: terms.mchid, outTradeNo: terms.outTradeNo },
    run: () => {
      const order = call.gateway.paymentCodes.charge({ ...terms, request: body }, authCode);
      return order.state === 'USERPAYING' ? { trade_state: 'USERPAYING' } : globalOrderObject(order);
    },
  };
}

function checkQuery(call: Call): CheckedCall {
  const subMchid = queriedOwner(call);
  const { order, outTradeNo } = addressed(call);
  return {
    subject: { mchid: call.caller.mchid, outTradeNo },
    run: (lagging) => globalOrderObject(existing(order, subMchid), { unpaid: lagging }),
  };
}

/** A call that changes one order and answers nothing; its body only says whose order it is. */
function change(call: Call, run: (order: Order) => void): CheckedCall {
  const body = checkFields(globalOwner(call.caller.role), namedBody(call), 'body');
  if (body.sub_mchid !== undefined) subMerchant(call.caller, body.sub_mchid);
  const { order, outTradeNo } = addressed(call);
  return {
    subject: { mchid: call.caller.mchid, outTradeNo },
    run: () => {
      run(existing(order, body.sub_mchid));
      return undefined;
    },
  };
}

/** Closes an order, not in the first minutes: the person may be typing the password. */
function close({ gateway }: Call, order: Order): void {
  const { createdAt, state } = order;
  if (state === 'NOTPAY' && gateway.clock() < createdAt + gateway.earliestCloseMs) {
    throw new GatewayError(400, 'INVALID_REQUEST', '订单生成后不能马上调用关单接口，最短调用时间间隔为5分钟');
  }
  gateway.orderBook.close(order);
}

/** An overseas body in the words of the order book. @throws GatewayError when appid or sub-merchant are not the caller's */
function globalTerms({ caller, path }: Call, body: GlobalOrderBody, tradeType: TradeType): OrderTerms {
  const { payer = {} } = body;
  return {
    mchid: caller.mchid,
    ...globalOrderer(caller, body),
    openid: payer.openid ?? payer.sp_openid,
    subOpenid: payer.sub_openid,
    outTradeNo: body.out_trade_no,
    family: 'overseas',
    api: 'v3',
    tradeType,
    endpoint: path,
    request: body,
    description: body.description,
    attach: body.attach,
    deviceId: body.scene_info?.device_id,
    total: body.amount.total,
    currency: body.amount.currency,
    notifyUrl: body.notify_url,
    timeExpire: body.time_expire,
  };
}

/** Who orders or refunds. @throws GatewayError when appid or sub-merchant are not the caller's */
export function globalOrderer(
  caller: Call['caller'],
  {
    appid = '',
    sp_appid,
    sub_appid,
    sub_mchid = '',
  }: Omit<GlobalOrderBody, 'description' | 'out_trade_no' | 'amount'>,
): Pick<OrderTerms, 'appid' | 'subMchid' | 'subAppid'> {
  return orderer(caller, sp_appid === undefined ? { appid } : { sp_appid, sub_appid, sub_mchid });
}

/** The body, its mchid checked: an institution names itself as `sp_mchid`. */
export function namedBody(call: Call): Record<string, unknown> {
  return ownBody(call, call.caller.role === 'partner' ? 'sp_mchid' : 'mchid');
}

/** The sub-merchant that a query is about, which institutions must name. @throws GatewayError 400 */
export function queriedOwner({ caller, query }: Call): string | undefined {
  namesItself({ caller, query });
  return caller.role === 'partner' ? subMerchant(caller, required(query, 'sub_mchid')).mchid : undefined;
}

/** A query names who signed: a merchant as `mchid`, an institution as `sp_mchid`. @throws GatewayError 400 PARAM_ERROR */
export function namesItself({ caller, query }: Pick<Call, 'caller' | 'query'>): void {
  const field = caller.role === 'partner' ? 'sp_mchid' : 'mchid';
  const value = required(query, field);
  if (value === caller.mchid) return;
  throw paramError({ field, value, issue: 'not the mchid that signed', location: 'query' });
}

/** The order that a path names, by either number. */
function addressed({ gateway, caller, parameters }: Call): {
  order: Order | undefined;
  outTradeNo: string | undefined;
} {
  const { id, out_trade_no } = parameters;
  if (out_trade_no !== undefined) checkFields(globalOutTradeNo, out_trade_no, 'url', 'out_trade_no');
  wellFormed(id);
  const order = gateway.findOrder(caller.mchid, { outTradeNo: out_trade_no, transactionId: id });
  return { order, outTradeNo: order?.outTradeNo ?? out_trade_no };
}

/** An order that the overseas calls know. @throws GatewayError 404 ORDER_NOT_EXIST */
function existing(order: Order | undefined, subMchid: string | undefined): Order {
  if (order?.family === 'overseas' && order.subMchid === subMchid) return order;
  throw new GatewayError(404, 'ORDER_NOT_EXIST', '订单不存在', { internalCode: 268512771 });
}
