import { z } from 'zod';
import { exampleRefund } from './examples.ts';
import { listed, pageAnswer, pageQuery } from './listing.ts';
import { ownerQuery } from './orders.ts';
import { type AnyRoute, route } from './route.ts';
import { refundAnswer, refundView } from './view.ts';

const answer = { schema: refundAnswer, example: exampleRefund };

/** What becomes of refunds. */
export const refundControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/refunds',
    summary: 'Refunds of all merchants, newest first.',
    query: z.strictObject({
      ...pageQuery,
      mchid: z.string().optional(),
      out_trade_no: z.string().optional(),
      out_refund_no: z.string().optional(),
      state: z.string().optional(),
    }),
    answer: {
      schema: z.strictObject({ refunds: z.array(refundAnswer), ...pageAnswer }),
      example: { refunds: [exampleRefund], total: 1, next_offset: null },
    },
    run: ({ gateway, query: { mchid, out_trade_no, out_refund_no, state, ...page } }) => {
      const { entries, ...rest } = listed(
        gateway.refundBook.newest(Number.POSITIVE_INFINITY),
        page,
        (refund) =>
          (mchid === undefined || refund.mchid === mchid || refund.subMchid === mchid) &&
          (out_trade_no === undefined || refund.outTradeNo === out_trade_no) &&
          (out_refund_no === undefined || refund.outRefundNo === out_refund_no) &&
          (state === undefined || refund.status === state),
      );
      return { refunds: entries.map(refundView), ...rest };
    },
  }),
  route({
    method: 'GET',
    path: '/refunds/{out_refund_no}',
    summary: 'One refund.',
    query: ownerQuery,
    answer,
    run: ({ gateway, parameters, query }) => gateway.refund(parameters.out_refund_no ?? '', query.mchid),
  }),
  route({
    method: 'POST',
    path: '/refunds/{out_refund_no}/finish',
    summary: 'Ends a refund, well or not, and notifies the merchant.',
    query: ownerQuery,
    body: {
      schema: z.strictObject({ status: z.enum(['SUCCESS', 'ABNORMAL', 'CLOSED']) }),
      example: { status: 'ABNORMAL' },
    },
    answer,
    run: ({ gateway, parameters, query, body }) =>
      gateway.finishRefund(parameters.out_refund_no ?? '', body.status, query.mchid),
  }),
];
