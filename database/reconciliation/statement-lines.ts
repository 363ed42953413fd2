import { openAccounts } from '../ledger-accounts.ts';
import type { BillFile } from './files.ts';
import type { LongWork } from './long-work.ts';
import { stagingTable } from './staging.ts';

/**
 * Keeps what a staged statement says of settlements, and opens the ledger in each of its currencies: what is found in them may be posted. Repeating it
 * changes nothing, as a file never changes.
 */
export async function keepStatementLines(
  db: LongWork,
  { id: file, merchantId }: Pick<BillFile, 'id' | 'merchantId'>,
): Promise<void> {
  const staged = stagingTable(file);
  await db.query(
    `insert into statement_lines (file, line, sub_mchid, settlement_currency, settlement, fee_hundred_thousandths, fee_rate, payer_currency,
       payer_amount, exchange_rate)
     select $1, line, sub_mchid, settled_in, settled, fee_hundred_thousandths, fee_rate, payer_currency, payer_amount, exchange_rate
       from ${staged}
     on conflict (file, line) do nothing`,
    [file],
  );
  const { rows } = await db.query<{ currency: string }>(`select distinct currency from ${staged}`);
  await openAccounts(
    db.client,
    merchantId,
    rows.map(({ currency }) => currency),
  );
}
