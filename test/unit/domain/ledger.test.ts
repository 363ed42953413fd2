import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ACCOUNT_CODES, ACCOUNTS, POSTINGS } from '../../../domain/ledger.ts';

describe('the ledger guide', () => {
  const guide = readFileSync(new URL('../../../docs/ledger.md', import.meta.url), 'utf8');
  const rows = guide
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim().replaceAll('`', '')),
    );

  it('lists the chart of accounts as it is', () => {
    assert.deepEqual(
      rows.slice(0, ACCOUNT_CODES.length),
      ACCOUNT_CODES.map((code) => [code, ACCOUNTS[code].kind, ACCOUNTS[code].purpose]),
    );
  });

  it('lists the postings as they are', () => {
    assert.deepEqual(
      rows.slice(ACCOUNT_CODES.length).map(([step, , debit, credit]) => [step, debit, credit]),
      Object.entries(POSTINGS).map(([step, { debit, credit }]) => [step, debit, credit]),
    );
  });
});
