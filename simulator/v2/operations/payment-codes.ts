import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import type { Order } from '../../orders/order.ts';
import { AUTH_CODE } from '../../orders/payment-code.ts';
import { checkElements, orderNumber, text } from '../elements.ts';
import { V2Error } from '../error.ts';
import {
  type CheckedV2Call,
  existing,
  orderOf,
  repeatable,
  type V2Call,
  type V2Operation,
} from '../operation.ts';
import { paidElements } from '../order-elements.ts';
import { checkOrderQuery, orderTerms, orderTermsElements } from './orders.ts';
import { codeOwner } from './tools.ts';

const micropay = z.object({ ...orderTermsElements, auth_code: text(128) });
const facepay = z.object({
  ...orderTermsElements,
  face_code: text(128),
  fee_type: z.literal('CNY'),
  openid: text(128).optional(),
});
const numbers = z.object(orderNumber);

const terminal = z.object({
  store_id: text(32),
  store_name: text(128),
  device_id: text(32),
  rawdata: text(2048),
  now: z.string().regex(/^\d{10}$/, '必须为10位时间戳'),
  version: z.literal('1'),
  attach: text(2048).optional(),
});

const QUERY_FAULTS = ['pay_before', 'pay_after', 'notpay_lag'] as const;

/** Payments by a code or a face that the person shows. */
export const paymentCodeOperations: readonly V2Operation[] = [
  { name: 'v2.micropay', path: '/pay/micropay', check: checkMicropay },
  { name: 'v2.facepay', path: '/pay/facepay', signTypes: ['HMAC-SHA256'], check: checkFacepay },
  { name: 'v2.facepayQuery', path: '/pay/facepayquery', faults: QUERY_FAULTS, check: checkOrderQuery },
  {
    name: 'v2.reverse',
    path: '/secapi/pay/reverse',
    certificate: true,
    recalls: true,
    faults: ['pay_before'],
    check: checkReverse,
  },
  {
    name: 'v2.facepayReverse',
    path: '/secapi/pay/facepayreverse',
    certificate: true,
    recalls: true,
    faults: ['pay_before'],
    check: checkReverse,
  },
  {
    name: 'v2.getWxpayfaceAuthinfo',
    path: '/face/get_wxpayface_authinfo',
    answers: 'plain',
    check: checkTerminal,
  },
];

function checkMicropay(call: V2Call): CheckedV2Call {
  const order = checkElements(micropay, call.fields);
  return charge(call, { order, tradeType: 'MICROPAY', code: order.auth_code, codeName: 'auth_code' });
}

function checkFacepay(call: V2Call): CheckedV2Call {
  const order = checkElements(facepay, call.fields);
  return charge(call, {
    order,
    tradeType: 'FACEPAY',
    code: order.face_code,
    codeName: 'face_code',
    openid: order.openid,
  });
}

function charge(
  call: V2Call,
  {
    order: body,
    tradeType,
    code,
    codeName,
    openid,
  }: {
    order: z.infer<z.ZodObject<typeof orderTermsElements>>;
    tradeType: 'MICROPAY' | 'FACEPAY';
    code: string;
    codeName: string;
    openid?: string | undefined;
  },
): CheckedV2Call {
  const { gateway, caller } = call;
  const outTradeNo = body.out_trade_no;
  return {
    subject: { mchid: caller.mchid, outTradeNo },
    run: () => {
      // A face is known by its terminal; of a code the shape tells.
      if (tradeType === 'MICROPAY' && !AUTH_CODE.test(code)) throw new V2Error('AUTH_CODE_INVALID');
      refuseUsedNumber(gateway.findOrder(caller.mchid, { outTradeNo }), call, codeName);
      const terms = { ...orderTerms(call, body), tradeType, openid: openid ?? codeOwner(call, code) };
      const order = gateway.paymentCodes.charge(terms, code);
      if (order.state === 'USERPAYING') throw new V2Error('USERPAYING');
      if (order.state !== 'SUCCESS') throw new V2Error('TRADE_ERROR');
      return paidElements(order);
    },
  };
}

/** v2 tells what became of a number before it compares. */
function refuseUsedNumber(known: Order | undefined, { fields }: V2Call, codeName: string): void {
  if (!known) return;
  if (known.state === 'SUCCESS' || known.state === 'REFUND') throw new V2Error('ORDERPAID');
  if (known.state === 'REVOKED') throw new V2Error('ORDERREVERSED');
  if (known.state === 'CLOSED') throw new V2Error('ORDERCLOSED');
  const first = { ...(known.request as object), [codeName]: fields[codeName] };
  const anotherPayer = !isDeepStrictEqual(known.request, first);
  if (anotherPayer && isDeepStrictEqual(first, repeatable(fields))) throw new V2Error('BUYER_MISMATCH');
}

function checkReverse(call: V2Call): CheckedV2Call {
  const { gateway, caller } = call;
  const asked = checkElements(numbers, call.fields);
  const order = orderOf(call, asked);
  return {
    subject: { mchid: caller.mchid, outTradeNo: order?.outTradeNo ?? asked.out_trade_no },
    run: () => {
      gateway.reverse(existing(order));
      return { recall: 'N' };
    },
  };
}

function checkTerminal({ caller, gateway, fields }: V2Call): CheckedV2Call {
  checkElements(terminal, fields);
  return {
    subject: { mchid: caller.mchid },
    run: () => ({ authinfo: gateway.random.bytes(48).toString('base64'), expires_in: '86400' }),
  };
}
