import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { AGEING_COLUMNS } from '../../../exports/break-ageing.ts';
import { EXPORT_NAMES } from '../../../exports/catalogue.ts';
import { feeColumns } from '../../../exports/fees.ts';
import { journalColumns } from '../../../exports/journal.ts';
import { RUN_BREAK_COLUMNS, RUN_LINE_COLUMNS, RUN_SUMMARY_COLUMNS } from '../../../exports/reconciliation.ts';
import { summaryColumns } from '../../../exports/settlement-summary.ts';
import { STATEMENT_COLUMNS } from '../../../exports/statement.ts';

describe('the guide to finance exports', () => {
  const guide = readFileSync(new URL('../../../docs/finance-exports.md', import.meta.url), 'utf8');
  const sections = guide.split(/^##+ /m);

  for (const [heading, columns] of [
    ['Statement', STATEMENT_COLUMNS],
    ['Journal', journalColumns('posted_at')],
    ['Settlement summary', summaryColumns('posted_at', '1900000001')],
    ['Fees', feeColumns('posted_at')],
    ['Break ageing', AGEING_COLUMNS],
    ['Summary', RUN_SUMMARY_COLUMNS],
    ['Lines', RUN_LINE_COLUMNS],
    ['Breaks', RUN_BREAK_COLUMNS],
  ] as const) {
    it(`lists the columns of ${heading} as they are`, () => {
      const section = sections.find((one) => one.startsWith(`${heading}\n`)) ?? '';
      assert.deepEqual(
        [...section.matchAll(/^\| `(\w+)` \| (\w+) \|/gm)].map(([, name, kind]) => [name, kind]),
        columns.map(({ name, kind }) => [name, kind]),
      );
    });
  }

  it('names every export', () => {
    for (const name of [...EXPORT_NAMES, 'camt.053', 'break-ageing', 'reconciliation']) {
      assert.ok(guide.includes(`\`paysaga export ${name}\``), name);
      assert.ok(guide.includes(`\`GET /v1/exports/${name}\``), name);
    }
  });
});
