import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import {
  ACCOUNT_CODES,
  ACCOUNTS,
  isReversible,
  ledgerSequence,
  ledgerTransactionId,
  POSTINGS,
  REVERSAL,
} from '../../../domain/ledger.ts';

describe('the ledger guide', () => {
  const guide = readFileSync(new URL('../../../docs/ledger.md', import.meta.url), 'utf8');
  /** The rows of the table in a section. */
  const rowsOf = (heading: string) =>
    (guide.split(/^## /m).find((section) => section.startsWith(`${heading}\n`)) ?? '')
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
      rowsOf('Accounts'),
      ACCOUNT_CODES.map((code) => [code, ACCOUNTS[code].kind, ACCOUNTS[code].purpose]),
    );
  });

  it('lists the postings as they are, and which of them can be taken back', () => {
    assert.deepEqual(
      rowsOf('Postings').map(([step, , debit, credit, back]) => [step, debit, credit, back]),
      Object.entries(POSTINGS).map(([step, { debit, credit }]) => [
        step,
        debit,
        credit,
        isReversible(step) ? 'yes' : 'no',
      ]),
    );
  });
});

describe('ledger', () => {
  it('a reversal cannot be taken back, nor what the chart does not know', () => {
    assert.equal(isReversible(REVERSAL), false);
    assert.equal(isReversible('toString'), false);
  });

  it('a transaction is found again by its public id, and by nothing else', () => {
    for (const sequence of [1, 10, 123_456_789_012_345]) {
      assert.equal(ledgerSequence(ledgerTransactionId(sequence)), sequence);
    }
    for (const id of [
      'txn_0',
      'txn_01',
      'txn_-1',
      'txn_1.5',
      'txn_',
      'txn_99999999999999999',
      'pay_1',
      '1',
      '',
    ]) {
      assert.equal(ledgerSequence(id), undefined, id);
    }
  });
});
