import { z } from 'zod';
import { faultRule, firedFault } from '../fault.ts';
import { exampleFault, exampleFired } from './examples.ts';
import { type AnyRoute, route } from './route.ts';

/** The simulator as a whole. */
export const stateControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/state',
    summary: 'The first merchant, counts, arranged faults and the log of those that fired.',
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
    method: 'POST',
    path: '/reset',
    summary: 'Forgets everything but the merchants and their keys.',
    run: ({ gateway }) => gateway.reset(),
  }),
];
