import { randomUUID } from 'node:crypto';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { post } from '../database/ledger.ts';
import { findAccount } from '../database/ledger-accounts.ts';
import { sealTransactions, verifyChain } from '../database/ledger-seals.ts';
import { upsertMerchant, upsertTenant } from '../database/merchants.ts';
import { migrate } from '../database/migrate.ts';
import { inTransaction, openPool, type Pool, type Queryable } from '../database/pool.ts';
import { openVault } from '../database/secrets.ts';
import { startPostgres } from '../dev/postgres.ts';
import { GATEWAY_ACCOUNT } from '../domain/ledger.ts';
import { EXPORTS, exportCamt053 } from '../exports/catalogue.ts';

/** What the ledger's seals cost, and what exports take; on a PostgreSQL of its own that writes to its disk. */
export interface LedgerReport {
  /** Transactions a second, by how they are sealed. */
  posting: { way: keyof typeof WAYS; perSecond: number }[];
  sealedPerSecond: number;
  verifiedPerSecond: number;
  exports: { format: string; rows: number; rowsPerSecond: number; peakMib: number }[];
}

/** What is done in the transaction besides posting. */
const WAYS = {
  /** No seals at all: the baseline. */
  unsealed: async () => {},
  /** As the service does it: the transaction is noted, a sealer follows. */
  'sealed afterwards': async () => {},
  /** The chain in the transaction itself: who seals must know the seal before, and so waits for who has it. */
  'sealed at once': async (db: Queryable, merchantId: string, causeId: string) => {
    await db.query('select pg_advisory_xact_lock(hashtextextended($1, 1))', [merchantId]);
    await db.query(
      `insert into ledger_seals (merchant_id, position, tenant_id, transaction, previous_hash, hash)
       select t.merchant_id, coalesce(h.position, 0) + 1, t.tenant_id, t.sequence, coalesce(h.hash, decode(repeat('00', 32), 'hex')),
              sha256(coalesce(h.hash, '') || convert_to(t::text, 'UTF8'))
         from ledger_transactions t
         left join lateral (select position, hash from ledger_seals where merchant_id = $1 order by position desc limit 1) h on true
        where t.cause_id = $2`,
      [merchantId, causeId],
    );
  },
} as const;

/** Measures; the ways of posting take turns, so that none has the warm machine alone. */
export async function benchLedger(
  { transactions, concurrency, rows }: { transactions: number; concurrency: number; rows: number },
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<LedgerReport> {
  const postgres = await startPostgres({ signal });
  const pool = openPool(postgres.url, { max: concurrency + 1 });
  try {
    await migrate(postgres.url);
    const merchantId = await newMerchant(pool);
    const totals = new Map<keyof typeof WAYS, number>();
    const rounds = 4;
    for (let round = 0; round <= rounds; round += 1) {
      for (const way of Object.keys(WAYS) as (keyof typeof WAYS)[]) {
        signal.throwIfAborted();
        await pool.query(
          `alter table ledger_transactions ${way === 'sealed afterwards' ? 'enable' : 'disable'} trigger ledger_await_seal`,
        );
        const seconds = await postMany(pool, merchantId, way, Math.ceil(transactions / rounds), concurrency);
        // The first round warms up.
        if (round > 0) totals.set(way, (totals.get(way) ?? 0) + seconds);
        say(`round ${round}: ${way}: ${Math.round(transactions / rounds / seconds)} transactions/s`);
      }
    }
    const fresh = await newMerchant(pool);
    await pool.query('alter table ledger_transactions enable trigger ledger_await_seal');
    say(`writing ${rows} transactions`);
    await writeMany(pool, fresh, rows);
    await pool.query('vacuum analyze');
    const sealing = performance.now();
    let sealed = 0;
    for (let more = true; more; ) {
      const count = await sealTransactions(pool, 500);
      sealed += count;
      more = count > 0;
    }
    const verifying = performance.now();
    const { tampered } = await verifyChain(pool, fresh);
    const verified = performance.now();
    if (tampered.length > 0) throw new Error(`the chain does not verify: ${JSON.stringify(tampered[0])}`);
    return {
      posting: [...totals].map(([way, seconds]) => ({ way, perSecond: Math.round(transactions / seconds) })),
      sealedPerSecond: Math.round((sealed * 1000) / (verifying - sealing)),
      verifiedPerSecond: Math.round((rows * 1000) / (verified - verifying)),
      exports: await exportAll(pool, fresh, rows, say),
    };
  } finally {
    await pool.end();
    await postgres.stop();
  }
}

async function newMerchant(pool: Pool): Promise<string> {
  const tenant = await upsertTenant(pool, 'bench');
  const { id } = await upsertMerchant(pool, openVault(Buffer.alloc(32, 1)), tenant, {
    mchid: randomUUID(),
    appid: 'wx0000000000000000',
    serialNo: '0',
    privateKey: '',
    apiV3Key: '',
    publicKeys: {},
    apiBaseUrl: 'http://127.0.0.1',
  });
  return id;
}

/** Seconds that so many transactions take, so many at a time. */
async function postMany(
  pool: Pool,
  merchantId: string,
  way: keyof typeof WAYS,
  count: number,
  concurrency: number,
): Promise<number> {
  let left = count;
  const started = performance.now();
  const one = async (): Promise<void> => {
    for (; left > 0; ) {
      left -= 1;
      const causeId = randomUUID();
      await inTransaction(pool, async (db) => {
        await post(db, { step: 'suspense.in', causeId, merchantId, amount: 1, currency: 'CNY' });
        await WAYS[way](db, merchantId, causeId);
      });
    }
  };
  await Promise.all(Array.from({ length: concurrency }, one));
  return (performance.now() - started) / 1000;
}

/** Many transactions with the least ceremony: they are only there to be read. */
async function writeMany(pool: Pool, merchantId: string, count: number): Promise<void> {
  const batch = 10_000;
  for (let from = 0; from < count; from += batch) {
    await pool.query(
      `with posted as (
         insert into ledger_transactions
           (tenant_id, merchant_id, step, cause_id, effective_at, out_trade_no, transaction_id)
         select m.tenant_id, m.id, 'suspense.in', gen_random_uuid()::text, now(), 'T' || n, '42000000000000000000' || n
           from merchants m cross join generate_series($2::int + 1, least($2 + ${batch}, $3)) n where m.id = $1
         returning sequence, tenant_id, merchant_id
       )
       insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select p.sequence, a.id, p.tenant_id, case a.code when 'suspense' then 'credit' else 'debit' end, 2590
         from posted p join ledger_accounts a on a.merchant_id = p.merchant_id and a.code in ('suspense', '${GATEWAY_ACCOUNT}')`,
      [merchantId, from, count],
    );
  }
}

async function exportAll(pool: Pool, merchantId: string, rows: number, say: (line: string) => void) {
  const account = await findAccount(pool, merchantId, GATEWAY_ACCOUNT, 'CNY');
  if (!account) throw new Error('the merchant has no account');
  const day = 24 * 3600 * 1000;
  const now = Date.now();
  const period = {
    merchantId,
    by: 'posted_at' as const,
    from: new Date(now - day),
    to: new Date(now + day),
  };
  const reports: LedgerReport['exports'] = [];
  for (const [name, format] of [
    ['journal', 'csv'],
    ['journal', 'xlsx'],
    ['camt.053', undefined],
  ] as const) {
    const start = process.memoryUsage().rss;
    let peak = start;
    const meter = setInterval(() => {
      peak = Math.max(peak, process.memoryUsage().rss);
    }, 20);
    const started = performance.now();
    const { body } =
      name === 'journal'
        ? EXPORTS[name](pool, period, account.mchid, format ? { format } : {})
        : exportCamt053(pool, account, period);
    await pipeline(body, new Writable({ write: (_chunk, _encoding, done) => done() }));
    clearInterval(meter);
    const lines = name === 'journal' ? 2 * rows : rows;
    const seconds = (performance.now() - started) / 1000;
    reports.push({
      format: format ? `${name} ${format}` : name,
      rows: lines,
      rowsPerSecond: Math.round(lines / seconds),
      peakMib: Math.round(peak / 2 ** 20),
    });
    say(
      `${name} ${format ?? ''}: ${lines} rows in ${seconds.toFixed(1)} s, at most ${Math.round(peak / 2 ** 20)} MiB`,
    );
  }
  return reports;
}

/** The report as tables. */
export function formatLedger({ posting, sealedPerSecond, verifiedPerSecond, exports }: LedgerReport): string {
  return [
    ['| seals | transactions/s |', '|---|---:|'],
    posting.map(({ way, perSecond }) => `| ${way} | ${perSecond} |`),
    ['', `sealing afterwards: ${sealedPerSecond}/s; verifying: ${verifiedPerSecond}/s`, ''],
    ['| export | rows | rows/s | most memory of the process, MiB |', '|---|---:|---:|---:|'],
    exports.map(
      ({ format, rows, rowsPerSecond, peakMib }) => `| ${format} | ${rows} | ${rowsPerSecond} | ${peakMib} |`,
    ),
  ]
    .flat()
    .join('\n');
}
