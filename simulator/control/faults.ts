import { z } from 'zod';
import { faultRequest, faultRule, firedFault } from '../faults/fault.ts';
import { recording } from '../faults/replay.ts';
import { exampleFault, exampleFired } from './examples.ts';
import { listed, pageAnswer, pageQuery } from './listing.ts';
import { type AnyRoute, route } from './route.ts';

const replayAnswer = z.strictObject({ waiting: z.int().nonnegative().nullable() });

/** What goes wrong. */
export const faultControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/faults',
    summary: 'Arranged faults that are not spent, oldest first.',
    answer: {
      schema: z.strictObject({ faults: z.array(faultRule) }),
      example: { faults: [exampleFault] },
    },
    run: ({ gateway }) => ({ faults: gateway.faults() }),
  }),
  route({
    method: 'POST',
    path: '/faults',
    summary: 'Arranges a fault.',
    body: {
      schema: faultRequest,
      example: { operation: 'order.*', kind: 'error_500', probability: 0.1, times: null },
    },
    answer: { schema: faultRule, example: exampleFault },
    run: ({ gateway, body }) => gateway.addFault(body),
  }),
  route({
    method: 'DELETE',
    path: '/faults',
    summary: 'Removes all arranged faults; the log stays.',
    run: ({ gateway }) => gateway.removeFaults(),
  }),
  route({
    method: 'DELETE',
    path: '/faults/{id}',
    summary: 'Removes an arranged fault.',
    run: ({ gateway, parameters }) => gateway.removeFault(parameters.id ?? ''),
  }),
  route({
    method: 'GET',
    path: '/fault-log',
    summary: 'Faults that fired, oldest first unless told. POST /replay takes this answer.',
    query: z.strictObject({
      ...pageQuery,
      limit: pageQuery.limit.default(10_000),
      order: z.enum(['oldest', 'newest']).default('oldest'),
    }),
    answer: {
      schema: z.strictObject({ faults: z.array(firedFault), ...pageAnswer }),
      example: { faults: [exampleFired], total: 1, next_offset: null },
    },
    run: ({ gateway, query: { order, ...page } }) => {
      const log = gateway.faultBook.log();
      const { entries: faults, ...rest } = listed(order === 'newest' ? log.reverse() : log, page);
      return { faults, ...rest };
    },
  }),
  route({
    method: 'GET',
    path: '/replay',
    summary: 'How many faults of an earlier run are still to fire; null when none is replayed.',
    answer: { schema: replayAnswer, example: { waiting: 1 } },
    run: ({ gateway }) => ({ waiting: gateway.faultBook.replaying ?? null }),
  }),
  route({
    method: 'POST',
    path: '/replay',
    summary:
      'From now on exactly these faults fire at the same calls of their operations, counted anew; arranged faults rest.',
    body: {
      schema: z.object({ faults: z.array(recording) }),
      example: { faults: [exampleFired] },
    },
    answer: { schema: replayAnswer, example: { waiting: 1 } },
    run: ({ gateway, body }) => {
      gateway.faultBook.replay(body.faults);
      return { waiting: gateway.faultBook.replaying ?? null };
    },
  }),
  route({
    method: 'DELETE',
    path: '/replay',
    summary: 'Arranged faults fire again, and no other.',
    run: ({ gateway }) => gateway.faultBook.endReplay(),
  }),
];
