import { z } from 'zod';
import { balanceRequest } from '../balance.ts';
import { type AnyRoute, route } from './route.ts';

const balanceAnswer = z.strictObject({
  limited: z.boolean(),
  AVAILABLE: z.int(),
  UNSETTLED: z.int(),
  UNAVAILABLE: z.int(),
  day: z.string(),
});
const exampleBalance = { limited: true, AVAILABLE: 1000, UNSETTLED: 0, UNAVAILABLE: 0, day: '20260301' };

/** What belongs to merchants. */
export const merchantControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/merchants/{mchid}/balance',
    summary: 'What a merchant or sub-merchant has on its accounts, in fen.',
    answer: { schema: balanceAnswer, example: exampleBalance },
    run: ({ gateway, parameters }) => gateway.balance(parameters.mchid ?? ''),
  }),
  route({
    method: 'PUT',
    path: '/merchants/{mchid}/balance',
    summary: 'Sets accounts, and whether refunds need money on them.',
    body: { schema: balanceRequest, example: { limited: true, AVAILABLE: 1000 } },
    answer: { schema: balanceAnswer, example: exampleBalance },
    run: ({ gateway, parameters, body }) => gateway.setBalance(parameters.mchid ?? '', body),
  }),
  route({
    method: 'POST',
    path: '/merchants/{mchid}/refund-notify-url',
    summary: 'Where a merchant hears of refunds that name no address; null for nowhere.',
    body: {
      schema: z.strictObject({ url: z.url().nullable() }),
      example: { url: 'https://pay.example.com/refunds' },
    },
    run: ({ gateway, parameters, body }) =>
      gateway.settings.setRefundNotifyUrl(parameters.mchid ?? '', body.url),
  }),
];
