import { sealTransactions } from '../database/ledger-seals.ts';
import type { Pool } from '../database/pool.ts';
import type { Logger } from '../process/logger.ts';
import { BATCH, type Relay, startRelay } from './relay.ts';

/** Transactions sealed in one database transaction. */
const SEALS = 500;

/**
 * Seals the ledger: each committed transaction gets its place in the chain of hashes of its merchant, a moment after it was written, so that
 * those who write never wait for each other.
 */
export function startLedgerSealer({
  pool,
  log,
  idleMs = 2_000,
}: {
  pool: Pool;
  log: Logger;
  /** How often to look, in milliseconds. */
  idleMs?: number;
}): Relay {
  return startRelay({
    name: 'ledger-seals',
    pool,
    idleMs,
    log,
    // A full batch is followed by another at once.
    turn: async () => ((await sealTransactions(pool, SEALS)) === SEALS ? BATCH : 0),
  });
}
