import { GatewayError } from '../gateway-error.ts';
import { type Call, type CheckedCall, type Operation, subMerchant } from '../operation.ts';
import { refundRequest } from '../refund-body.ts';
import { refundObject } from '../refund-object.ts';
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

function checkRefund({ gateway, caller, body }: Call): CheckedCall {
  const { mchid } = caller;
  const request = checkFields(refundRequest, parseJson(body), 'body');
  if (caller.role === 'partner') subMerchant(caller, request.sub_mchid ?? '');
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
        subMchid: request.sub_mchid,
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

function checkRefundQuery({ gateway, caller, parameters, query }: Call): CheckedCall {
  const number = checkFields(outRefundNo, parameters.out_refund_no, 'url', 'out_refund_no');
  const found = gateway.refundBook.find(caller.mchid, number);
  const refund = found?.subMchid === (query.get('sub_mchid') ?? undefined) ? found : undefined;
  return {
    subject: { mchid: caller.mchid, outTradeNo: refund?.outTradeNo, outRefundNo: number },
    run: () => {
      if (refund) return refundObject(refund, gateway.orderOf(refund));
      throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '退款单不存在', { internalCode: 268512771 });
    },
  };
}
