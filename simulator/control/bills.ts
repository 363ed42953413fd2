import { z } from 'zod';
import type { ArrangedTrade } from '../bills/books.ts';
import { DOCUMENTED, settingsRequest } from '../bills/settings.ts';
import { syntheticRequest } from '../bills/synthetic.ts';
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

const settingsAnswer = settingsRequest.omit({ mchid: true }).required();

/** What is in bills, and how they look. */
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
