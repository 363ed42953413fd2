import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import { from as copyFrom } from 'pg-copy-streams';
import type { Pool } from '../database/pool.ts';
import { inLongTransaction, LONG_TIMEOUT } from '../database/reconciliation/long-work.ts';
import { POSTINGS } from '../domain/ledger.ts';
import { dayOf } from '../simulator/bills/calendar.ts';
import type { Entry } from '../simulator/bills/entry.ts';
import { FundFlowBill } from '../simulator/bills/fund-flow-bill.ts';
import { DOCUMENTED } from '../simulator/bills/settings.ts';
import { syntheticEntries } from '../simulator/bills/synthetic.ts';
import { type BillTable, billPieces } from '../simulator/bills/table.ts';
import { TradeBill } from '../simulator/bills/trade-bill.ts';

/** The day of every bill of the benchmark. */
export const DAY = '2026-11-01';

/** A bill as a gzip file. */
export interface BillFileMade {
  path: string;
  rows: number;
  /** Decompressed. */
  bytes: number;
  sha1: string;
}

/** Both bills of a day. */
export interface BillsMade {
  trade: BillFileMade;
  fundFlow: BillFileMade;
}

/** Who trades. */
export interface Trader {
  mchid: string;
  appid: string;
}

/** The trade of the day, made anew for whoever asks, always the same. */
export function tradeOf({ mchid, appid }: Trader, rows: number): Generator<Entry> {
  const day = dayOf(DAY);
  if (!day) throw new Error(`${DAY} is no day`);
  return syntheticEntries({ mchid, appid, rows, seed: 7 }, day);
}

/** Writes both bills of `rows` rows of trade, by the simulator's own words. */
export async function makeBills(trader: Trader, rows: number, folder: string): Promise<BillsMade> {
  const write = async (name: string, table: BillTable): Promise<BillFileMade> => {
    const hash = createHash('sha1');
    let [bytes, count] = [0, 0];
    const pieces = function* () {
      for (const piece of billPieces(tradeOf(trader, rows), table, { newline: 'lf', bom: false })) {
        hash.update(piece.bytes);
        bytes += piece.bytes.length;
        count += piece.rows;
        yield piece.bytes;
      }
    };
    const path = join(folder, `${name}-${rows}.csv.gz`);
    await pipeline(Readable.from(pieces()), createGzip(), createWriteStream(path));
    return { path, rows: count, bytes, sha1: hash.digest('hex') };
  };
  return {
    trade: await write('trade', new TradeBill('ALL', DOCUMENTED)),
    fundFlow: await write('fund-flow', new FundFlowBill('BASIC', 0, DOCUMENTED)),
  };
}

/**
 * Our side of the same trade: payments, refunds and their ledger, as the sagas would have left them. Written without triggers and checks of keys, which
 * would take minutes and are not what is measured.
 */
export async function fillBooks(
  pool: Pool,
  { tenantId, merchantId }: { tenantId: string; merchantId: string },
  trader: Trader,
  rows: number,
): Promise<void> {
  await inLongTransaction(pool, async (db) => {
    await db.query('set local session_replication_role = replica');
    await db.query(
      `create temporary table trade (number integer, kind text, at timestamptz, transaction_id text, out_trade_no text, refund_id text,
         out_refund_no text, amount bigint) on commit drop`,
    );
    const texts = function* () {
      let number = 0;
      let text = '';
      for (const { kind, time, transactionId, outTradeNo, total, refund } of tradeOf(trader, rows)) {
        number += 1;
        text += `${number}\t${kind}\t${new Date(time).toISOString()}\t${transactionId}\t${outTradeNo}\t${refund?.refundId ?? '\\N'}\t${refund?.outRefundNo ?? '\\N'}\t${refund?.amount ?? total}\n`;
        if (text.length < 65_536) continue;
        yield Buffer.from(text);
        text = '';
      }
      yield Buffer.from(text);
    };
    await pipeline(
      Readable.from(texts()),
      db.client.query(Object.assign(copyFrom('copy trade from stdin'), LONG_TIMEOUT)),
    );
    await db.query('analyze trade');
    await db.query(
      `insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status, version,
         appid, code_url, prepay_issued_at, transaction_id, payer_total, success_time)
       select 'pay_' || md5(t.transaction_id), $1, $2, t.out_trade_no, 'NATIVE', t.amount, 'CNY', 'Tea set', t.at + interval '2 hours',
              case when r.out_trade_no is null then 'PAID' else 'REFUNDED' end, 3, $3, 'weixin://wxpay/bizpayurl?pr=abcdef', t.at,
              t.transaction_id, t.amount, t.at
         from trade t left join (select out_trade_no from trade where kind = 'refund') r on r.out_trade_no = t.out_trade_no
        where t.kind = 'payment'`,
      [tenantId, merchantId, trader.appid],
    );
    await db.query(
      `insert into refunds (id, tenant_id, merchant_id, payment_id, amount, status, version, success_time)
       select 'ref_' || md5(refund_id), $1, $2, 'pay_' || md5(transaction_id), amount, 'SUCCEEDED', 4, at
         from trade where kind = 'refund'`,
      [tenantId, merchantId],
    );
    await db.query(
      `insert into refund_attempts (tenant_id, merchant_id, refund_id, number, out_refund_no, wechat_refund_id, outcome, ended_at)
       select $1, $2, 'ref_' || md5(refund_id), 1, out_refund_no, refund_id, 'SUCCEEDED', at from trade where kind = 'refund'`,
      [tenantId, merchantId],
    );
    const { rows: last } = await db.query<{ last: number }>(
      'select coalesce(max(sequence), 0) as last from ledger_transactions',
    );
    await db.query(
      `insert into ledger_transactions (sequence, tenant_id, merchant_id, step, cause_id, payment_id, refund_id, effective_at)
       overriding system value
       select $3 + number, $1, $2, case kind when 'payment' then 'payment.paid' else 'refund.succeeded' end,
              case kind when 'payment' then 'pay_' || md5(transaction_id) else 'ref_' || md5(refund_id) end, 'pay_' || md5(transaction_id),
              case kind when 'refund' then 'ref_' || md5(refund_id) end, at
         from trade`,
      [tenantId, merchantId, last[0]?.last ?? 0],
    );
    await db.query(
      `insert into ledger_entries (transaction, account, tenant_id, side, amount)
       select $3 + t.number, a.id, $1, s.side, t.amount
         from trade t
         join (values ('payment', 'debit', '${POSTINGS['payment.paid'].debit}'), ('payment', 'credit', '${POSTINGS['payment.paid'].credit}'),
                      ('refund', 'debit', '${POSTINGS['refund.succeeded'].debit}'), ('refund', 'credit', '${POSTINGS['refund.succeeded'].credit}'))
           s (kind, side, code) on s.kind = t.kind
         join ledger_accounts a on a.merchant_id = $2 and a.code = s.code`,
      [tenantId, merchantId, last[0]?.last ?? 0],
    );
    await db.query(
      `select setval(pg_get_serial_sequence('ledger_transactions', 'sequence'), (select max(sequence) from ledger_transactions))`,
    );
  });
  for (const table of ['payments', 'refunds', 'ledger_transactions', 'ledger_entries']) {
    await inLongTransaction(pool, (db) => db.query(`analyze ${table}`));
  }
}
