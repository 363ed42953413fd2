import type { z } from 'zod';
import { refuse } from '../../refusals.ts';
import {
  type CodeBody,
  codeOrder,
  codePartnerOrder,
  reverseOrder,
  reversePartnerOrder,
} from '../bodies/order.ts';
import { orderObject } from '../objects/order.ts';
import { type Call, type CheckedCall, type Operation, ownBody } from '../operation.ts';
import { checkFields, outTradeNo } from '../request-body.ts';
import { existing } from './orders.ts';
import { orderer, orderTerms } from './prepay.ts';

const PATHS = [
  { prefix: '/v3/pay/transactions', partner: false },
  { prefix: '/v3/pay/partner/transactions', partner: true },
] as const;

/** Payment codes, for merchants and service providers. */
export const codepayOperations: readonly Operation[] = PATHS.flatMap(({ prefix, partner }): Operation[] => [
  {
    name: 'codepay.create',
    method: 'POST',
    path: new RegExp(`^${prefix}/codepay$`),
    check: (call) => checkCharge(call, partner),
  },
  {
    name: 'codepay.reverse',
    method: 'POST',
    path: new RegExp(`^${prefix}/out-trade-no/(?<out_trade_no>[^/]+)/reverse$`),
    faults: ['pay_before'],
    check: (call) => checkReverse(call, partner),
  },
]);

function checkCharge(call: Call, partner: boolean): CheckedCall {
  const { gateway } = call;
  const schema: z.ZodType<CodeBody> = partner ? codePartnerOrder : codeOrder;
  const sent = ownBody(call, partner ? 'sp_mchid' : 'mchid');
  // So it was seen on the live API: the field that the documentation calls optional is missed in this way.
  if (partner && sent.sp_appid === undefined) throw refuse('SYSTEM_ERROR');
  const body = checkFields(schema, sent, 'body');
  const terms = orderTerms(call, body, 'MICROPAY');
  return {
    subject: { mchid: terms.mchid, outTradeNo: terms.outTradeNo },
    run: () => {
      const order = gateway.paymentCodes.charge(terms, body.payer.auth_code);
      return order.state === 'USERPAYING' ? { trade_state: 'USERPAYING' } : orderObject(order);
    },
  };
}

function checkReverse(call: Call, partner: boolean): CheckedCall {
  const { gateway, caller, parameters } = call;
  const sent = ownBody(call, partner ? 'sp_mchid' : 'mchid');
  const body = partner
    ? checkFields(reversePartnerOrder, sent, 'body')
    : checkFields(reverseOrder, sent, 'body');
  const number = checkFields(outTradeNo, parameters.out_trade_no, 'url', 'out_trade_no');
  const { subMchid } = orderer(caller, body);
  return {
    subject: { mchid: caller.mchid, outTradeNo: number },
    run: () => {
      gateway.reverse(existing(gateway.findOrder(caller.mchid, { outTradeNo: number }), subMchid));
      return { ...body, out_trade_no: number };
    },
  };
}
