import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { BillDesk, parsed, rowsOf } from './bill-desk.ts';
import { control, type RawAnswer } from './client.ts';

describe('simulator: bills that are wrong', () => {
  let desk: BillDesk;
  beforeEach(async () => {
    desk = await BillDesk.open();
    await desk.paid('T000001');
    await desk.paid('T000002', { total: 1000 });
    await desk.refunded('T000001', 'R1', 590);
    desk.at('2026-03-02T10:00:00+08:00');
  });
  afterEach(() => desk.close());

  const alter = async (request: object) => {
    const { status, json } = await control(desk.simulator, 'POST', '/bills/alterations', {
      date: '2026-03-01',
      ...request,
    });
    assert.equal(status, 200, JSON.stringify(json));
    return json;
  };
  /** The rows of a bill that is sound in itself: hash and sums have been compared. */
  async function sound(asked: RawAnswer, kind: 'trade' | 'fund_flow' = 'trade') {
    const { bytes } = await desk.download(asked);
    return parsed(bytes, asked.json.hash_value, kind);
  }
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
  const RIGHT = [
    ['T000001', 2590],
    ['T000002', 1000],
    ['R1', 590],
  ];

  it('a missing row is in neither rows nor sums', async () => {
    await alter({ kind: 'missing_row', out_trade_no: 'T000002' });
    const { rows, summary } = await seen();
    assert.deepEqual(rows, [RIGHT[0], RIGHT[2]]);
    assert.deepEqual([summary.total_count, summary.order_total], [2, 2590]);
  });

  it('a missing row may be that of a refund', async () => {
    await alter({ kind: 'missing_row', out_refund_no: 'R1' });
    assert.deepEqual((await seen()).rows, RIGHT.slice(0, 2));
  });

  it('an extra row is a payment that the merchant never ordered', async () => {
    await alter({ kind: 'extra_row' });
    const { rows, summary } = await seen();
    assert.equal(rows.length, 4);
    const extra = rows.filter(([number]) => !RIGHT.some(([known]) => known === number));
    assert.equal(extra.length, 1);
    assert.equal((await desk.client.query(String(extra[0]?.[0]))).json.code, 'ORDER_NOT_EXIST');
    assert.deepEqual([summary.total_count, summary.order_total], [4, 2590 * 2 + 1000]);
  });

  it('an altered row has another amount, of an order or of a refund', async () => {
    await alter({ kind: 'altered_row', out_trade_no: 'T000002' });
    await alter({ kind: 'altered_row', out_refund_no: 'R1' });
    const { rows, summary } = await seen();
    assert.deepEqual(rows, [
      ['T000001', 2590],
      ['T000002', 1100],
      ['R1', 690],
    ]);
    assert.deepEqual([summary.order_total, summary.requested_refund_total], [3690, 690]);
  });

  it('a restated bill is another version: a corrected fee, and the states of refunds as they are now', async () => {
    const first = await desk.tradeBill();
    const flow = await desk.fundFlow();
    desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
    desk.wait(60_000);
    assert.equal((await desk.tradeBill()).json.hash_value, first.json.hash_value);
    await alter({ kind: 'restated' });
    const second = await desk.tradeBill();
    assert.notEqual(second.json.hash_value, first.json.hash_value);
    const [before, after] = [rowsOf(await desk.text(first)), rowsOf(await desk.text(second))];
    assert.deepEqual([before[2]?.退款状态, after[2]?.退款状态], ['PROCESSING', 'SUCCESS']);
    assert.deepEqual([before[0]?.手续费, after[0]?.手续费], ['0.16000', '0.17000']);
    assert.equal(after[0]?.费率备注, '费率调整');
    assert.deepEqual((await seen()).rows, RIGHT);
    const restatedFlow = await desk.fundFlow();
    assert.notEqual(restatedFlow.json.hash_value, flow.json.hash_value);
    assert.equal((await sound(restatedFlow, 'fund_flow')).rows[1].amount, 17);
    // Addresses of the first version go on giving the first version.
    assert.deepEqual(rowsOf(await desk.text(first)), before);
  });

  it('restating puts right what was wrong before, and can itself be followed by another version', async () => {
    await alter({ kind: 'missing_row', out_trade_no: 'T000002' });
    await alter({ kind: 'restated' });
    const second = (await desk.tradeBill()).json.hash_value;
    assert.deepEqual((await seen()).rows, RIGHT);
    await alter({ kind: 'restated', out_trade_no: 'T000002' });
    assert.notEqual((await desk.tradeBill()).json.hash_value, second);
    assert.deepEqual((await seen()).rows, RIGHT);
  });

  it('a bad hash is not that of the bytes', async () => {
    const right = (await desk.tradeBill()).json.hash_value;
    await alter({ kind: 'bad_hash' });
    const asked = await desk.tradeBill();
    const { bytes } = await desk.download(asked);
    assert.match(asked.json.hash_value, /^[0-9a-f]{40}$/);
    assert.notEqual(asked.json.hash_value, right);
    assert.equal(createHash('sha1').update(bytes).digest('hex'), right);
  });

  it('a truncated file ends too early, though its transfer is complete', async () => {
    const whole = (await desk.download(await desk.tradeBill('tar_type=GZIP'))).bytes;
    await alter({ kind: 'truncated_gzip' });
    const asked = await desk.tradeBill('tar_type=GZIP');
    const { status, bytes } = await desk.download(asked);
    assert.equal(status, 200);
    assert.deepEqual(bytes, whole.subarray(0, bytes.length));
    assert.ok(bytes.length > 0 && bytes.length < whole.length);
    assert.throws(() => gunzipSync(bytes), /unexpected end of file/);
    await assert.rejects(parsed(bytes, asked.json.hash_value), { code: 'BILL_CORRUPT' });
  });

  it('only the bills that were named are wrong', async () => {
    const day = {
      trade: (await desk.tradeBill()).json.hash_value,
      flow: (await desk.fundFlow()).json.hash_value,
    };
    await alter({ kind: 'missing_row', mchid: '1900000001' });
    await alter({ kind: 'missing_row', date: '2026-03-02' });
    assert.equal((await desk.tradeBill()).json.hash_value, day.trade);
    await alter({ kind: 'missing_row', mchid: desk.simulator.merchant.mchid });
    assert.notEqual((await desk.tradeBill()).json.hash_value, day.trade);
    assert.equal((await desk.fundFlow()).json.hash_value, day.flow);
    await alter({ kind: 'missing_row', bill: 'fund_flow', out_trade_no: 'T000002' });
    assert.equal((await sound(await desk.fundFlow(), 'fund_flow')).rows.length, 4);
  });

  it('they are listed, and taken back', async () => {
    const right = (await desk.tradeBill()).json.hash_value;
    const made = await alter({ kind: 'missing_row', out_trade_no: 'T000001' });
    assert.deepEqual((await control(desk.simulator, 'GET', '/bills/alterations')).json, {
      alterations: [made],
    });
    assert.deepEqual([made.kind, made.bill, made.mchid], ['missing_row', 'trade', null]);
    assert.equal((await control(desk.simulator, 'DELETE', '/bills/alterations')).status, 204);
    assert.equal((await desk.tradeBill()).json.hash_value, right);
  });

  it('a bill whose only row is missing does not exist', async () => {
    await alter({ kind: 'missing_row', out_refund_no: 'R1' });
    const { status, json } = await desk.tradeBill('bill_type=REFUND');
    assert.deepEqual([status, json.code], [400, 'NO_STATEMENT_EXIST']);
  });

  for (const request of [
    { kind: 'nothing' },
    { kind: 'restated', date: 'today' },
    { kind: 'restated', bil: 'x' },
  ]) {
    it(`${JSON.stringify(request)} is refused`, async () => {
      const body = { date: '2026-03-01', ...request };
      assert.equal((await control(desk.simulator, 'POST', '/bills/alterations', body)).status, 400);
    });
  }
});
