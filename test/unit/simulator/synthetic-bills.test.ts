import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { dayOf } from '../../../simulator/bills/calendar.ts';
import type { Entry } from '../../../simulator/bills/entry.ts';
import { buildBill } from '../../../simulator/bills/file.ts';
import { DOCUMENTED } from '../../../simulator/bills/settings.ts';
import { syntheticEntries } from '../../../simulator/bills/synthetic.ts';
import { TradeBill } from '../../../simulator/bills/trade-bill.ts';
import { openBillFile, readTradeBill } from '../../../wechatpay/bills/index.ts';
import { BillDesk, rowsOf } from './bill-desk.ts';
import { control } from './client.ts';

const ROWS = 200_000;
const day = dayOf('2026-03-01');
assert.ok(day);

describe('simulator: bills of any size', () => {
  /** Entries that count how many of them were made. */
  function counted(rows: number) {
    const made = { entries: 0 };
    function* entries(): Generator<Entry> {
      assert.ok(day);
      for (const entry of syntheticEntries({ mchid: '1900012345', appid: 'wx', rows, seed: 1 }, day)) {
        made.entries += 1;
        yield entry;
      }
    }
    return { made, open: () => ({ entries: entries(), table: new TradeBill('ALL', DOCUMENTED) }) };
  }
  const newlines = (bytes: Buffer) => bytes.reduce((count, byte) => count + (byte === 0x0a ? 1 : 0), 0);

  it('of 200,000 rows no more than a piece is ever made ahead of its reader', async () => {
    const { made, open } = counted(ROWS);
    const bill = await buildBill({ open, form: DOCUMENTED });
    assert.deepEqual([bill.rows, made.entries], [ROWS, ROWS]);
    made.entries = 0;
    const hash = createHash('sha1');
    let lines = 0;
    let mostAhead = 0;
    let largest = 0;
    for await (const bytes of bill.content(1, { gzip: false })) {
      hash.update(bytes);
      mostAhead = Math.max(mostAhead, made.entries - lines);
      largest = Math.max(largest, bytes.length);
      lines += newlines(bytes);
    }
    assert.equal(lines, ROWS + 3);
    assert.equal(hash.digest('hex'), bill.sha1s[0]);
    assert.ok(largest < 128 * 1024, `a piece of ${largest} bytes`);
    assert.ok(mostAhead < 500, `${mostAhead} rows ahead`);
  });

  it('a reader that goes away ends the making', async () => {
    const { made, open } = counted(ROWS);
    const bill = await buildBill({ open, form: DOCUMENTED });
    made.entries = 0;
    for await (const bytes of bill.content(1, { gzip: true })) {
      assert.ok(bytes.length > 0);
      break;
    }
    await new Promise(setImmediate);
    const { entries } = made;
    assert.ok(entries < ROWS / 10, `${entries} rows made`);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    assert.equal(made.entries, entries);
  });

  it('other work is done while a bill is made', async () => {
    const { open } = counted(20_000);
    let turns = 0;
    const timer = { running: true };
    const count = () => {
      turns += 1;
      if (timer.running) setImmediate(count);
    };
    setImmediate(count);
    await buildBill({ open, form: DOCUMENTED });
    timer.running = false;
    // 20,000 rows are some 5 MB, in pieces of some 32 KB.
    assert.ok(turns > 100, `${turns} turns`);
  });

  describe('over HTTP', () => {
    let desk: BillDesk;
    beforeEach(async () => {
      desk = await BillDesk.open();
    });
    afterEach(() => desk.close());

    const arrange = (request: object) => control(desk.simulator, 'POST', '/bills/synthetic', request);

    it('the file has the announced hash and as many rows as were arranged, besides real ones', async () => {
      await desk.paid('T000001');
      const { status, json } = await arrange({ date: '2026-03-01', rows: 20_000, seed: 5 });
      assert.deepEqual([status, json.rows, json.mchid], [200, 20_000, desk.simulator.merchant.mchid]);
      desk.at('2026-03-02T10:00:00+08:00');
      const asked = await desk.tradeBill('tar_type=GZIP');
      const { bytes } = await desk.download(asked);
      const file = openBillFile(Readable.from([bytes]), {
        sha1: asked.json.hash_value,
        gzip: true,
      });
      const reader = readTradeBill(file);
      const states = { SUCCESS: 0, REFUND: 0 } as Record<string, number>;
      const numbers = new Set<string>();
      let before = '';
      for await (const row of reader) {
        states[row.trade_state] = (states[row.trade_state] ?? 0) + 1;
        numbers.add(row.refund_id === '0' ? row.transaction_id : (row.refund_id ?? ''));
        assert.ok(row.trade_time >= before, 'rows are in the order of time');
        before = row.trade_time;
      }
      assert.deepEqual(states, { SUCCESS: 19_001, REFUND: 1000 });
      assert.equal(numbers.size, 20_001);
      assert.equal(reader.summary?.total_count, 20_001);
    });

    it('every refund is of an order of the same bill, over its whole amount', async () => {
      await arrange({ date: '2026-03-01', rows: 400 });
      desk.at('2026-03-02T10:00:00+08:00');
      const rows = rowsOf(await desk.text(await desk.tradeBill()));
      const paid = new Map(
        rows.filter((row) => row.交易状态 === 'SUCCESS').map((row) => [row.商户订单号, row]),
      );
      const refunds = rows.filter((row) => row.交易状态 === 'REFUND');
      assert.equal(refunds.length, 20);
      for (const refund of refunds) {
        assert.equal(paid.get(refund.商户订单号)?.订单金额, refund.申请退款金额);
        assert.ok((paid.get(refund.商户订单号)?.交易时间 ?? '9') < (refund.交易时间 ?? ''));
      }
    });

    it('the same seed makes the same bill, another seed another one', async () => {
      const hash = async (seed: number) => {
        await control(desk.simulator, 'DELETE', '/bills/synthetic');
        await arrange({ date: '2026-03-01', rows: 100, seed });
        return (await desk.tradeBill()).json.hash_value;
      };
      desk.at('2026-03-02T10:00:00+08:00');
      const [one, other, again] = [await hash(1), await hash(2), await hash(1)];
      assert.equal(one, again);
      assert.notEqual(one, other);
    });

    it('the fund flow has the same money, and the next day goes on from its balance', async () => {
      await arrange({ date: '2026-03-01', rows: 400 });
      await arrange({ date: '2026-03-02', rows: 20 });
      desk.at('2026-03-03T10:00:00+08:00');
      const trade = (await desk.text(await desk.tradeBill())).split('\n').at(-2)?.slice(1).split(',`');
      const flow = rowsOf(await desk.text(await desk.fundFlow()));
      const fen = (yuan = '') => Number(yuan.replace('.', ''));
      const sum = (type: string) =>
        flow
          .filter((row) => row.业务类型 === type)
          .reduce((total, row) => total + fen(row['收支金额(元)']), 0);
      assert.equal(sum('交易'), fen(trade?.[1]));
      assert.equal(sum('退款'), fen(trade?.[2]));
      assert.equal(sum('扣除交易手续费') - sum('退还交易手续费'), fen(trade?.[4]) / 1000);
      const [next] = rowsOf(await desk.text(await desk.fundFlow('', '2026-03-02')));
      assert.equal(
        fen(next?.['账户结余(元)']),
        fen(flow.at(-1)?.['账户结余(元)']) + fen(next?.['收支金额(元)']),
      );
    });

    it('it can be of a service provider’s sub-merchant', async () => {
      const { mchid, subMerchants } = desk.simulator.world.provider;
      const sub = subMerchants[0]?.mchid;
      const { json } = await arrange({ date: '2026-03-01', rows: 20, mchid, sub_mchid: sub });
      assert.equal(json.sub_mchid, sub);
      desk.at('2026-03-02T10:00:00+08:00');
      assert.equal((await desk.tradeBill()).json.code, 'NO_STATEMENT_EXIST');
      const { bills } = desk.simulator.gateway;
      const bill = await bills.trade({ mchid, subMchid: sub }, '2026-03-01', 'ALL', () => []);
      assert.equal(bill.rows, 20);
    });

    for (const [what, request, status] of [
      ['no date', { rows: 1 }, 400],
      ['a day that is none', { date: '2026-02-30', rows: 1 }, 400],
      ['no rows', { date: '2026-03-01', rows: 0 }, 400],
      ['more rows than there are', { date: '2026-03-01', rows: 10_000_001 }, 400],
      ['an unknown merchant', { date: '2026-03-01', rows: 1, mchid: '1900000001' }, 404],
      ['an unknown sub-merchant', { date: '2026-03-01', rows: 1, sub_mchid: '1900000001' }, 404],
    ] as const) {
      it(`${what} is refused`, async () => {
        assert.equal((await arrange(request)).status, status);
        assert.deepEqual((await control(desk.simulator, 'GET', '/bills/synthetic')).json, { synthetic: [] });
      });
    }
  });
});
