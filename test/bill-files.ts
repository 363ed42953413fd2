import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ActivityDependencies } from '../activities/dependencies.ts';
import { type BillOutcome, loadBill } from '../activities/reconciliation/load-bill.ts';
import { balances } from '../database/ledger.ts';
import type { Pool } from '../database/pool.ts';
import type { AccountDay } from '../database/reconciliation/account.ts';
import { readBytes } from '../database/reconciliation/files.ts';
import type { BillKind } from '../domain/region.ts';
import type { WechatOverseas } from '../gateway/overseas.ts';
import { type BillAddress, openBillFile, type StatementHash, type WechatPay } from '../wechatpay/index.ts';

/** How a file comes that was changed by hand. */
export interface Delivery {
  /** That of the text unless told. */
  sha1?: string;
  /** The compressed text unless told. */
  packed?: Buffer;
  /** So many downloads are cut off before one is whole. */
  damaged?: number;
}

/** A file as it was downloaded, decompressed. */
export async function soundFile(pool: Pool, kind: BillKind): Promise<Buffer> {
  const { rows } = await pool.query("select id from bill_files where status = 'loaded' and kind = $1", [
    kind,
  ]);
  const pieces: Buffer[] = [];
  for await (const piece of readBytes(pool, rows[0].id, 0)) pieces.push(piece);
  const bytes = Buffer.concat(pieces);
  return bytes[0] === 0x1f ? gunzipSync(bytes) : bytes;
}

/** The text with a line changed, 1 is the header. */
export const withLine = (text: Buffer, line: number, change: (line: string) => string): string =>
  text
    .toString()
    .split('\n')
    .map((content, index) => (index === line - 1 ? change(content) : content))
    .join('\n');

/** Loads this file instead of WeChat Pay's, after some workers have died of it. */
export async function loadFile(
  pool: Pool,
  { day, kind, text, delivery = {} }: Loading,
): Promise<{ dependencies: ActivityDependencies; outcome: BillOutcome }> {
  const { sha1 = createHash('sha1').update(text).digest('hex'), packed = gzipSync(text) } = delivery;
  let { damaged = 0 } = delivery;
  const hash: StatementHash = { hash_type: 'SHA1', hash_value: sha1 };
  const address: BillAddress = {
    ...hash,
    download_url: 'https://api.mch.weixin.qq.com/v3/billdownload/file?token=x',
  };
  const files = {
    fetch: async () => {
      damaged -= 1;
      return Readable.from([damaged >= 0 ? packed.subarray(0, packed.length >> 1) : packed]);
    },
    open: (bytes: Readable, { hash_value }: StatementHash) =>
      openBillFile(bytes, { sha1: hash_value, gzip: 'detect' }),
  };
  const bills = { ...files, trade: async () => address, fundFlow: async () => address };
  const statements = { ...files, fetch: async () => ({ hash, bytes: await files.fetch() }) };
  const dependencies = {
    pool,
    merchants: {
      get: async () => ({ wechat: { bills } as unknown as WechatPay }),
      overseas: async () => ({ statements }) as unknown as WechatOverseas,
    },
  } as unknown as ActivityDependencies;
  const environment = new MockActivityEnvironment({ attempt: 3 });
  const outcome: BillOutcome = await environment.run(loadBill(dependencies), {
    day,
    kind,
    patience: { creatingGapMs: 1, againMs: 1 },
  });
  return { dependencies, outcome };
}

/** Which file is loaded. */
export interface Loading {
  day: AccountDay;
  kind: BillKind;
  text: Buffer | string;
  delivery?: Delivery | undefined;
}

/** The file is kept, refused with this line and reason, and nothing else has changed. */
export async function refused(
  pool: Pool,
  loading: Loading,
  expected: { code: string; line: number | null; detail: RegExp },
): Promise<void> {
  const untouched = async () => ({
    balances: await balances(pool, loading.day.merchantId),
    lines: (await pool.query('select count(*) from reconciliation_lines')).rows,
    settled: (await pool.query('select count(*) from statement_lines')).rows,
    staging: (await pool.query("select count(*) from pg_tables where schemaname = 'bill_staging'")).rows,
    current: (await pool.query("select id from bill_files where status = 'loaded' order by id")).rows,
  });
  const before = await untouched();
  const { outcome } = await loadFile(pool, loading);
  assert.ok(outcome.kind === 'failed', JSON.stringify(outcome));
  assert.deepEqual(
    [outcome.failure.code, outcome.failure.line],
    [expected.code, expected.line],
    outcome.failure.detail,
  );
  assert.match(outcome.failure.detail, expected.detail);
  assert.deepEqual(await untouched(), before);
  const { rows } = await pool.query(
    `select f.failure_code, f.failure_line, sum(length(b.bytes))::int bytes from bill_files f join bill_file_bytes b on b.file = f.id
      where f.status = 'failed' group by f.id order by f.id desc limit 1`,
  );
  const { packed = gzipSync(loading.text) } = loading.delivery ?? {};
  assert.deepEqual(rows, [
    { failure_code: expected.code, failure_line: expected.line, bytes: packed.length },
  ]);
}
