import { GatewayError } from '../../gateway-error.ts';
import { refundRequest } from '../bodies/refund.ts';
import { refundObject } from '../objects/refund.ts';
import { type Call, type CheckedCall, type Operation, refundOwner, wellFormed } from '../operation.ts';
import { checkFields, outRefundNo, parseJson } from '../request-body.ts';

/** Refunds of mainland orders, the same paths for merchants and service providers. */
export const refundOperations: readonly Operation[] = [
  {
    name: 'refund.create',
    method: 'POST',
    path: /^\/v3\/refund\/domestic\/refunds$/,
    faults: ['not_enough'],
    check: checkRefund,
  },
  {
    name: 'refund.query',
    method: 'GET',
    path: /^\/v3\/refund\/domestic\/refunds\/(?<out_refund_no>[^/]+)$/,
    check: checkRefundQuery,
  },
];

function checkRefund(call: Call): CheckedCall {
  const { gateway, caller } = call;
  const { mchid } = caller;
  const request = checkFields(refundRequest, parseJson(call.body), 'body');
  const subMchid = refundOwner(call, request.sub_mchid);
  wellFormed(request.transaction_id);
  const order = gateway.findOrder(mchid, {
    transactionId: request.transaction_id,
    outTradeNo: request.out_trade_no,
  });
  return {
    subject: {
      mchid,
      outTradeNo: order?.outTradeNo ?? request.out_trade_no,
      outRefundNo: request.out_refund_no,
    },
    run: () => {
      const refund = gateway.createRefund({
        mchid,
        subMchid,
        outRefundNo: request.out_refund_no,
        outTradeNo: request.out_trade_no,
        transactionId: request.transaction_id,
        api: 'v3',
        request,
        refund: request.amount.refund,
        total: request.amount.total,
        currency: request.amount.currency,
        reason: request.reason,
        notifyUrl: request.notify_url,
        fundsAccount: request.funds_account,
        from: request.amount.from,
      });
      return refundObject(refund, gateway.orderOf(refund));
    },
  };
}

function checkRefundQuery(call: Call): CheckedCall {
  const { gateway, caller, parameters, query } = call;
  const number = checkFields(outRefundNo, parameters.out_refund_no, 'url', 'out_refund_no');
  const subMchid = refundOwner(call, query.get('sub_mchid') ?? undefined, 'query');
  const found = gateway.refundBook.find(caller.mchid, number);
  const refund = found?.subMchid === subMchid ? found : undefined;
  return {
    subject: { mchid: caller.mchid, outTradeNo: refund?.outTradeNo, outRefundNo: number },
    run: () => {
      if (refund) return refundObject(refund, gateway.orderOf(refund));
      throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '退款单不存在', { internalCode: 268512771 });
    },
  };
}
