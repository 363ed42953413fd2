import { createReadStream, createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { from as copyFrom } from 'pg-copy-streams';
import type { Pool } from '../database/pool.ts';
import { inLongTransaction, LONG_TIMEOUT } from '../database/reconciliation/long-work.ts';
import type { BillFileMade, BillsMade } from './reconciliation-books.ts';

const COLUMNS = { trade: 27, fundFlow: 11 } as const;

/** What the least work takes, in seconds. */
export interface Bound {
  copySeconds: number;
  joinSeconds: number;
}

/**
 * The lower bound: the same decompressed rows, copied into ordinary tables of the same columns as `psql` would, and one hash join with our payments. Nothing is
 * checked, summed up or stored. The rows are written to files of COPY's own form before the clock starts.
 */
export async function measureBound(pool: Pool, bills: BillsMade): Promise<Bound> {
  const files = { trade: await asCopyText(bills.trade), fundFlow: await asCopyText(bills.fundFlow) };
  try {
    return await inLongTransaction(pool, async (db) => {
      for (const [name, columns] of Object.entries(COLUMNS)) {
        const list = Array.from({ length: columns }, (_, index) => `c${index + 1} text`);
        await db.query(`create table bound_${name} (${list.join(', ')})`);
      }
      const started = performance.now();
      for (const [name, path] of Object.entries(files)) {
        const copy = db.client.query(Object.assign(copyFrom(`copy bound_${name} from stdin`), LONG_TIMEOUT));
        await pipeline(createReadStream(path, { highWaterMark: 256 * 1024 }), copy);
      }
      const copied = performance.now();
      // The transaction id is the sixth column of a trade bill.
      await db.query(
        'select count(*), sum(p.amount) from bound_trade b join payments p on p.transaction_id = b.c6',
      );
      const joined = performance.now();
      await db.query('drop table bound_trade, bound_fundflow');
      return { copySeconds: (copied - started) / 1000, joinSeconds: (joined - copied) / 1000 };
    });
  } finally {
    await Promise.all(Object.values(files).map((path) => rm(path, { force: true })));
  }
}

/** The rows of a bill in the text form of COPY. */
async function asCopyText({ path, rows }: BillFileMade): Promise<string> {
  const lines = createInterface({ input: createReadStream(path).pipe(createGunzip()) });
  const texts = async function* () {
    let [seen, text] = [0, ''];
    for await (const line of lines) {
      if (!line.startsWith('`') || seen === rows) continue;
      seen += 1;
      text += `${line.slice(1).replaceAll('\\', '\\\\').replaceAll(',`', '\t')}\n`;
      if (text.length < 256 * 1024) continue;
      yield text;
      text = '';
    }
    yield text;
  };
  const target = `${path}.copy`;
  await pipeline(Readable.from(texts()), createWriteStream(target));
  return target;
}
