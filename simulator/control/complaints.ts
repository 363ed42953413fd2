import { z } from 'zod';
import {
  CONSUMER_ACTIONS,
  type ConsumerAction,
  complaintRequest,
  consumerStatement,
} from '../complaints/desk.ts';
import { type ComplaintView, complaintView } from '../complaints/view.ts';
import { listed, pageAnswer, pageQuery } from './listing.ts';
import { type AnyRoute, route } from './route.ts';

const complaintAnswer: z.ZodType<ComplaintView> = z.strictObject({
  complaint_id: z.string(),
  complaint_state: z.string(),
  problem_type: z.string(),
  complaint_detail: z.string(),
  /** Who signs for the order, and the merchant that it is about. */
  mchid: z.string(),
  complainted_mchid: z.string(),
  out_trade_no: z.string(),
  apply_refund_amount: z.int().nullable(),
  payer_phone: z.string(),
  incoming_user_response: z.boolean(),
  full_refunded: z.boolean(),
  decision: z.enum(['APPROVE', 'REJECT']).nullable(),
  created_at: z.string(),
  history: z.array(
    z.strictObject({
      log_id: z.string(),
      time: z.string(),
      operate_type: z.string(),
      details: z.string().nullable(),
    }),
  ),
});

const exampleComplaint: ComplaintView = {
  complaint_id: '200201820260301080076610000',
  complaint_state: 'PENDING',
  problem_type: 'REFUND',
  complaint_detail: 'The cup is broken',
  mchid: '1900012345',
  complainted_mchid: '1900012345',
  out_trade_no: 'T20260301A000017',
  apply_refund_amount: 1000,
  payer_phone: '13900000000',
  incoming_user_response: true,
  full_refunded: false,
  decision: null,
  created_at: '2026-03-01T13:29:35+08:00',
  history: [
    {
      log_id: '300201820260301080076610001',
      time: '2026-03-01T13:29:35+08:00',
      operate_type: 'USER_CREATE_COMPLAINT',
      details: 'The cup is broken',
    },
  ],
};

const answer = { schema: complaintAnswer, example: exampleComplaint };

const ACTION_SUMMARIES: Record<ConsumerAction, string> = {
  continue: 'The customer complains again about the same order.',
  revoke: 'The customer takes the complaint back.',
  respond: 'The customer writes to the merchant.',
  confirm: 'The customer confirms that the complaint is settled.',
};

/** What customers do about complaints. */
export const complaintControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/complaints',
    summary: 'Complaints about all merchants, newest first.',
    query: z.strictObject({
      ...pageQuery,
      mchid: z.string().optional(),
      out_trade_no: z.string().optional(),
      state: z.string().optional(),
    }),
    answer: {
      schema: z.strictObject({ complaints: z.array(complaintAnswer), ...pageAnswer }),
      example: { complaints: [exampleComplaint], total: 1, next_offset: null },
    },
    run: ({ gateway, query: { mchid, out_trade_no, state, ...page } }) => {
      const { entries, ...rest } = listed(
        gateway.complaints.book.newest(Number.POSITIVE_INFINITY),
        page,
        (one) =>
          (mchid === undefined || one.mchid === mchid || one.complaintedMchid === mchid) &&
          (out_trade_no === undefined || one.outTradeNo === out_trade_no) &&
          (state === undefined || one.state === state),
      );
      return { complaints: entries.map(complaintView), ...rest };
    },
  }),
  route({
    method: 'POST',
    path: '/complaints',
    summary: 'The customer complains about a paid order; the merchant is notified.',
    body: {
      schema: complaintRequest,
      example: { out_trade_no: 'T20260301A000017', problem_type: 'REFUND', apply_refund_amount: 1000 },
    },
    answer,
    run: ({ gateway, body }) => gateway.complaints.complain(body),
  }),
  route({
    method: 'GET',
    path: '/complaints/{complaint_id}',
    summary: 'One complaint with its history.',
    answer,
    run: ({ gateway, parameters }) => gateway.complaints.view(parameters.complaint_id ?? ''),
  }),
  ...(Object.keys(CONSUMER_ACTIONS) as ConsumerAction[]).map((action) =>
    route({
      method: 'POST',
      path: `/complaints/{complaint_id}/${action}`,
      summary: ACTION_SUMMARIES[action],
      body: { schema: consumerStatement, example: { details: 'Please answer' } },
      answer,
      run: ({ gateway, parameters, body }) =>
        gateway.complaints.consumerActs(parameters.complaint_id ?? '', action, body),
    }),
  ),
];
