import assert from 'node:assert/strict';
import fc from 'fast-check';
import { BillError, readFundFlowBill, readTradeBill } from '../../../../wechatpay/bills/index.ts';
import {
  bill,
  line,
  PAYMENT,
  pieces,
  REFUND,
  readAll,
  SUMMARY_TITLES,
  TITLES,
  TWO_ROWS,
} from './gateway-bill.ts';

const SUMMARY = [SUMMARY_TITLES.all, '2', '25.90', '10.00', '0.00', '0.10000', '25.90', '10.00'] as const;
const ROWS = bill(TITLES.all, [PAYMENT, REFUND]);

/** Reads it in one piece and in small ones; both must be refused in the same way. */
async function refused(text: string | Buffer): Promise<{ error: BillError; rows: number }> {
  const whole = await readAll(readTradeBill(pieces(text)));
  const cut = await readAll(readTradeBill(pieces(text, 977)));
  assert.ok(whole.error instanceof BillError, String(whole.error));
  assert.ok(cut.error instanceof BillError, String(cut.error));
  assert.deepEqual(
    { message: cut.error.message, line: cut.error.line, rows: cut.rows },
    { message: whole.error.message, line: whole.error.line, rows: whole.rows },
  );
  assert.equal(whole.error.code, 'BILL_MALFORMED');
  assert.equal(whole.error.outcome, 'rejected');
  assert.equal(whole.error.retryable, false);
  assert.ok(whole.error.message.length < 1_500, 'a page of the file is in the message');
  assert.equal(whole.summary, undefined);
  assert.equal(cut.summary, undefined);
  return { error: whole.error, rows: whole.rows.length };
}

describe('malformed bills', () => {
  for (const [what, text, lineNumber, expected] of [
    ['nothing', '', 1, /ends without the header of a trade bill/],
    ['blank lines', '\n\r\n\n', 3, /ends without the header/],
    ['an HTML page', '<!DOCTYPE html>\n<html><body>502 Bad Gateway</body></html>\n', 1, /XML or HTML/],
    ['XML', '<xml>\n<return_code><![CDATA[FAIL]]></return_code></xml>', 1, /XML or HTML/],
    ['XML below a blank line and blanks', '\n  <?xml version="1.0"?>', 2, /XML or HTML/],
    ['JSON', '{"code":"NO_STATEMENT_EXIST","message":"请求的账单文件不存在"}', 1, /JSON/],
    ['a JSON list', '[]', 1, /JSON/],
    ['gzip', Buffer.from([0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 1, 2, 3]), 1, /gzip/],
    [
      'another text',
      'No Bill Exist',
      1,
      /"No Bill Exist" is not the header of a trade bill: it has no 交易时间/,
    ],
    ['bytes that are no text', Buffer.alloc(3_000, 0xff), 1, /not the header/],
    ['zeros', Buffer.alloc(3_000), 1, /not the header/],
    ['a fund-flow bill', `${TITLES.fundFlow}\n`, 1, /not the header of a trade bill/],
    ['rows without titles', `${line(TITLES.all, PAYMENT)}\n`, 1, /not the header/],
    ['titles without 手续费', TITLES.all.replace(',手续费', ''), 1, /it has no 手续费\./],
    ['two columns of one title', `${TITLES.all},手续费\n`, 1, /second column "手续费"/],
    ['two titles of one column', `${TITLES.all},总金额\n`, 1, /second column "总金额"/],
    ['two unknown columns of one title', `${TITLES.all},x,x\n`, 1, /second column "x"/],
    ['titles alone', `${TITLES.all}\n`, 1, /ends without its summary/],
    ['no summary', ROWS, 3, /ends without its summary/],
    ['a summary header alone', `${ROWS}${SUMMARY_TITLES.all}\n`, 4, /ends without its summary/],
    [
      'a summary without its sum',
      `${ROWS}总交易单数,手续费总金额\n\`2,\`0.10000\n`,
      4,
      /it has no 应结订单总金额/,
    ],
    [
      'a summary without its count',
      `${ROWS}应结订单总金额,手续费总金额\n\`2,\`0.1\n`,
      4,
      /it has no 总交易单数/,
    ],
    ['a summary of another bill', `${ROWS}${SUMMARY_TITLES.fundFlow}\n`, 4, /not the header of a summary/],
    ['a row without its backticks', ROWS.replace('\n`2026', '\n2026'), 2, /not the header of a summary/],
    ['an HTML page in the middle', `${ROWS}<html>\n`, 4, /XML or HTML/],
    [
      'a summary with a column less',
      `${ROWS}${SUMMARY_TITLES.all}\n\`2,\`25.90\n`,
      5,
      /2 columns, its header 7/,
    ],
    ['a row after the summary', `${TWO_ROWS}${line(TITLES.all, PAYMENT)}\n`, 6, /row after the summary/],
    ['a second summary', `${TWO_ROWS}\n${SUMMARY_TITLES.all}\n`, 7, /something after the summary/],
    ['a second bill', `${TWO_ROWS}${TWO_ROWS}`, 6, /something after the summary/],
    ['bytes after the summary', `${TWO_ROWS}x`, 6, /something after the summary/],
    ['a row with a column less', ROWS.replace(',`wx0f0123456789abcd', ''), 2, /26 columns, its header 27/],
    ['a row with a column more', ROWS.replace(',`wx', ',`,`wx'), 2, /28 columns, its header 27/],
    ['a row that is cut off', ROWS.slice(0, -30), 3, /columns, its header 27/],
    ['a backtick alone', `${TITLES.all}\n\`\n`, 2, /1 columns, its header 27/],
  ] as const) {
    it(`${what} is refused with its line`, async () => {
      const { error } = await refused(text);
      assert.equal(error.line, lineNumber);
      assert.match(error.message, new RegExp(`^Line ${lineNumber}: `));
      assert.match(error.message, expected);
    });
  }

  for (const amount of [
    '',
    ' ',
    '+1.00',
    '1e2',
    'NaN',
    'Infinity',
    '２５.９０',
    '1 000.00',
    '1.001',
    '10000000000000.00',
    '-',
    '0x1',
    '9'.repeat(1_000),
    '茶',
  ]) {
    it(`an amount of ${JSON.stringify(amount.slice(0, 20))} is refused with its line and column`, async () => {
      const { error, rows } = await refused(
        bill(TITLES.all, [PAYMENT, { ...PAYMENT, 应结订单金额: amount }], SUMMARY),
      );
      assert.equal(error.line, 3);
      assert.match(error.message, /应结订单金额 reads "/);
      assert.equal(rows, 1);
    });
  }

  it('a fee of more than five decimals is refused', async () => {
    const { error } = await refused(bill(TITLES.all, [{ ...PAYMENT, 手续费: '0.160001' }], SUMMARY));
    assert.match(error.message, /手续费 reads "0.160001", which is not an amount of at most five decimals/);
  });

  for (const [index, field] of [
    'total_count',
    'settlement_total',
    'refund_total',
    'coupon_refund_total',
    'fee_total_milli_fen',
    'order_total',
    'requested_refund_total',
  ].entries()) {
    it(`a summary with another ${field} is refused by its name`, async () => {
      const changed: [string, ...string[]] = [...SUMMARY];
      changed[index + 1] = '3';
      const { error, rows } = await refused(bill(TITLES.all, [PAYMENT, REFUND], changed));
      assert.match(error.message, new RegExp(`\\(${field}\\) is `));
      assert.equal(error.line, 5);
      assert.equal(rows, 2);
    });
  }

  it('a difference of a thousandth of a fen is found', async () => {
    const text = TWO_ROWS.replace('`0.10000', '`0.10001');
    assert.match((await refused(text)).error.message, /is 10001, but the rows add up to 10000/);
  });

  it('sums that no number can hold exactly are refused, never rounded', async () => {
    const most = { ...PAYMENT, 应结订单金额: '9999999999999.99' };
    const least = { ...PAYMENT, 应结订单金额: '-9999999999999.99' };
    const rows = [...Array.from({ length: 12 }, () => most), ...Array.from({ length: 12 }, () => least)];
    const { error } = await refused(
      bill(TITLES.success, rows, [SUMMARY_TITLES.success, '24', '0.00', '3.84000', '621.60']),
    );
    assert.match(error.message, /more than any 应结订单总金额/);
  });

  it('a line of 64 KiB is read, and one byte more is refused', async () => {
    const rest = line(TITLES.success, { ...PAYMENT, 商品名称: '' }).length;
    const of = (length: number) =>
      bill(
        TITLES.success,
        [PAYMENT, { ...PAYMENT, 商品名称: 'x'.repeat(length - rest) }],
        [SUMMARY_TITLES.success, '2', '51.80', '0.32000', '51.80'],
      );
    for (const size of [1_000, 65_536, 65_537, 1_000_000]) {
      const longest = await readAll(readTradeBill(pieces(of(65_536), size)));
      assert.equal(longest.error, undefined);
      assert.equal(longest.rows[1]?.description.length, 65_536 - rest);
      const longer = await readAll(readTradeBill(pieces(of(65_537), size)));
      assert.match(String(longer.error), /^BillError: Line 3: The line has more than 65536 bytes/);
      assert.equal(longer.rows.length, 1);
    }
  });

  it('a line without an end is refused as soon as it is too long, not at the end of the file', async () => {
    for (const size of [1, 1_000, 100_000]) {
      let given = 0;
      const endless = async function* () {
        yield Buffer.from(TITLES.all);
        for (;;) {
          given += size;
          yield Buffer.alloc(size, 0x2c);
        }
      };
      const { error } = await readAll(readTradeBill(endless()));
      assert.match(String(error), /more than 65536 bytes/);
      assert.ok(given <= 65_536 + size, `${given} bytes were taken`);
    }
  });

  it('errors of the source pass through unchanged, after the rows before them', async () => {
    const broken = new Error('connection reset');
    const source = async function* () {
      yield Buffer.from(ROWS);
      throw broken;
    };
    const { rows, error, summary } = await readAll(readTradeBill(source()));
    assert.equal(error, broken);
    assert.equal(rows.length, 2);
    assert.equal(summary, undefined);
  });

  it('any bytes, and any change of a bill, end in rows or in a BillError', async () => {
    const template = Buffer.from(TWO_ROWS);
    const damaged = fc
      .record({
        at: fc.nat({ max: template.length - 1 }),
        remove: fc.nat({ max: 5 }),
        insert: fc.oneof(
          fc.uint8Array({ maxLength: 5 }),
          fc.constantFrom('`', ',', ',`', '\n', '\r', '-', '9').map((text) => Buffer.from(text)),
        ),
      })
      .map(({ at, remove, insert }) =>
        Buffer.concat([template.subarray(0, at), insert, template.subarray(at + remove)]),
      );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          damaged,
          fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
        ),
        fc.integer({ min: 1, max: 500 }),
        async (bytes, size) => {
          for (const read of [readTradeBill, readFundFlowBill]) {
            const { error, summary } = await readAll<unknown, unknown>(read(pieces(bytes, size)));
            assert.ok(
              error instanceof BillError || (error === undefined && summary !== undefined),
              String(error),
            );
          }
        },
      ),
      { numRuns: 500 },
    );
  });
});
