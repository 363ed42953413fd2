import { z } from 'zod';
import { type Alteration, alterationRequest } from '../bills/alteration.ts';
import type { ArrangedTrade } from '../bills/books.ts';
import { DOCUMENTED, settingsRequest } from '../bills/settings.ts';
import { syntheticRequest } from '../bills/synthetic.ts';
import { chinaTime } from '../time/china-time.ts';
import { type AnyRoute, route } from './route.ts';

const syntheticAnswer = z.strictObject({
  id: z.string(),
  date: z.string(),
  rows: z.int(),
  seed: z.int(),
  mchid: z.string(),
  sub_mchid: z.string().nullable(),
});
const exampleTrade: z.infer<typeof syntheticAnswer> = {
  id: '3b9e61c2-7a40-4d18-9c2f-60d1e4a7b853',
  date: '2026-03-01',
  rows: 1_000_000,
  seed: 7,
  mchid: '1900012345',
  sub_mchid: null,
};

const alterationAnswer = z.strictObject({
  id: z.string(),
  date: z.string(),
  mchid: z.string().nullable(),
  kind: alterationRequest.shape.kind,
  bill: z.enum(['trade', 'fund_flow', 'all']),
  out_trade_no: z.string().nullable(),
  out_refund_no: z.string().nullable(),
  created_at: z.string(),
});
const exampleAlteration: z.infer<typeof alterationAnswer> = {
  id: '5d1f0a77-20c4-4c1b-8a3e-9b5cf1a0d2e6',
  date: '2026-03-01',
  mchid: null,
  kind: 'missing_row',
  bill: 'trade',
  out_trade_no: 'T20260301A000017',
  out_refund_no: null,
  created_at: '2026-03-02T08:00:00+08:00',
};

const settingsAnswer = settingsRequest.omit({ mchid: true }).required();

/** What is in bills, what is wrong with them, and how they look. */
export const billControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/bills/synthetic',
    summary: 'Trade that was arranged for bills.',
    answer: {
      schema: z.strictObject({ synthetic: z.array(syntheticAnswer) }),
      example: { synthetic: [exampleTrade] },
    },
    run: ({ gateway }) => ({ synthetic: gateway.bills.synthetic().map(syntheticView) }),
  }),
  route({
    method: 'POST',
    path: '/bills/synthetic',
    summary: 'Arranges trade of a day that nobody ordered, for bills of any size.',
    body: { schema: syntheticRequest, example: { date: '2026-03-01', rows: 1_000_000, seed: 7 } },
    answer: { schema: syntheticAnswer, example: exampleTrade },
    run: ({ gateway, body }) => syntheticView(gateway.bills.addSynthetic(body)),
  }),
  route({
    method: 'DELETE',
    path: '/bills/synthetic',
    summary: 'Takes arranged trade out of all bills.',
    run: ({ gateway }) => gateway.bills.removeSynthetic(),
  }),
  route({
    method: 'GET',
    path: '/bills/alterations',
    summary: 'What is wrong with bills.',
    answer: {
      schema: z.strictObject({ alterations: z.array(alterationAnswer) }),
      example: { alterations: [exampleAlteration] },
    },
    run: ({ gateway }) => ({ alterations: gateway.bills.arrangements.alterations().map(alterationView) }),
  }),
  route({
    method: 'POST',
    path: '/bills/alterations',
    summary: 'Makes the bills of a day wrong, or issues another version of them.',
    body: {
      schema: alterationRequest,
      example: { date: '2026-03-01', kind: 'missing_row', out_trade_no: 'T20260301A000017' },
    },
    answer: { schema: alterationAnswer, example: exampleAlteration },
    run: ({ gateway, body }) => alterationView(gateway.bills.arrangements.alter(body)),
  }),
  route({
    method: 'DELETE',
    path: '/bills/alterations',
    summary: 'Makes all bills right again.',
    run: ({ gateway }) => gateway.bills.arrangements.removeAlterations(),
  }),
  route({
    method: 'POST',
    path: '/bills/settings',
    summary: 'When bills are there, how they look, and the fee rate; of one merchant, or of all of them.',
    body: { schema: settingsRequest, example: { available: 'immediately' } },
    answer: { schema: settingsAnswer, example: { ...DOCUMENTED, available: 'immediately' } },
    run: ({ gateway, body }) => gateway.bills.arrangements.set(body),
  }),
];

function syntheticView({ id, date, rows, seed, mchid, subMchid }: ArrangedTrade) {
  return { id, date, rows, seed, mchid, sub_mchid: subMchid ?? null };
}

function alterationView({ id, date, mchid, kind, bill, out_trade_no, out_refund_no, createdAt }: Alteration) {
  return {
    id,
    date,
    mchid: mchid ?? null,
    kind,
    bill,
    out_trade_no: out_trade_no ?? null,
    out_refund_no: out_refund_no ?? null,
    created_at: chinaTime(createdAt),
  };
}
