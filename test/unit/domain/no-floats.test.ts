import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

/** Everything that money passes through. */
const FOLDERS = [
  ...['domain', 'wechatpay', 'gateway', 'database', 'exports'],
  ...['activities', 'workflows', 'worker', 'api', 'codec', 'process', 'cli'],
];

/** How a float is made of a text, or a text of a float; in SQL, too. */
const FLOATS = [/\bparseFloat\b/, /\.toFixed\(/, /\.toPrecision\(/, /::(real|float4|double precision)\b/i];

/** How a number is read from a text, and a part of one made. */
const READS = [
  /(?<![\w.])Number\(/,
  /(?<![\w.])\+\w+\.(replace|slice|trim)/,
  /\bMath\.(round|floor|ceil|trunc)\(/,
  /::float8\b/i,
];

/** Where texts are read as numbers that are no amounts, or only as whole ones; and times are rounded. */
const NO_AMOUNTS: Record<string, string> = {
  'activities/reconciliation/match-bills.ts': 'milliseconds',
  'activities/reconciliation/statement-row.ts':
    'hundredths in the words of an error; fees, which have five decimals',
  'api/app.ts': 'milliseconds, Content-Length',
  'api/downloads.ts': 'connections',
  'api/sagas.ts': 'seconds',
  'cli/operator-commands.ts': 'whole numbers, by their digits',
  'cli/paysaga.ts': 'ports and counts',
  'database/pool.ts': 'bigint columns: safe integers or an error',
  'database/reconciliation/copy-rows.ts': 'the bytes of whole numbers',
  'database/refund-attempts.ts': 'milliseconds',
  'database/refund-rates.ts': 'milliseconds',
  'domain/bill-day.ts': 'days',
  'domain/ledger.ts': 'the number in an id',
  'domain/refund-turn.ts': 'milliseconds',
  'domain/time.ts': 'milliseconds',
  'exports/fees.ts': 'per cent of what was paid, beside the amounts',
  'exports/xlsx.ts': 'the letters of a column',
  'wechatpay/exchange.ts': 'milliseconds',
  'wechatpay/v2/client.ts': 'seconds',
  'wechatpay/v2/fields.ts': 'fen of up to 16 digits, and indexes',
  'wechatpay/v2/invocation.ts': 'seconds',
  'wechatpay/v2/orders.ts': 'a count of entries',
  'wechatpay/v3/answer.ts': 'seconds',
  'wechatpay/v3/invocation.ts': 'seconds',
  'wechatpay/v3/transport.ts': 'seconds',
  'wechatpay/v3/verification.ts': 'seconds',
};

const sources = FOLDERS.flatMap((folder) =>
  readdirSync(`${ROOT}${folder}`, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.(ts|sql)$/.test(file))
    .map((file) => ({ file: `${folder}/${file}`, code: withoutComments(`${ROOT}${folder}/${file}`) })),
);

function withoutComments(path: string): string {
  return readFileSync(path, 'utf8').replace(/\/\*[\s\S]*?\*\/|(^|\s)(\/\/|--).*$/gm, '');
}

describe('the source', () => {
  it('makes no float of any text, and no text of any float', () => {
    assert.ok(sources.length > 200, `${sources.length} files`);
    for (const { file, code } of sources)
      for (const float of FLOATS) assert.doesNotMatch(code, float, `${file}: amounts are integer fen`);
  });

  it('reads numbers from texts, and rounds, only where they are no amounts', () => {
    const files = sources.filter(({ code }) => READS.some((read) => read.test(code))).map(({ file }) => file);
    assert.deepEqual(
      files.sort(),
      Object.keys(NO_AMOUNTS).sort(),
      'amounts are read by wechatpay/bills/money.ts',
    );
  });

  it('has amounts in no other column than a whole one', () => {
    for (const { file, code } of sources.filter(({ file }) => file.endsWith('.sql')))
      assert.doesNotMatch(
        code,
        /(amount|total|fen|fee)\w*\s+(numeric|real|double|float|money|decimal)/i,
        file,
      );
  });
});
