import { createHash } from 'node:crypto';
import { ledgerTransactionId } from '../domain/ledger.ts';
import { inTransaction, type Pool } from './pool.ts';
import { fromSnapshot } from './snapshot.ts';

/** What comes before the first seal of a chain. */
const GENESIS = Buffer.alloc(32);

/** Edition of the content, so that another one can follow. */
const EDITION = 1;

/**
 * Everything a transaction says, in one fixed order, times in microseconds of UTC. What Node makes of it is the canonical form: JSON without
 * white space.
 */
const CONTENT = `json_build_array(${EDITION}, t.sequence, t.tenant_id, t.merchant_id, t.step, t.cause_id, t.payment_id, t.refund_id,
  t.out_trade_no, t.transaction_id, t.out_refund_no, t.wechat_refund_id, t.bill_reference, t.reverses, t.reason, t.actor,
  to_char(t.effective_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  to_char(t.posted_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
  (select json_agg(json_build_array(a.code, a.currency, e.side, e.amount) order by a.code collate "C", a.currency collate "C", e.side collate "C")
     from ledger_entries e join ledger_accounts a on a.id = e.account where e.transaction = t.sequence))`;

/** SHA-256 of the seal before and of the transaction's content. */
function sealOf(previous: Buffer, content: unknown): Buffer {
  return createHash('sha256').update(previous).update(JSON.stringify(content)).digest();
}

/** One sealer works at a time, over all processes. */
const LOCK = 'paysaga ledger seal';

/**
 * Seals transactions that have committed and have no seal yet, each in the chain of its merchant.
 * @param limit most transactions of one call.
 * @returns how many; 0 too when another process is at it.
 */
export async function sealTransactions(pool: Pool, limit: number): Promise<number> {
  return await inTransaction(pool, async (db) => {
    const { rows: locks } = await db.query('select pg_try_advisory_xact_lock(hashtextextended($1, 0)) mine', [
      LOCK,
    ]);
    if (!locks[0].mine) return 0;
    const { rows } = await db.query<{
      sequence: number;
      merchant: string;
      tenant: string;
      content: unknown;
    }>(
      `select t.sequence, t.merchant_id merchant, t.tenant_id tenant, ${CONTENT} content
         from (select transaction from ledger_unsealed order by transaction limit $1) u
         join ledger_transactions t on t.sequence = u.transaction
        order by t.sequence`,
      [limit],
    );
    if (rows.length === 0) return 0;
    const { rows: heads } = await db.query<{ merchant: string; position: number; hash: Buffer }>(
      `select m.id merchant, h.position, h.hash
         from unnest($1::text[]) m (id)
        cross join lateral (select position, hash from ledger_seals where merchant_id = m.id order by position desc limit 1) h`,
      [[...new Set(rows.map(({ merchant }) => merchant))]],
    );
    const chains = new Map(heads.map(({ merchant, position, hash }) => [merchant, { position, hash }]));
    const seals = rows.map(({ sequence, merchant, tenant, content }) => {
      const before = chains.get(merchant) ?? { position: 0, hash: GENESIS };
      const seal = { position: before.position + 1, hash: sealOf(before.hash, content) };
      chains.set(merchant, seal);
      return { sequence, merchant, tenant, previous: before.hash, ...seal };
    });
    await db.query(
      `insert into ledger_seals (merchant_id, tenant_id, position, transaction, previous_hash, hash)
       select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bytea[])`,
      [
        seals.map((seal) => seal.merchant),
        seals.map((seal) => seal.tenant),
        seals.map((seal) => seal.position),
        seals.map((seal) => seal.sequence),
        seals.map((seal) => seal.previous),
        seals.map((seal) => seal.hash),
      ],
    );
    await db.query('delete from ledger_unsealed where transaction = any($1)', [
      seals.map((seal) => seal.sequence),
    ]);
    return seals.length;
  });
}

/** What was found out about the chain of a merchant. */
export interface ChainReport {
  sealed: number;
  /** Transactions that have committed and wait for their seal. */
  waiting: number;
  /** The last seal: whoever has noted it elsewhere can tell later that nothing before it was changed. Null when there is none. */
  head: string | null;
  /** Whether the seal that was looked for is in the chain. */
  contains: boolean;
  /** Each transaction that is not what was sealed, and how. */
  tampered: { transaction: string; how: string }[];
}

/** Goes over the whole chain of a merchant and its transactions, and calculates everything anew. */
export async function verifyChain(
  pool: Pool,
  merchantId: string,
  { contains }: { contains?: string } = {},
): Promise<ChainReport> {
  const report: ChainReport = { sealed: 0, waiting: 0, head: null, contains: false, tampered: [] };
  let previous: Buffer = GENESIS;
  let position = 0;
  const rows = fromSnapshot(pool, (snapshot) =>
    snapshot.rows<{
      sequence: number;
      position: number | null;
      previous: Buffer;
      hash: Buffer;
      content: unknown[] | null;
      waits: boolean;
    }>(
      `select coalesce(s.transaction, t.sequence) "sequence", s.position, s.previous_hash previous, s.hash,
              case when t.sequence is not null then ${CONTENT} end content, u.transaction is not null waits
         from (select * from ledger_seals where merchant_id = $1) s
         full join (select * from ledger_transactions where merchant_id = $1) t on t.sequence = s.transaction
         left join ledger_unsealed u on u.transaction = t.sequence
        order by s.position nulls last, t.sequence`,
      [merchantId],
    ),
  );
  for await (const row of rows) {
    const tampered = (how: string) =>
      report.tampered.push({ transaction: ledgerTransactionId(row.sequence), how });
    if (row.position === null) {
      if (row.waits) report.waiting += 1;
      else tampered('was written past the seals: it has none and does not wait for one');
      continue;
    }
    if (row.position !== position + 1) tampered(`follows a gap: seal ${position + 1} is missing`);
    else if (!row.previous.equals(previous)) tampered('its seal does not follow the one before');
    if (row.content === null) tampered('is gone, or is in the books of another merchant');
    else if (!sealOf(row.previous, row.content).equals(row.hash)) tampered('is not what was sealed');
    previous = row.hash;
    position = row.position;
    report.sealed += 1;
    report.head = row.hash.toString('hex');
    if (report.head === contains) report.contains = true;
  }
  return report;
}
