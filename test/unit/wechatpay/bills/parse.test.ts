import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  readFundFlowBill,
  readGlobalStatement,
  readTradeBill,
  type TradeBillRow,
} from '../../../../wechatpay/bills/index.ts';
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

/** Without the fields that are undefined: those that the layout has. */
const present = (row: object) =>
  Object.fromEntries(Object.entries(row).filter(([, value]) => value !== undefined));

const COMMON = {
  trade_time: '2026-03-01 12:03:11',
  trade_time_rfc3339: '2026-03-01T12:03:11+08:00',
  appid: 'wx0f0123456789abcd',
  mchid: '1900012345',
  sub_mchid: '0',
  device_id: 'POS7',
  transaction_id: '4200000012202603011234567890',
  out_trade_no: 'T20260301A000017',
  openid: 'oABCDEFGHIJKLMNOPQRSTUVWXYZ1',
  trade_type: 'JSAPI',
  trade_state: 'SUCCESS',
  bank_type: 'OTHERS',
  currency: 'CNY',
  settlement_total: 2590,
  coupon_amount: 200,
  description: 'Tea set',
  attach: 'c=1',
  fee_milli_fen: 16_000,
  fee_rate: '0.60%',
};
const NO_REFUND = {
  refund_id: '0',
  out_refund_no: '0',
  refund_amount: 0,
  coupon_refund_amount: 0,
  refund_type: '',
  refund_status: '',
};
const NEW_END = { order_amount: 2590, requested_refund_amount: 0, fee_rate_remark: '' };
const REFUND_COMMON = {
  ...COMMON,
  trade_time: '2026-03-02 09:00:01',
  trade_time_rfc3339: '2026-03-02T09:00:01+08:00',
  trade_state: 'REFUND',
  settlement_total: 0,
  coupon_amount: 0,
  refund_id: '50300000122026030212345678901',
  out_refund_no: 'R20260302000001',
  refund_amount: 1000,
  coupon_refund_amount: 0,
  refund_type: 'ORIGINAL',
  refund_status: 'SUCCESS',
  fee_milli_fen: -6000,
};

describe('trade bills', () => {
  it('the bill of all trades has payments and refunds', async () => {
    const { rows, summary, error } = await readAll(readTradeBill(pieces(TWO_ROWS)));
    assert.equal(error, undefined);
    assert.deepEqual(rows.map(present), [
      { ...COMMON, ...NO_REFUND, ...NEW_END },
      { ...REFUND_COMMON, order_amount: 0, requested_refund_amount: 1000, fee_rate_remark: '' },
    ]);
    assert.deepEqual(summary, {
      total_count: 2,
      settlement_total: 2590,
      refund_total: 1000,
      coupon_refund_total: 0,
      fee_total_milli_fen: 10_000,
      order_total: 2590,
      requested_refund_total: 1000,
    });
  });

  it('the bill of payments has no refund columns', async () => {
    const text = bill(TITLES.success, [PAYMENT], [SUMMARY_TITLES.success, '1.0', '25.90', '0.16', '25.9']);
    const { rows, summary, error } = await readAll(readTradeBill(pieces(text)));
    assert.equal(error, undefined);
    assert.deepEqual(rows.map(present), [{ ...COMMON, order_amount: 2590, fee_rate_remark: '' }]);
    assert.deepEqual(summary, {
      total_count: 1,
      settlement_total: 2590,
      fee_total_milli_fen: 16_000,
      order_total: 2590,
    });
  });

  it('the bill of refunds has their two times', async () => {
    const processing = { ...REFUND, 退款成功时间: '', 退款状态: 'PROCESSING' };
    const text = bill(
      TITLES.refund,
      [REFUND, processing],
      [SUMMARY_TITLES.all, '2', '0.00', '20.00', '0.00', '-0.12000', '0.00', '20.00'],
    );
    const { rows, error } = await readAll(readTradeBill(pieces(text)));
    assert.equal(error, undefined);
    const expected = {
      ...REFUND_COMMON,
      refund_apply_time: '2026-03-02 09:00:01',
      refund_apply_time_rfc3339: '2026-03-02T09:00:01+08:00',
      refund_success_time: '2026-03-02 09:00:05',
      refund_success_time_rfc3339: '2026-03-02T09:00:05+08:00',
      order_amount: 0,
      requested_refund_amount: 1000,
      fee_rate_remark: '',
    };
    const { refund_success_time_rfc3339: _, ...unfinished } = expected;
    assert.deepEqual(rows.map(present), [
      expected,
      { ...unfinished, refund_success_time: '', refund_status: 'PROCESSING' },
    ]);
  });

  for (const layout of ['old', 'oldRedPacket'] as const) {
    it(`the old layout has the same fields (${TITLES[layout].split(',')[13]})`, async () => {
      const text = bill(
        TITLES[layout],
        [PAYMENT, REFUND],
        [SUMMARY_TITLES[layout], '2', '25.90', '10.00', '0.00', '0.10000'],
        '\r\n',
      );
      const { rows, summary, error } = await readAll(readTradeBill(pieces(`\ufeff${text}`)));
      assert.equal(error, undefined);
      assert.deepEqual(rows.map(present), [{ ...COMMON, ...NO_REFUND }, REFUND_COMMON]);
      assert.deepEqual(summary, {
        total_count: 2,
        settlement_total: 2590,
        refund_total: 1000,
        coupon_refund_total: 0,
        fee_total_milli_fen: 10_000,
      });
    });
  }

  it('an old bill of payments may print sums of refunds that are zero', async () => {
    const titles = TITLES.old
      .split(',')
      .filter((title) => !title.includes('退款'))
      .join(',');
    const good = bill(titles, [PAYMENT], [SUMMARY_TITLES.old, '1', '25.90', '0.00', '0.00', '0.16000']);
    assert.equal((await readAll(readTradeBill(pieces(good)))).error, undefined);
    const bad = bill(titles, [PAYMENT], [SUMMARY_TITLES.old, '1', '25.90', '0.01', '0.00', '0.16000']);
    assert.match(String((await readAll(readTradeBill(pieces(bad)))).error), /总?退款/);
  });

  it('fees below a fen are exact, and so is their sum', async () => {
    const rows = ['0.00020', '0.00020', '0.00001'].map((fee) => ({ ...PAYMENT, 手续费: fee }));
    const text = bill(TITLES.success, rows, [SUMMARY_TITLES.success, '3', '77.70', '0.00041', '77.70']);
    const found = await readAll(readTradeBill(pieces(text)));
    assert.equal(found.error, undefined);
    assert.deepEqual(
      found.rows.map((row) => row.fee_milli_fen),
      [20, 20, 1],
    );
    assert.equal(found.summary?.fee_total_milli_fen, 41);
  });

  it('a bill without rows has a summary of zeros', async () => {
    const text = bill(TITLES.success, [], [SUMMARY_TITLES.success, '0', '0.00', '0.00000', '0.00']);
    const { rows, summary, error } = await readAll(readTradeBill(pieces(text)));
    assert.equal(error, undefined);
    assert.deepEqual(rows, []);
    assert.equal(summary?.total_count, 0);
  });

  it('columns may come in any order, and those unknown are kept', async () => {
    await fc.assert(
      fc.asyncProperty(fc.shuffledSubarray(TITLES.all.split(','), { minLength: 27 }), async (titles) => {
        const shuffled = [...titles.slice(0, 5), '门店编号', ...titles.slice(5), '__proto__'].join(',');
        const values = { ...PAYMENT, 门店编号: '001`店', ['__proto__']: 'x' };
        const text = bill(
          shuffled,
          [values],
          [`${SUMMARY_TITLES.success},渠道`, '1', '25.90', '0.16000', '25.90', 'wx'],
        );
        const { rows, summary, error } = await readAll(readTradeBill(pieces(text)));
        assert.equal(error, undefined);
        const { extra, ...row } = rows[0] as TradeBillRow;
        assert.deepEqual(present(row), { ...COMMON, ...NO_REFUND, ...NEW_END });
        assert.deepEqual(extra, { 门店编号: '001`店', ['__proto__']: 'x' });
        assert.deepEqual(summary?.extra, { 渠道: 'wx' });
      }),
      { numRuns: 30 },
    );
  });

  it('what is no time stays a text', async () => {
    for (const time of [
      '',
      '0',
      '2014-11-10 16：33：45',
      '2026-03-01T12:03:11',
      '2026-13-01 12:03:11',
      '2026-00-01 12:03:11',
      '2026-03-32 12:03:11',
      '2026-03-01 24:03:11',
      '2026-03-01 12:60:11',
      '2026-03-01 12:03:60',
      '2026-3-1 12:03:11',
      '20x6-03-01 12:03:11',
    ]) {
      const text = bill(
        TITLES.success,
        [{ ...PAYMENT, 交易时间: time }],
        [SUMMARY_TITLES.success, '1', '25.90', '0.16000', '25.90'],
      );
      const { rows, error } = await readAll(readTradeBill(pieces(text)));
      assert.equal(error, undefined);
      assert.equal(rows[0]?.trade_time, time);
      assert.equal(rows[0]?.trade_time_rfc3339, undefined, time);
    }
  });
});

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

describe('fund-flow bills', () => {
  const PAID = {
    记账时间: '2026-03-01 12:03:11',
    微信支付业务单号: '4200000012202603011234567890',
    资金流水单号: '1000000012202603011234567890',
    业务名称: '交易',
    业务类型: '交易',
    收支类型: '收入',
    '收支金额(元)': '25.90',
    '账户结余(元)': '125.90',
    资金变更提交申请人: 'system',
    备注: '结算总金额 25.90 元;含手续费 0.16 元',
    业务凭证号: '4200000012202603011234567890',
  };
  const FEE = {
    ...PAID,
    业务类型: '扣除交易手续费',
    收支类型: '支出',
    '收支金额(元)': '0.16',
    '账户结余(元)': '',
  };
  const SUMMARY = [SUMMARY_TITLES.fundFlow, '2.0', '1.0', '25.90', '1.0', '0.16'] as const;

  for (const [brackets, change] of [
    ['ASCII', (text: string) => text],
    ['full-width', (text: string) => text.replace('(元)', '（元）').replace('(元)', '（元）')],
  ] as const) {
    it(`income and expense are read and summed, with ${brackets} brackets`, async () => {
      const text = change(bill(TITLES.fundFlow, [PAID, FEE], SUMMARY));
      const { rows, summary, error } = await readAll(readFundFlowBill(pieces(text)));
      assert.equal(error, undefined);
      const paid = {
        accounting_time: '2026-03-01 12:03:11',
        accounting_time_rfc3339: '2026-03-01T12:03:11+08:00',
        business_id: '4200000012202603011234567890',
        flow_id: '1000000012202603011234567890',
        business_name: '交易',
        business_type: '交易',
        direction: '收入',
        amount: 2590,
        balance: 12590,
        applicant: 'system',
        remark: '结算总金额 25.90 元;含手续费 0.16 元',
        voucher_no: '4200000012202603011234567890',
      };
      const { balance: _, ...fee } = {
        ...paid,
        business_type: '扣除交易手续费',
        direction: '支出',
        amount: 16,
      };
      assert.deepEqual(rows.map(present), [paid, fee]);
      assert.deepEqual(summary, {
        total_count: 2,
        income_count: 1,
        income_amount: 2590,
        expense_count: 1,
        expense_amount: 16,
      });
    });
  }

  for (const [index, field] of [
    'total_count',
    'income_count',
    'income_amount',
    'expense_count',
    'expense_amount',
  ].entries()) {
    it(`a summary with another ${field} is refused by its name`, async () => {
      const changed: [string, ...string[]] = [...SUMMARY];
      changed[index + 1] = '7';
      const { error, summary } = await readAll(
        readFundFlowBill(pieces(bill(TITLES.fundFlow, [PAID, FEE], changed))),
      );
      assert.match(String(error), new RegExp(`\\(${field}\\)`));
      assert.equal(summary, undefined);
    });
  }
});

describe('overseas statements', () => {
  const PAID = {
    ...PAYMENT,
    充值券币种: 'HKD',
    充值券金额: '0.00',
    优惠券币种: 'HKD',
    优惠券金额: '1.50',
    标价币种: 'HKD',
    '订单金额(标价币种)': '25.90',
    用户支付币种: 'CNY',
    用户支付金额: '22.41',
    结算币种: 'HKD',
    应结订单金额: '25.90',
    支付汇率: '86500000',
    退款汇率: '',
    申请退款金额: '',
    用户退款币种: '',
    用户退款金额: '',
    退款结算币种: '',
    退款应结订单金额: '',
    充值券退款金额: '',
    优惠券退款金额: '',
  };

  it('all 38 columns are read, blank amounts as undefined; there is no summary to miss', async () => {
    assert.equal(TITLES.global.split(',').length, 38);
    const { rows, summary, error } = await readAll(readGlobalStatement(pieces(bill(TITLES.global, [PAID]))));
    assert.equal(error, undefined);
    const { currency: _, settlement_total: __, coupon_amount: ___, fee_milli_fen: ____, ...common } = COMMON;
    assert.deepEqual(rows.map(present), [
      {
        ...common,
        recharge_coupon_currency: 'HKD',
        recharge_coupon_amount: 0,
        discount_coupon_currency: 'HKD',
        discount_coupon_amount: 150,
        refund_id: '0',
        out_refund_no: '0',
        refund_type: '',
        refund_status: '',
        fee_hundred_thousandths: 16_000,
        currency: 'HKD',
        order_amount: 2590,
        payer_currency: 'CNY',
        payer_amount: 2241,
        settlement_currency: 'HKD',
        settlement_total: 2590,
        exchange_rate: '86500000',
        refund_exchange_rate: '',
        payer_refund_currency: '',
        refund_settlement_currency: '',
      },
    ]);
    assert.deepEqual(summary, { total_count: 1 });
  });

  it('a refund has its amounts', async () => {
    const refund = {
      ...PAID,
      ...{ 退款汇率: '86000000', 申请退款金额: '10.00', 用户退款币种: 'CNY', 用户退款金额: '8.60' },
      ...{ 退款结算币种: 'HKD', 退款应结订单金额: '9.99', 充值券退款金额: '0.02', 优惠券退款金额: '0.01' },
    };
    const { rows, error } = await readAll(readGlobalStatement(pieces(bill(TITLES.global, [refund]))));
    assert.equal(error, undefined);
    const [row] = rows;
    assert.deepEqual(
      [row?.requested_refund_amount, row?.payer_refund_amount, row?.refund_settlement_total],
      [1000, 860, 999],
    );
    assert.deepEqual([row?.recharge_coupon_refund_amount, row?.discount_coupon_refund_amount], [2, 1]);
    assert.deepEqual([row?.payer_refund_currency, row?.refund_settlement_currency], ['CNY', 'HKD']);
    assert.equal(row?.refund_exchange_rate, '86000000');
  });

  it('a summary that is there nevertheless must have the count', async () => {
    const good = await readAll(
      readGlobalStatement(pieces(bill(TITLES.global, [PAID], ['总交易单数,总交易额', '1', '9']))),
    );
    assert.equal(good.error, undefined);
    assert.deepEqual(good.summary, { total_count: 1, extra: { 总交易额: '9' } });
    const bad = await readAll(readGlobalStatement(pieces(bill(TITLES.global, [PAID], ['总交易单数', '2']))));
    assert.match(String(bad.error), /\(total_count\) is 2, but the rows add up to 1/);
  });
});
