import { GatewayError, paramError } from '../../gateway-error.ts';
import type { Refund } from '../../refunds/refund.ts';
import { globalOutTradeNo, globalRefund } from '../bodies/global.ts';
import { acceptedRefund, globalRefundList, globalRefundObject } from '../objects/global.ts';
import { type Call, type CheckedCall, type Operation, wellFormed } from '../operation.ts';
import { wholeNumber } from '../query.ts';
import { checkFields, outRefundNo } from '../request-body.ts';
import { GLOBAL, globalOrderer, namedBody, queriedOwner } from './global.ts';

const MOST_OF_PAGE = 20;

/** Refunds of overseas orders. */
export const globalRefundOperations: readonly Operation[] = [
  {
    name: 'refund.create',
    method: 'POST',
    path: new RegExp(`^${GLOBAL}/refunds$`),
    faults: ['not_enough'],
    check: checkRefund,
  },
  {
    name: 'refund.query',
    method: 'GET',
    path: new RegExp(`^${GLOBAL}/refunds/(?:id/(?<id>[^/]+)|out-refund-no/(?<out_refund_no>[^/]+))$`),
    check: checkQuery,
  },
  { name: 'refund.list', method: 'GET', path: new RegExp(`^${GLOBAL}/refunds$`), check: checkList },
];

function checkRefund(call: Call): CheckedCall {
  const { gateway, caller } = call;
  const { mchid } = caller;
  const request = checkFields(globalRefund(caller.role), namedBody(call), 'body');
  const { subMchid } = globalOrderer(caller, request);
  wellFormed(request.transaction_id);
  const numbers = { transactionId: request.transaction_id, outTradeNo: request.out_trade_no };
  const order = gateway.findOrder(mchid, numbers);
  return {
    subject: {
      mchid,
      outTradeNo: order?.outTradeNo ?? request.out_trade_no,
      outRefundNo: request.out_refund_no,
    },
    run: () => {
      const { refund: amount, total, currency } = request.amount;
      if (order && order.currency !== currency) {
        const issue = 'is not the currency of the order';
        throw paramError({ field: '/amount/currency', value: currency, issue, location: 'body' });
      }
      const refund = gateway.createRefund({
        mchid,
        subMchid,
        outRefundNo: request.out_refund_no,
        ...numbers,
        api: 'v3',
        request,
        refund: amount,
        total,
        currency,
        reason: request.reason,
        notifyUrl: request.notify_url,
      });
      return acceptedRefund(refund, gateway.orderOf(refund));
    },
  };
}

function checkQuery(call: Call): CheckedCall {
  const { gateway, caller, parameters } = call;
  const { id, out_refund_no } = parameters;
  if (out_refund_no !== undefined) checkFields(outRefundNo, out_refund_no, 'url', 'out_refund_no');
  const subMchid = queriedOwner(call);
  const found =
    out_refund_no === undefined
      ? gateway.refundBook.findById(id ?? '')
      : gateway.refundBook.find(caller.mchid, out_refund_no);
  const own = found?.mchid === caller.mchid && found.subMchid === subMchid;
  const refund: Refund | undefined = own ? found : undefined;
  return {
    subject: { mchid: caller.mchid, outTradeNo: refund?.outTradeNo, outRefundNo: refund?.outRefundNo },
    run: () => {
      if (!refund) throw noRefund();
      return globalRefundObject(refund, gateway.orderOf(refund));
    },
  };
}

function checkList(call: Call): CheckedCall {
  const { gateway, caller, query } = call;
  const subMchid = queriedOwner(call);
  const transactionId = query.get('transaction_id') ?? undefined;
  const outTradeNo = query.get('out_trade_no') ?? undefined;
  if (!transactionId && !outTradeNo) {
    const issue = 'one of transaction_id and out_trade_no is required';
    throw paramError({ field: 'out_trade_no', issue, location: 'query' });
  }
  if (outTradeNo) checkFields(globalOutTradeNo, outTradeNo, 'query', 'out_trade_no');
  wellFormed(transactionId);
  const offset = wholeNumber(query, 'offset', { usual: 0 });
  const count = wholeNumber(query, 'count', { least: 1, most: MOST_OF_PAGE, usual: MOST_OF_PAGE });
  const order = gateway.findOrder(caller.mchid, { transactionId, outTradeNo });
  return {
    subject: { mchid: caller.mchid, outTradeNo: order?.outTradeNo ?? outTradeNo },
    run: () => {
      const all = order && order.subMchid === subMchid ? gateway.refundBook.ofOrder(order) : [];
      if (!order || all.length === 0) throw noRefund();
      return globalRefundList(order, all, all.slice(offset, offset + count));
    },
  };
}

function noRefund(): GatewayError {
  return new GatewayError(404, 'RESOURCE_NOT_EXISTS', '退款单不存在', { internalCode: 268512771 });
}
