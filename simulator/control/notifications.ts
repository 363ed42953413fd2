import { z } from 'zod';
import { exampleNotification } from './examples.ts';
import { listed, pageAnswer, pageQuery } from './listing.ts';
import { type AnyRoute, route } from './route.ts';
import { notificationAnswer, notificationView } from './view.ts';

/** What merchants were told. */
export const notificationControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/notifications',
    summary: 'Notifications with every attempt, newest first.',
    query: z.strictObject({
      ...pageQuery,
      mchid: z.string().optional(),
      out_trade_no: z.string().optional(),
      out_refund_no: z.string().optional(),
      event_type: z.string().optional(),
      state: z.string().optional(),
    }),
    answer: {
      schema: z.strictObject({ notifications: z.array(notificationAnswer), ...pageAnswer }),
      example: { notifications: [exampleNotification], total: 1, next_offset: null },
    },
    run: ({ gateway, query: { mchid, out_trade_no, out_refund_no, event_type, state, ...page } }) => {
      const { entries, ...rest } = listed(
        gateway.notificationBook.newest(Number.POSITIVE_INFINITY),
        page,
        (one) =>
          (mchid === undefined || one.mchid === mchid) &&
          (out_trade_no === undefined || one.outTradeNo === out_trade_no) &&
          (out_refund_no === undefined || one.outRefundNo === out_refund_no) &&
          (event_type === undefined || one.eventType === event_type) &&
          (state === undefined || one.status === state),
      );
      return { notifications: entries.map(notificationView), ...rest };
    },
  }),
  route({
    method: 'POST',
    path: '/notifications/{id}/redeliver',
    summary: 'Sends a notification again at once, and answers after that attempt.',
    answer: { schema: notificationAnswer, example: exampleNotification },
    run: ({ gateway, parameters }) => gateway.redeliver(parameters.id ?? ''),
  }),
];
