import assert from 'node:assert/strict';
import fc from 'fast-check';
import { readTradeBill } from '../../../../wechatpay/bills/index.ts';
import {
  bill,
  gatewayText,
  line,
  PAYMENT,
  pieces,
  REFUND,
  readAll,
  SUMMARY_TITLES,
  TITLES,
  TWO_ROWS,
} from './gateway-bill.ts';

describe('texts and chunks of bills', () => {
  const text = fc
    .array(
      fc.oneof(
        fc.constantFrom(',', '`', ',`', '\n', '\\n', '\\ ', '"', "'", '茶', '🫖', '\ufeff', '\0', ' ', '￿'),
        fc.string({ unit: 'binary', maxLength: 5 }).map((some) => some.replaceAll('\r', '')),
      ),
      { maxLength: 8 },
    )
    .map((parts) => parts.join(''));
  const fen = fc.integer({ min: 0, max: 10_000_000 });
  const row = fc.record({ description: text, attach: text, device_id: text, remark: text, fen, fee: fen });

  /** Adds what the values add up to. */
  const written = (
    rows: { fen: number; fee: number }[],
    values: Record<string, string>[],
    newline: string,
  ) => {
    const yuan = (sum: bigint) => `${sum / 100n}.${String(sum % 100n).padStart(2, '0')}`;
    const total = yuan(rows.reduce((sum, { fen: one }) => sum + BigInt(one), 0n));
    const fees = rows.reduce((sum, { fee }) => sum + BigInt(fee), 0n);
    return bill(
      TITLES.success,
      values,
      [
        SUMMARY_TITLES.success,
        `${rows.length}`,
        total,
        `${fees / 100_000n}.${String(fees % 100_000n).padStart(5, '0')}`,
        total,
      ],
      newline,
    );
  };

  it('rows with commas, line breaks, backticks and quotes read back as the gateway wrote them, however they are cut', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(row, { maxLength: 6 }),
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        fc.infiniteStream(fc.integer({ min: 1, max: 40 })),
        async (rows, bom, crlf, lastNewline, sizes) => {
          const values = rows.map(({ description, attach, device_id, remark, fen: total, fee }) => ({
            ...PAYMENT,
            商品名称: description,
            商户数据包: attach,
            设备号: device_id,
            费率备注: remark,
            应结订单金额: (total / 100).toFixed(2),
            订单金额: (total / 100).toFixed(2),
            手续费: (fee / 100_000).toFixed(5),
          }));
          const whole = (bom ? '\ufeff' : '') + written(rows, values, crlf ? '\r\n' : '\n');
          const bytes = Buffer.from(lastNewline ? whole : whole.replace(/\r?\n$/, ''));
          const cut = async function* () {
            for (let at = 0; at < bytes.length; ) {
              const size = sizes.next().value;
              yield bytes.subarray(at, at + size);
              at += size;
            }
          };
          const found = await readAll(readTradeBill(cut()));
          assert.equal(found.error, undefined);
          assert.deepEqual(
            found.rows.map((one) => ({
              description: one.description,
              attach: one.attach,
              device_id: one.device_id,
              remark: one.fee_rate_remark,
              fen: one.order_amount,
              fee: one.fee_milli_fen,
              rate: one.fee_rate,
            })),
            rows.map(({ description, attach, device_id, remark, fen: total, fee }) => ({
              description: gatewayText(description),
              attach: gatewayText(attach),
              device_id: gatewayText(device_id),
              remark: gatewayText(remark),
              fen: total,
              fee,
              rate: '0.60%',
            })),
          );
          assert.equal(found.summary?.total_count, rows.length);
        },
      ),
      { numRuns: 300 },
    );
  });

  it('every size of chunk gives the same rows', async () => {
    const values = { ...PAYMENT, 商品名称: '茶🫖`,', 费率备注: '活动费率' };
    const end = [SUMMARY_TITLES.all, '2', '25.90', '10.00', '0.00', '0.10000', '25.90', '10.00'] as const;
    const whole = `\ufeff${bill(TITLES.all, [values, REFUND], end, '\r\n')}`;
    const expected = await readAll(readTradeBill(pieces(whole)));
    assert.equal(expected.error, undefined);
    assert.equal(expected.rows[0]?.description, '茶🫖`\\ ');
    for (let size = 1; size < 200; size++) {
      assert.deepEqual(await readAll(readTradeBill(pieces(whole, size))), expected);
    }
  });

  it('batches have the rows in their order, and no chunk makes a huge one', async () => {
    const rows = Array.from({ length: 3_000 }, (_, index) => ({ ...PAYMENT, 商户订单号: `T${index}` }));
    const text = bill(TITLES.success, rows, [
      SUMMARY_TITLES.success,
      '3000',
      '77700.00',
      '480.00000',
      '77700.00',
    ]);
    const reader = readTradeBill(pieces(text, Number.MAX_SAFE_INTEGER));
    const numbers: string[] = [];
    for await (const batch of reader.batches()) {
      assert.ok(batch.length > 0 && batch.length < 1_000, `${batch.length} rows`);
      numbers.push(...batch.map((row) => row.out_trade_no));
    }
    assert.deepEqual(
      numbers,
      rows.map((row) => row.商户订单号),
    );
    assert.equal(reader.summary?.total_count, 3_000);
  });

  it('the parser takes no chunk before the rows of the last one are taken, and keeps none of its bytes but an unfinished line', async () => {
    const rowBytes = Buffer.from(`${line(TITLES.success, PAYMENT)}\n`);
    const chunk = Buffer.concat(Array.from({ length: 50 }, () => rowBytes));
    let given = 0;
    let taken = 0;
    const source = async function* () {
      yield Buffer.from(`${TITLES.success}\n`);
      for (let index = 0; index < 200; index++) {
        assert.equal(taken, given);
        given += 50;
        const reused = Buffer.from(chunk);
        yield reused;
        // Whoever gave the bytes may use them for something else.
        reused.fill(0);
      }
      yield Buffer.from(`${SUMMARY_TITLES.success}\n\`10000,\`259000.00,\`1600.00000,\`259000.00\n`);
    };
    for await (const row of readTradeBill(source())) {
      taken++;
      assert.equal(row.fee_rate, '0.60%');
    }
    assert.equal(taken, 10_000);
  });

  it('a loop that is left early releases the source', async () => {
    let released = false;
    const source = async function* () {
      try {
        yield Buffer.from(TWO_ROWS);
        assert.fail('asked for more');
      } finally {
        released = true;
      }
    };
    const reader = readTradeBill(source());
    for await (const row of reader) {
      assert.equal(row.mchid, '1900012345');
      break;
    }
    assert.ok(released);
    assert.equal(reader.summary, undefined);
  });

  it('a bill is read once', async () => {
    const reader = readTradeBill(pieces(TWO_ROWS));
    await readAll(reader);
    assert.match(String((await readAll(reader)).error), /only once/);
  });

  it('text instead of bytes is refused', async () => {
    const source = (async function* () {
      yield TWO_ROWS;
    })() as unknown as AsyncIterable<Uint8Array>;
    assert.ok((await readAll(readTradeBill(source))).error instanceof TypeError);
  });
});
