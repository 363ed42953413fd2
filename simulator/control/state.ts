import { z } from 'zod';
import { faultRule, firedFault } from '../faults/fault.ts';
import { exampleFault, exampleFired } from './examples.ts';
import { type AnyRoute, route } from './route.ts';

const switchAnswer = z.strictObject({ enabled: z.boolean() });

/** The simulator as a whole. */
export const stateControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/state',
    summary: 'The first merchant, counts, arranged faults and the newest 1000 that fired.',
    answer: {
      schema: z.strictObject({
        mchid: z.string(),
        appid: z.string(),
        /** Milliseconds since 1970 on the simulator's clock. */
        time: z.number(),
        orders: z.int(),
        refunds: z.int(),
        notifications: z.int(),
        faults: z.array(faultRule),
        fault_log: z.array(firedFault),
      }),
      example: {
        mchid: '1900012345',
        appid: 'wx0f1e2d3c4b5a6978',
        time: 1_772_337_600_000,
        orders: 1,
        refunds: 0,
        notifications: 1,
        faults: [exampleFault],
        fault_log: [exampleFired],
      },
    },
    run: ({ gateway }) => gateway.state(),
  }),
  route({
    method: 'GET',
    path: '/dump',
    summary: 'Everything that the simulator keeps, in its own words, by kind and key.',
    answer: {
      schema: z.record(z.string(), z.record(z.string(), z.unknown())),
      example: {
        clock: { offset: 604_800_000 },
        order: { '1900012345/T20260301A000017': { state: 'NOTPAY' } },
      },
    },
    run: ({ gateway }) => gateway.dump(),
  }),
  route({
    method: 'GET',
    path: '/rate-limits',
    summary: 'Whether calls beyond the documented figures are answered 429.',
    answer: { schema: switchAnswer, example: { enabled: false } },
    run: ({ gateway }) => ({ enabled: gateway.rateLimits.enabled }),
  }),
  route({
    method: 'PUT',
    path: '/rate-limits',
    summary: 'Switches rate limits on or off.',
    body: { schema: switchAnswer, example: { enabled: true } },
    answer: { schema: switchAnswer, example: { enabled: true } },
    run: ({ gateway, body: { enabled } }) => {
      gateway.rateLimits.enabled = enabled;
      return { enabled };
    },
  }),
  route({
    method: 'POST',
    path: '/reset',
    summary: 'Forgets everything but the merchants and their keys.',
    run: ({ gateway }) => gateway.reset(),
  }),
];
