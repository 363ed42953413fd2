import type { Pool } from '../database/pool.ts';
import type { Logger } from '../process/logger.ts';

/** A loop that hands rows from PostgreSQL to Temporal. */
export interface Relay {
  /** Ends after the batch in hand. */
  stop(): Promise<void>;
}

/** Rows claimed in one turn. */
export const BATCH = 50;

/**
 * Repeats `turn` for as long as it finds full batches, then sleeps until PostgreSQL announces something on `channel` or `idleMs` have
 * passed. Any number of processes may run the same relay: rows are claimed with SKIP LOCKED. A failing turn (PostgreSQL or Temporal
 * down) is logged once per outage and tried again; nothing is lost, as claims come up again by themselves.
 * @param turn claims and delivers a batch; returns how many rows it found.
 */
export function startRelay({
  name,
  pool,
  channel,
  idleMs,
  turn,
  log,
}: {
  name: string;
  pool: Pool;
  channel?: string;
  idleMs: number;
  turn: () => Promise<number>;
  log: Logger;
}): Relay {
  let running = true;
  let announced = false;
  let wake: (() => void) | undefined;
  let unlisten: (() => void) | undefined;
  let failing = false;

  const nudge = () => {
    announced = true;
    wake?.();
  };

  /** A connection of its own for LISTEN; after a break it is opened anew in the next turn. */
  async function listen(on: string): Promise<void> {
    const client = await pool.connect();
    let dropped = false;
    const drop = () => {
      if (dropped) return;
      dropped = true;
      client.removeListener('notification', nudge);
      unlisten = undefined;
      client.release(true);
    };
    client.on('error', drop);
    client.on('notification', nudge);
    try {
      await client.query(`listen ${on}`);
      unlisten = drop;
    } catch (error) {
      drop();
      throw error;
    }
  }

  function idle(): Promise<void> {
    if (announced || !running) return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(done, idleMs);
      function done() {
        clearTimeout(timer);
        wake = undefined;
        resolve();
      }
      wake = done;
    });
  }

  async function loop(): Promise<void> {
    while (running) {
      announced = false;
      try {
        if (channel && !unlisten) await listen(channel);
        let found = BATCH;
        while (running && found >= BATCH) found = await turn();
        if (failing) log.info({ relay: name }, 'relay works again');
        failing = false;
      } catch (error) {
        if (!failing) log.warn({ relay: name, err: error }, 'relay failed; it tries again');
        failing = true;
      }
      await idle();
    }
    unlisten?.();
  }

  const ended = loop();
  return {
    async stop() {
      running = false;
      wake?.();
      await ended;
    },
  };
}
