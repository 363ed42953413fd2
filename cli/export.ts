import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { BreakAgeingQuery, Camt053Query, EXPORT_QUERIES, StatementQuery } from '../api/ledger-schemas.ts';
import { accountIn } from '../database/ledger-accounts.ts';
import type { Pool } from '../database/pool.ts';
import { billDateOf } from '../domain/bill-day.ts';
import { type AccountCode, GATEWAY_ACCOUNT } from '../domain/ledger.ts';
import { rfc3339 } from '../domain/time.ts';
import {
  EXPORT_NAMES,
  EXPORTS,
  exportBreakAgeing,
  exportCamt053,
  exportReconciliation,
  exportStatement,
} from '../exports/catalogue.ts';
import type { ExportFile } from '../exports/file.ts';
import { mustFindRun } from './found.ts';
import { merchantNamed, merchantsNamed, readOptions, withPool } from './query.ts';
import { UsageError } from './usage-error.ts';

type Options = { merchant?: string; output?: string } & Record<string, string | undefined>;

/** `paysaga export journal` and the others of {@link EXPORTS} */
export function writeExport(command: string, { merchant, output, ...options }: Options): Promise<void> {
  const name = EXPORT_NAMES.find((one) => one === command);
  if (!name) throw new Error(`there is no export ${command}`);
  const { merchant_id, by, from, to, ...as } = readOptions(EXPORT_QUERIES[name], {
    ...options,
    merchant_id: merchant,
  });
  warnUnlessOver(to);
  return withPool(async (pool) => {
    const { id, mchid } = await merchantNamed(pool, merchant_id);
    await save(EXPORTS[name](pool, { merchantId: id, by, from, to }, mchid, as), output);
  });
}

/** `paysaga export camt.053` */
export function writeCamt053({ merchant, output, ...options }: Options): Promise<void> {
  const query = readOptions(Camt053Query, { ...options, merchant_id: merchant });
  const { merchant_id, currency, by, from, to } = query;
  warnUnlessOver(to);
  return withPool(async (pool) => {
    const account = await accountOf(pool, merchant_id, GATEWAY_ACCOUNT, currency);
    await save(exportCamt053(pool, account, { merchantId: account.merchantId, by, from, to }), output);
  });
}

/** `paysaga ledger statement` */
export function writeStatement({ merchant, output, ...options }: Options): Promise<void> {
  const {
    account: code,
    currency,
    by,
    from,
    to,
    merchant_id,
    ...as
  } = readOptions(StatementQuery, { ...options, merchant_id: merchant });
  warnUnlessOver(to);
  return withPool(async (pool) => {
    const account = await accountOf(pool, merchant_id, code, currency);
    const period = { merchantId: account.merchantId, by, from, to };
    await save(exportStatement(pool, account, period, as), output);
  });
}

/** `paysaga export break-ageing` */
export function writeBreakAgeing({ merchant, output, ...options }: Options): Promise<void> {
  const as = readOptions(BreakAgeingQuery, options);
  return withPool(async (pool) => {
    const whose = await merchantsNamed(pool, merchant);
    await save(exportBreakAgeing(pool, whose, billDateOf(new Date()), as), output);
  });
}

/** `paysaga export reconciliation` */
export function writeReconciliation(id: string, { output }: Options): Promise<void> {
  return withPool(async (pool) => {
    await save(exportReconciliation(pool, await mustFindRun(pool, id)), output);
  });
}

/** The file is written all the same: somebody may want to know how the day goes. */
function warnUnlessOver(to: Date): void {
  if (to > new Date())
    console.error(`${rfc3339(to)} has not come yet: whoever writes the file again later finds more in it`);
}

async function accountOf(
  pool: Pool,
  merchant: string | undefined,
  code: AccountCode,
  currency: string | undefined,
) {
  const { id, mchid } = await merchantNamed(pool, merchant);
  const account = await accountIn(pool, id, code, currency);
  if (!account) throw new UsageError(`${mchid} has no account ${code} in ${currency}`);
  if ('currencies' in account)
    throw new UsageError(`name one with --currency: ${mchid} took ${account.currencies.join(', ')}`);
  return account;
}

/** Writes the file; one that could not be finished is not left behind. */
async function save({ body }: ExportFile, output: string | undefined): Promise<void> {
  if (output === undefined) {
    // A reader that has seen enough (`| head`) is no error.
    return await pipeline(body, process.stdout, { end: false }).catch((error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE' && error.code !== 'ERR_STREAM_PREMATURE_CLOSE') throw error;
    });
  }
  try {
    await pipeline(body, createWriteStream(output, { flags: 'wx' }));
  } catch (error) {
    const { code, syscall } = error as NodeJS.ErrnoException;
    if (syscall === 'open')
      throw new UsageError(
        `cannot write ${output}: ${code === 'EEXIST' ? 'there is such a file already' : code}`,
      );
    await rm(output, { force: true });
    throw error;
  }
}
