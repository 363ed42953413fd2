import { type LedgerAlarm, watchLedger } from '../database/ledger-alarms.ts';
import { inTransaction, type Pool } from '../database/pool.ts';
import { formatAmount } from '../domain/money.ts';
import { rfc3339 } from '../domain/time.ts';
import type { Logger } from '../process/logger.ts';
import { type Relay, startRelay } from './relay.ts';

/**
 * Watches the accounts that have to become nothing again, late money and suspense: what has been there for so many days raises an alarm, once, which is over when
 * nothing that old is left. Any number of workers may watch; one of them says it.
 */
export function startLedgerWatch({
  pool,
  days,
  idleMs = 60_000,
  log,
}: {
  pool: Pool;
  /** How long money may stay. */
  days: number;
  /** How often to look, in milliseconds. */
  idleMs?: number;
  log: Logger;
}): Relay {
  return startRelay({
    name: 'ledger-watch',
    pool,
    idleMs,
    log,
    async turn() {
      // Said before it is committed: a worker that dies in between leaves it to be said again.
      await inTransaction(pool, async (db) => {
        const { raised, lowered } = await watchLedger(db, days);
        for (const alarm of raised)
          log.error(told(alarm), `ALARM: money has been in ${alarm.account} for too long`);
        for (const alarm of lowered)
          log.info(told(alarm), `no money is in ${alarm.account} for too long any more`);
      });
      return 0;
    },
  });
}

function told({ mchid, account, amount, currency, pieces, since }: LedgerAlarm) {
  return { mchid, account, amount: formatAmount(amount, currency), currency, pieces, since: rfc3339(since) };
}
