import type { FaultOperation, Subject } from './fault.ts';
import type { Gateway } from './gateway.ts';
import { GatewayError, paramError } from './gateway-error.ts';
import { type Order, orderObject } from './order.ts';
import { refundObject } from './refund.ts';
import {
  checkFields,
  closeOrder,
  nativeOrder,
  outRefundNo,
  outTradeNo,
  parseJson,
  refundRequest,
} from './request-body.ts';

/** An authenticated request. */
export interface Call {
  gateway: Gateway;
  mchid: string;
  /** Named groups of the path, decoded. */
  parameters: Record<string, string>;
  query: URLSearchParams;
  body: Buffer;
}

/** A call whose fields were found right: what it is about, and what it does. */
export interface CheckedCall {
  subject: Subject;
  /**
   * Takes effect and answers; no body means 204. `lagging` answers a query as a gateway does that has not seen the payment yet.
   * @throws GatewayError for a business refusal.
   */
  run(lagging: boolean): object | undefined;
}

/** One endpoint of the gateway. */
export interface Operation {
  name: FaultOperation;
  method: 'GET' | 'POST';
  path: RegExp;
  /** @throws GatewayError 400 for the mchid or a field. */
  check(call: Call): CheckedCall;
}

/** The endpoints that are simulated. A product is added by adding lines here. */
export const OPERATIONS: readonly Operation[] = [
  {
    name: 'native.create',
    method: 'POST',
    path: /^\/v3\/pay\/transactions\/native$/,
    check: checkNativeOrder,
  },
  {
    name: 'order.query',
    method: 'GET',
    path: /^\/v3\/pay\/transactions\/out-trade-no\/(?<out_trade_no>[^/]+)$/,
    check: checkOrderQuery,
  },
  {
    name: 'order.query',
    method: 'GET',
    path: /^\/v3\/pay\/transactions\/id\/(?<transaction_id>[^/]+)$/,
    check: checkOrderQuery,
  },
  {
    name: 'order.close',
    method: 'POST',
    path: /^\/v3\/pay\/transactions\/out-trade-no\/(?<out_trade_no>[^/]+)\/close$/,
    check: checkClose,
  },
  { name: 'refund.create', method: 'POST', path: /^\/v3\/refund\/domestic\/refunds$/, check: checkRefund },
  {
    name: 'refund.query',
    method: 'GET',
    path: /^\/v3\/refund\/domestic\/refunds\/(?<out_refund_no>[^/]+)$/,
    check: checkRefundQuery,
  },
];

function checkNativeOrder({ gateway, mchid, body }: Call): CheckedCall {
  const order = checkFields(nativeOrder, ownBody(body, mchid), 'body');
  if (order.appid !== gateway.enrolment.merchant.appid) {
    throw new GatewayError(400, 'APPID_MCHID_NOT_MATCH', 'appid和mchid不匹配', { internalCode: 268445527 });
  }
  return {
    subject: { outTradeNo: order.out_trade_no },
    run: () => ({ code_url: gateway.createOrder(order) }),
  };
}

function checkOrderQuery({ gateway, mchid, parameters, query }: Call): CheckedCall {
  const { out_trade_no, transaction_id } = parameters;
  if (out_trade_no !== undefined) checkFields(outTradeNo, out_trade_no, 'url', 'out_trade_no');
  if (query.get('mchid') !== mchid) {
    const value = query.get('mchid');
    const issue = value === null ? 'required' : 'not the mchid that signed';
    throw paramError({ field: 'mchid', ...(value === null ? {} : { value }), issue, location: 'query' });
  }
  const order = gateway.findOrder({ outTradeNo: out_trade_no, transactionId: transaction_id });
  return {
    subject: { outTradeNo: order?.outTradeNo ?? out_trade_no },
    run: (lagging) => orderObject(existing(order), { unpaid: lagging }),
  };
}

function checkClose({ gateway, mchid, parameters, body }: Call): CheckedCall {
  checkFields(closeOrder, ownBody(body, mchid), 'body');
  const number = checkFields(outTradeNo, parameters.out_trade_no, 'url', 'out_trade_no');
  return {
    subject: { outTradeNo: number },
    run: () => {
      gateway.closeOrder(existing(gateway.findOrder({ outTradeNo: number })));
      return undefined;
    },
  };
}

function checkRefund({ gateway, body }: Call): CheckedCall {
  const request = checkFields(refundRequest, parseJson(body), 'body');
  const order = gateway.findOrder({
    transactionId: request.transaction_id,
    outTradeNo: request.out_trade_no,
  });
  return {
    subject: { outTradeNo: order?.outTradeNo ?? request.out_trade_no, outRefundNo: request.out_refund_no },
    run: () => refundObject(gateway.createRefund(request)),
  };
}

function checkRefundQuery({ gateway, parameters }: Call): CheckedCall {
  const number = checkFields(outRefundNo, parameters.out_refund_no, 'url', 'out_refund_no');
  const refund = gateway.findRefund(number);
  return {
    subject: { outTradeNo: refund?.outTradeNo, outRefundNo: number },
    run: () => {
      if (refund) return refundObject(refund);
      throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '退款单不存在', { internalCode: 268512771 });
    },
  };
}

/** The body of a call that names its merchant: check 7 comes before the fields. */
function ownBody(body: Buffer, mchid: string): Record<string, unknown> {
  const value = parseJson(body);
  if (typeof value.mchid === 'string' && value.mchid !== mchid) {
    throw new GatewayError(400, 'PARAM_ERROR', 'http header中的mchid与post payload中的mchid不匹配', {
      internalCode: 268447843,
    });
  }
  return value;
}

function existing(order: Order | undefined): Order {
  if (order) return order;
  throw new GatewayError(404, 'ORDER_NOT_EXIST', '订单不存在', { internalCode: 268512771 });
}
