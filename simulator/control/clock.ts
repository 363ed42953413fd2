import { z } from 'zod';
import type { Gateway } from '../gateway.ts';
import { chinaTime } from '../time/china-time.ts';
import { dateTime } from '../v3/request-body.ts';
import { type AnyRoute, route } from './route.ts';

/** Ten years: further than anything waits. */
const FURTHEST_MS = 10 * 365 * 24 * 3600_000;

const clockRequest = z.union([
  z.strictObject({
    /** Milliseconds forward. */
    advance_ms: z.int().positive().max(FURTHEST_MS),
  }),
  z.strictObject({ set: dateTime }),
  z.strictObject({
    /** Shows real time again. */
    reset: z.literal(true),
  }),
]);

const clockAnswer = z.strictObject({
  /** RFC 3339 in Asia/Shanghai. */
  time: z.string(),
  /** How far the simulator's clock is ahead of the real one. */
  offset_ms: z.number(),
});
const example = { time: '2026-03-08T12:00:00+08:00', offset_ms: 604_800_000 };

const view = ({ timers }: Gateway) => ({ time: chinaTime(timers.now()), offset_ms: timers.offset });

/** The simulator's clock. */
export const clockControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/clock',
    summary: 'What the simulator takes for the present.',
    answer: { schema: clockAnswer, example },
    run: ({ gateway }) => view(gateway),
  }),
  route({
    method: 'POST',
    path: '/clock',
    summary:
      'Moves the clock; what became due on the way happens in its order before the answer: retries, refunds, expiries. Signatures keep real time.',
    body: { schema: clockRequest, example: { advance_ms: 604_800_000 } },
    answer: {
      schema: clockAnswer.extend({
        /** How many things that waited happened. */
        happened: z.int().nonnegative(),
      }),
      example: { ...example, happened: 15 },
    },
    run: async ({ gateway, body }) => {
      const happened = await gateway.moveClock(body);
      return { ...view(gateway), happened };
    },
  }),
];
