import { z } from 'zod';
import { exampleOrder } from './examples.ts';
import { listed, pageAnswer, pageQuery } from './listing.ts';
import { type AnyRoute, route } from './route.ts';
import { orderAnswer, scanAnswer } from './view.ts';

/** Whose number it is, where several merchants use the same one; the newest unless told. */
export const ownerQuery = z.strictObject({ mchid: z.string().optional() });

const answer = { schema: orderAnswer, example: exampleOrder };

const payRequest = z.strictObject({
  /** Pay through this code, which must be alive: a code_url, h5_url or prepay_id. */
  code_url: z.string().optional(),
  /** Lets money land that was under way when the order expired or was closed. */
  late: z.boolean().optional(),
  /** CASH coupons are funded by WeChat Pay, NOCASH ones by the merchant. */
  coupon: z
    .strictObject({ amount: z.int().positive(), type: z.enum(['CASH', 'NOCASH']).optional() })
    .optional(),
  /** Who pays; drawn unless told. */
  openid: z.string().min(1).optional(),
});

const payerRequest = z.strictObject({ account: z.enum(['normal', 'abnormal']) });

/** What people do with orders. */
export const orderControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/orders',
    summary: 'Orders of all merchants, newest first.',
    query: z.strictObject({
      ...pageQuery,
      mchid: z.string().optional(),
      out_trade_no: z.string().optional(),
      state: z.string().optional(),
    }),
    answer: {
      schema: z.strictObject({ orders: z.array(orderAnswer), ...pageAnswer }),
      example: { orders: [exampleOrder], total: 1, next_offset: null },
    },
    run: ({ gateway, query: { mchid, out_trade_no, state, ...page } }) => {
      const { entries, ...rest } = listed(
        gateway.orderBook.newest(Number.POSITIVE_INFINITY),
        page,
        (order) =>
          (mchid === undefined || order.mchid === mchid || order.subMchid === mchid) &&
          (out_trade_no === undefined || order.outTradeNo === out_trade_no) &&
          (state === undefined || order.state === state),
      );
      return { orders: entries.map((order) => gateway.viewOf(order)), ...rest };
    },
  }),
  route({
    method: 'GET',
    path: '/orders/{out_trade_no}',
    summary: 'One order.',
    query: ownerQuery,
    answer,
    run: ({ gateway, parameters, query }) => gateway.order(parameters.out_trade_no ?? '', query.mchid),
  }),
  route({
    method: 'POST',
    path: '/orders/{out_trade_no}/pay',
    summary:
      'The person pays, with a coupon if given; the merchant is notified. A pending password counts as typed.',
    query: ownerQuery,
    body: { schema: payRequest, example: { coupon: { amount: 200, type: 'CASH' } } },
    answer,
    run: ({ gateway, parameters, query, body: { code_url, ...payment } }) =>
      gateway.pay(parameters.out_trade_no ?? '', { ...payment, codeUrl: code_url }, query.mchid),
  }),
  route({
    method: 'POST',
    path: '/orders/{out_trade_no}/fail',
    summary: 'The person tries and does not pay: the order stays NOTPAY, that of a payment code is PAYERROR.',
    query: ownerQuery,
    body: {
      schema: z.strictObject({ reason: z.enum(['wrong_password', 'cancelled']) }),
      example: { reason: 'wrong_password' },
    },
    answer,
    run: ({ gateway, parameters, query, body }) =>
      gateway.fail(parameters.out_trade_no ?? '', body.reason, query.mchid),
  }),
  route({
    method: 'POST',
    path: '/orders/{out_trade_no}/cancel',
    summary: 'The person cancels on the phone; the order can still be paid.',
    query: ownerQuery,
    answer,
    run: ({ gateway, parameters, query }) =>
      gateway.fail(parameters.out_trade_no ?? '', 'cancelled', query.mchid),
  }),
  route({
    method: 'POST',
    path: '/orders/{out_trade_no}/expire',
    summary: 'The time to pay is over now: the order stays NOTPAY, and nobody can pay it.',
    query: ownerQuery,
    answer,
    run: ({ gateway, parameters, query }) => gateway.expire(parameters.out_trade_no ?? '', query.mchid),
  }),
  route({
    method: 'PUT',
    path: '/orders/{out_trade_no}/payer',
    summary: 'Says whether the account that paid can still receive a refund.',
    query: ownerQuery,
    body: { schema: payerRequest, example: { account: 'abnormal' } },
    answer,
    run: ({ gateway, parameters, query, body }) =>
      gateway.setPayerOf(parameters.out_trade_no ?? '', body.account, query.mchid),
  }),
  route({
    method: 'PUT',
    path: '/payers/{openid}',
    summary: 'Says whether whatever this person paid can be refunded to them.',
    body: { schema: payerRequest, example: { account: 'abnormal' } },
    run: ({ gateway, parameters, body }) =>
      gateway.payers.setAbnormal(parameters.openid ?? '', body.account === 'abnormal'),
  }),
  route({
    method: 'GET',
    path: '/codes',
    summary: 'What a phone shows after scanning a code_url, or opening an h5_url or a prepay_id.',
    query: z.strictObject({ code_url: z.string() }),
    answer: { schema: scanAnswer, example: { status: 'payable', order: exampleOrder } },
    run: ({ gateway, query }) => gateway.scan(query.code_url),
  }),
];
