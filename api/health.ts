import type { Client } from '@temporalio/client';
import { Router } from 'express';
import type { Pool } from '../database/pool.ts';

/** How long a dependency may take to answer, in milliseconds. */
const PATIENCE_MS = 2_000;

/** The SDK may repeat a call once more after its deadline, which is then over at once: this is the deadline that stays inside of the patience. */
const TEMPORAL_DEADLINE_MS = 1_000;

/**
 * `/healthz`: the process runs. `/readyz`: it can take requests, which needs PostgreSQL only; while Temporal is away, intents and
 * notifications are stored and handed on later, and the answer says so.
 */
export function healthRoutes({
  pool,
  client,
  isStopping,
}: {
  pool: Pool;
  client: Client;
  isStopping: () => boolean;
}): Router {
  const router = Router();
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const [postgres, temporal] = await Promise.all([
      answers(pool.query('select 1')),
      // Never left behind unanswered: a repeat that comes due after the connection was closed would end the process with an exception.
      succeeds(
        client.connection.withDeadline(Date.now() + TEMPORAL_DEADLINE_MS, () =>
          client.workflowService.getSystemInfo({}),
        ),
      ),
    ]);
    const ready = postgres && !isStopping();
    response.status(ready ? 200 : 503).json({
      status: ready ? 'ready' : 'not_ready',
      postgres: postgres ? 'ok' : 'unreachable',
      temporal: temporal ? 'ok' : 'unreachable',
      ...(isStopping() && { stopping: true }),
    });
  });
  return router;
}

async function answers(probe: Promise<unknown>): Promise<boolean> {
  const timeout = new Promise<false>((resolve) => setTimeout(resolve, PATIENCE_MS, false).unref());
  return await Promise.race([succeeds(probe), timeout]);
}

function succeeds(probe: Promise<unknown>): Promise<boolean> {
  return probe.then(
    () => true,
    () => false,
  );
}
