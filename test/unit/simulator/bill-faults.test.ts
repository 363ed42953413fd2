import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import type { FaultRequest, SimulatorOptions } from '../../../simulator/index.ts';
import { BillDesk, parsed, rowsOf } from './bill-desk.ts';
import { control, type RawAnswer } from './client.ts';

const RIGHT = [
  ['T000001', 2590],
  ['T000002', 1000],
  ['R1', 590],
];

describe('simulator: faults of bills', () => {
  let desk: BillDesk;
  const opened: BillDesk[] = [];

  /** Two payments and a refund on the 1st of March; the next day has come. */
  async function open(options: SimulatorOptions = {}): Promise<void> {
    desk = await BillDesk.open(options);
    opened.push(desk);
    await desk.paid('T000001');
    await desk.paid('T000002', { total: 1000 });
    await desk.refunded('T000001', 'R1', 590);
    desk.at('2026-03-02T10:00:00+08:00');
  }
  beforeEach(() => open());
  afterEach(async () => {
    for (const one of opened.splice(0)) await one.close();
  });

  const arrange = (rule: Omit<FaultRequest, 'operation'> & { operation?: string }) =>
    desk.simulator.gateway.addFault({ operation: 'bill.trade', ...rule });
  const log = () => desk.simulator.gateway.state().fault_log;
  /** The rows of a bill that is sound in itself: hash and sums have been compared. */
  async function sound(asked: RawAnswer, kind: 'trade' | 'fund_flow' = 'trade') {
    const { bytes } = await desk.download(asked);
    return parsed(bytes, asked.json.hash_value, kind);
  }
  const hash = async () => (await desk.tradeBill()).json.hash_value as string;
  const seen = async () => {
    const { rows, summary } = await sound(await desk.tradeBill());
    return {
      rows: rows.map((row) => [
        row.out_refund_no === '0' ? row.out_trade_no : row.out_refund_no,
        row.trade_state === 'REFUND' ? row.requested_refund_amount : row.order_amount,
      ]),
      summary,
    };
  };

  describe('what they do', () => {
    it('a missing row is in neither rows nor sums, and the next bill has it', async () => {
      arrange({ kind: 'missing_row', out_trade_no: 'T000002' });
      const { rows, summary } = await seen();
      assert.deepEqual(rows, [RIGHT[0], RIGHT[2]]);
      assert.deepEqual([summary.total_count, summary.order_total], [2, 2590]);
      assert.deepEqual((await seen()).rows, RIGHT);
    });

    it('a missing row may be that of a refund; it is the first payment’s unless told', async () => {
      arrange({ kind: 'missing_row', out_refund_no: 'R1' });
      assert.deepEqual((await seen()).rows, RIGHT.slice(0, 2));
      arrange({ kind: 'missing_row' });
      assert.deepEqual((await seen()).rows, RIGHT.slice(1));
    });

    it('an extra row is a payment that the merchant never ordered, the same one each time', async () => {
      arrange({ kind: 'extra_row', times: 2 });
      const { rows, summary } = await seen();
      assert.equal(rows.length, 4);
      const extra = rows.filter(([number]) => !RIGHT.some(([known]) => known === number));
      assert.equal(extra.length, 1);
      assert.equal((await desk.client.query(String(extra[0]?.[0]))).json.code, 'ORDER_NOT_EXIST');
      assert.deepEqual([summary.total_count, summary.order_total], [4, 2590 * 2 + 1000]);
      assert.deepEqual((await seen()).rows, rows);
    });

    it('an altered row has another amount, of an order or of a refund; a bill can have several faults', async () => {
      arrange({ kind: 'altered_row', out_trade_no: 'T000002' });
      arrange({ kind: 'altered_row', out_refund_no: 'R1' });
      const { rows, summary } = await seen();
      assert.deepEqual(rows, [
        ['T000001', 2590],
        ['T000002', 1100],
        ['R1', 690],
      ]);
      assert.deepEqual([summary.order_total, summary.requested_refund_total], [3690, 690]);
      assert.deepEqual(
        log().map(({ call, kind, out_trade_no, out_refund_no, bill_date }) => ({
          ...{ call, kind, out_trade_no, out_refund_no, bill_date },
        })),
        [
          ['T000002', null],
          [null, 'R1'],
        ].map(([out_trade_no, out_refund_no]) => ({
          ...{ call: 1, kind: 'altered_row', out_trade_no, out_refund_no, bill_date: '2026-03-01' },
        })),
      );
    });

    it('an extra row may be a second payment of an order, and a row may come twice', async () => {
      arrange({ kind: 'extra_row', out_trade_no: 'T000002' });
      assert.deepEqual((await seen()).rows, [RIGHT[0], RIGHT[1], RIGHT[1], RIGHT[2]]);
      arrange({ kind: 'repeated_row', out_refund_no: 'R1' });
      const { rows, summary } = await seen();
      assert.deepEqual(rows, [...RIGHT, RIGHT[2]]);
      assert.deepEqual([summary.total_count, summary.requested_refund_total], [4, 2 * 590]);
      arrange({ kind: 'extra_row', out_trade_no: 'T000002' });
      const transactions = (await sound(await desk.tradeBill())).rows
        .filter(({ out_trade_no }) => out_trade_no === 'T000002')
        .map(({ transaction_id }) => transaction_id);
      assert.equal(new Set(transactions).size, 2);
    });

    it('a row has another fee in the one bill and not in the other, or another currency', async () => {
      arrange({ kind: 'other_fee', out_trade_no: 'T000001' });
      const [row] = (await sound(await desk.tradeBill())).rows;
      const flow = (await sound(await desk.fundFlow(), 'fund_flow')).rows;
      assert.deepEqual([row.fee_milli_fen, flow[1].amount], [17_000, 16]);
      arrange({ kind: 'other_currency', out_trade_no: 'T000001' });
      const { rows } = await sound(await desk.tradeBill());
      assert.deepEqual(
        rows.map(({ currency }) => currency),
        ['USD', 'CNY', 'CNY'],
      );
    });

    it('a fund flow has a movement that is no trade, and its sums and balances say so', async () => {
      for (const [movement, type, direction] of [
        [undefined, '分账', '支出'],
        ['withdrawal', '提现', '支出'],
        ['withdrawal_returned', '提现退票', '收入'],
        ['top_up', '充值', '收入'],
      ] as const) {
        const before = (await sound(await desk.fundFlow(), 'fund_flow')).summary;
        arrange({ operation: 'bill.fund_flow', kind: 'extra_movement', ...(movement && { movement }) });
        const { rows, summary } = await sound(await desk.fundFlow(), 'fund_flow');
        const [moved, ...others] = rows.filter(({ business_type }) => business_type === type);
        assert.deepEqual([moved.direction, moved.amount, others.length], [direction, 10_000, 0]);
        const field = direction === '支出' ? 'expense_amount' : 'income_amount';
        assert.equal(summary[field] - before[field], 10_000);
      }
    });

    it('a row of another day is at the nearest second of this one', async () => {
      desk.at('2026-03-03T00:05:00+08:00');
      await desk.paid('T000003');
      desk.at('2026-03-04T10:00:00+08:00');
      for (const bill_date of ['2026-03-02', '2026-03-04']) {
        arrange({ kind: 'stray_row', bill_date, out_trade_no: 'T000003', operation: 'bill.*', times: 2 });
      }
      arrange({ kind: 'missing_row', bill_date: '2026-03-03', out_trade_no: 'T000003' });
      const strayed = await sound(await desk.tradeBill('', '2026-03-02'));
      assert.deepEqual(
        strayed.rows.map(({ out_trade_no, trade_time }) => [out_trade_no, trade_time]),
        [['T000003', '2026-03-02 23:59:59']],
      );
      const flow = await sound(await desk.fundFlow('', '2026-03-02'), 'fund_flow');
      assert.deepEqual(
        flow.rows.map(({ accounting_time }) => accounting_time),
        ['2026-03-02 23:59:59', '2026-03-02 23:59:59'],
      );
      assert.equal((await desk.tradeBill('', '2026-03-03')).json.code, 'NO_STATEMENT_EXIST');
      desk.at('2026-03-05T10:00:00+08:00');
      const next = await sound(await desk.tradeBill('', '2026-03-04'));
      assert.equal(next.rows[0].trade_time, '2026-03-04 00:00:00');
    });

    it('a restated bill is another version from then on: a corrected fee, and the states of refunds as they are now', async () => {
      const first = await desk.tradeBill();
      const flow = await desk.fundFlow();
      desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
      desk.wait(60_000);
      assert.equal(await hash(), first.json.hash_value);
      arrange({ kind: 'restated' });
      const second = await desk.tradeBill();
      assert.notEqual(second.json.hash_value, first.json.hash_value);
      const [before, after] = [rowsOf(await desk.text(first)), rowsOf(await desk.text(second))];
      assert.deepEqual([before[2]?.退款状态, after[2]?.退款状态], ['PROCESSING', 'SUCCESS']);
      assert.deepEqual([before[0]?.手续费, after[0]?.手续费], ['0.16000', '0.17000']);
      assert.equal(after[0]?.费率备注, '费率调整');
      assert.deepEqual((await seen()).rows, RIGHT);
      assert.equal(await hash(), second.json.hash_value);
      const restatedFlow = await desk.fundFlow();
      assert.notEqual(restatedFlow.json.hash_value, flow.json.hash_value);
      assert.equal((await sound(restatedFlow, 'fund_flow')).rows[1].amount, 17);
      // Addresses of the first version go on giving the first version.
      assert.deepEqual(rowsOf(await desk.text(first)), before);
    });

    it('what was wrong in one version is right in the next, which can itself be followed by another', async () => {
      arrange({ kind: 'missing_row', out_trade_no: 'T000002', times: 2 });
      arrange({ kind: 'restated', after: 3, times: 2 });
      assert.deepEqual((await seen()).rows, [RIGHT[0], RIGHT[2]]);
      const first = await hash();
      const second = await desk.tradeBill();
      assert.deepEqual(rowsOf(await desk.text(second))[0]?.手续费, '0.17000');
      const third = await desk.tradeBill();
      assert.deepEqual(rowsOf(await desk.text(third))[0]?.手续费, '0.18000');
      const hashes = [first, second.json.hash_value, third.json.hash_value, await hash()];
      assert.equal(new Set(hashes).size, 3);
      assert.deepEqual((await seen()).rows, RIGHT);
    });

    it('a version outlives the process', async () => {
      const folder = mkdtempSync(join(tmpdir(), 'paysaga-bills-'));
      try {
        await open({ dataDir: folder });
        const first = await hash();
        arrange({ kind: 'restated', out_trade_no: 'T000002' });
        const second = await hash();
        await opened.pop()?.close();
        desk = await BillDesk.open({ dataDir: folder }, '2026-03-02T11:00:00+08:00');
        opened.push(desk);
        assert.notEqual(second, first);
        assert.equal(await hash(), second);
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    it('a bad hash is not that of the bytes', async () => {
      const right = await hash();
      arrange({ kind: 'bad_hash' });
      const asked = await desk.tradeBill();
      const { bytes } = await desk.download(asked);
      assert.match(asked.json.hash_value, /^[0-9a-f]{40}$/);
      assert.notEqual(asked.json.hash_value, right);
      assert.equal(createHash('sha1').update(bytes).digest('hex'), right);
    });

    it('a truncated file ends too early, though its transfer is complete', async () => {
      const whole = (await desk.download(await desk.tradeBill('tar_type=GZIP'))).bytes;
      arrange({ kind: 'truncated' });
      const asked = await desk.tradeBill('tar_type=GZIP');
      const { status, bytes } = await desk.download(asked);
      assert.equal(status, 200);
      assert.deepEqual(bytes, whole.subarray(0, bytes.length));
      assert.ok(bytes.length > 0 && bytes.length < whole.length);
      assert.throws(() => gunzipSync(bytes), /unexpected end of file/);
      await assert.rejects(parsed(bytes, asked.json.hash_value), { code: 'BILL_CORRUPT' });
    });

    it('a bill whose only row is missing does not exist', async () => {
      arrange({ kind: 'missing_row', out_refund_no: 'R1' });
      const { status, json } = await desk.tradeBill('bill_type=REFUND');
      assert.deepEqual([status, json.code], [400, 'NO_STATEMENT_EXIST']);
    });

    it('the answer can be spoilt besides, as the same call', async () => {
      arrange({ kind: 'bad_signature' });
      arrange({ kind: 'missing_row' });
      const { status, json } = await desk.tradeBill();
      assert.equal(status, 200);
      assert.equal((await sound({ json } as RawAnswer)).rows.length, 2);
      assert.deepEqual(
        log().map(({ call, kind }) => [call, kind]),
        [
          [1, 'bad_signature'],
          [1, 'missing_row'],
        ],
      );
    });
  });

  describe('by rule', () => {
    it('only the bills of a day, of a merchant, of an endpoint', async () => {
      const right = await hash();
      arrange({ kind: 'missing_row', mchid: '1900000001' });
      arrange({ kind: 'missing_row', bill_date: '2026-03-02' });
      arrange({ kind: 'missing_row', operation: 'bill.fund_flow', out_trade_no: 'T000002' });
      assert.equal(await hash(), right);
      assert.equal((await sound(await desk.fundFlow(), 'fund_flow')).rows.length, 4);
      arrange({ kind: 'missing_row', mchid: desk.simulator.merchant.mchid, bill_date: '2026-03-01' });
      assert.notEqual(await hash(), right);
      assert.equal(await hash(), right);
    });

    it('a pattern means all bills, each application counting', async () => {
      arrange({ kind: 'missing_row', operation: 'bill.*', out_trade_no: 'T000002', times: 2 });
      assert.equal((await seen()).rows.length, 2);
      assert.equal((await sound(await desk.fundFlow(), 'fund_flow')).rows.length, 4);
      assert.deepEqual((await seen()).rows, RIGHT);
    });

    it('only the n-th bill, or from the n-th on, until it is removed', async () => {
      arrange({ kind: 'missing_row', nth: 2 });
      assert.deepEqual([(await seen()).rows.length, (await seen()).rows.length], [3, 2]);
      const { id } = arrange({ kind: 'extra_row', after: 2, times: null });
      const lengths: number[] = [];
      for (let call = 0; call < 3; call += 1) lengths.push((await seen()).rows.length);
      assert.deepEqual(lengths, [3, 4, 4]);
      desk.simulator.gateway.removeFault(id);
      assert.deepEqual((await seen()).rows, RIGHT);
    });

    it('with a probability that is drawn from the seed: the same bills at every run', async () => {
      const run = async () => {
        arrange({ kind: 'missing_row', probability: 0.4, seed: 5, times: null });
        const lengths: number[] = [];
        for (let call = 0; call < 20; call += 1) lengths.push((await seen()).rows.length);
        return lengths;
      };
      const lengths = await run();
      await open({ seed: 9 });
      assert.deepEqual(await run(), lengths);
      assert.deepEqual([...new Set(lengths)].sort(), [2, 3]);
    });

    it('waits for a bill that it can spoil', async () => {
      arrange({ kind: 'missing_row', out_trade_no: 'T000003' });
      arrange({ kind: 'bad_hash', bill_date: '2026-03-02' });
      assert.deepEqual((await seen()).rows, RIGHT);
      assert.equal((await desk.tradeBill('', '2026-02-28')).json.code, 'NO_STATEMENT_EXIST');
      await desk.paid('T000003');
      assert.equal((await desk.tradeBill('', '2026-03-02')).json.code, 'STATEMENT_CREATING');
      assert.deepEqual(log(), []);
      desk.at('2026-03-03T10:00:00+08:00');
      assert.equal((await desk.tradeBill('', '2026-03-02')).json.code, 'NO_STATEMENT_EXIST');
      assert.deepEqual(
        log().map(({ kind }) => kind),
        ['missing_row', 'bad_hash'],
      );
    });

    it('the log of a run makes the same bills wrong in the same way in another one', async () => {
      const run = async () => {
        const read: string[] = [];
        for (let call = 0; call < 12; call += 1) {
          const { rows, summary } = await sound(await desk.tradeBill());
          const { fee_milli_fen } = rows.find((row) => row.out_trade_no === 'T000002') ?? {};
          read.push(
            JSON.stringify([rows.map((row) => row.out_trade_no), summary.total_count, fee_milli_fen]),
          );
        }
        return read;
      };
      arrange({ kind: 'missing_row', out_trade_no: 'T000002', probability: 0.4, times: null });
      arrange({ kind: 'extra_row', probability: 0.4, times: null });
      arrange({ kind: 'restated', out_trade_no: 'T000002', nth: 5 });
      const first = await run();
      const { json } = await control(desk.simulator, 'GET', '/fault-log');
      assert.ok(new Set(json.faults.map(({ kind }: { kind: string }) => kind)).size === 3);
      assert.ok(new Set(first).size > 3);
      await open({ seed: 9 });
      await control(desk.simulator, 'POST', '/replay', json);
      assert.deepEqual(await run(), first);
      assert.equal(desk.simulator.gateway.faultBook.replaying, 0);
    });

    it('a scenario can hold it', async () => {
      await open({ scenario: { faults: [{ operation: 'bill.trade', kind: 'missing_row', nth: 2 }] } });
      assert.deepEqual([(await seen()).rows.length, (await seen()).rows.length], [3, 2]);
    });

    for (const [rule, said] of [
      [{ operation: 'bill.trade', kind: 'nothing' }, /has no fault kind nothing/],
      [{ operation: 'bill.download', kind: 'missing_row' }, /has no fault kind missing_row/],
      [{ operation: 'bill.trade', kind: 'stray_row' }, /needs an out_trade_no or out_refund_no/],
      [{ operation: 'bill.trade', kind: 'extra_movement' }, /has no fault kind extra_movement/],
      [{ operation: 'v2.downloadBill', kind: 'bad_hash' }, /has no fault kind bad_hash/],
      [{ operation: 'bill.trade', kind: 'restated', bill_date: 'today' }, /must be a date, yyyy-MM-dd/],
      [
        { operation: 'native.create', kind: 'slow', bill_date: '2026-03-01' },
        /bill_date is for applications/,
      ],
    ] as const) {
      it(`${JSON.stringify(rule)} is refused`, async () => {
        const { status, json } = await control(desk.simulator, 'POST', '/faults', rule);
        assert.equal(status, 400);
        assert.match(json.error, said);
      });
    }
  });
});
