import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  RETRY_SECONDS,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import { Timers } from '../../../simulator/time/timers.ts';
import { control, isSigned, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('simulator: time', () => {
  let simulator: Simulator;
  let client: RawClient;
  let receiver: Receiver;
  let directory: string;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({ notifyDelayMs: 1000, ...options });
    client = new RawClient(simulator);
  }
  const clock = (body: object) => control(simulator, 'POST', '/clock', body);
  const advance = async (advance_ms: number) => (await clock({ advance_ms })).json;

  beforeEach(async () => {
    receiver = await startReceiver();
    directory = await mkdtemp(join(tmpdir(), 'paysaga-time-'));
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
    await receiver.close();
    await rm(directory, { recursive: true });
  });

  it('the whole retry schedule of 24 h 4 min passes in one step, each attempt at its time', async () => {
    await start();
    receiver.answer = (response) => response.writeHead(500).end();
    await client.order('RETRY01', { notify_url: receiver.url });
    simulator.gateway.pay('RETRY01');
    const { happened } = await advance(DAY + 5 * MINUTE);
    assert.equal(happened, 16);
    const [notification] = simulator.gateway.notifications();
    assert.equal(notification?.status, 'exhausted');
    const times = notification?.attempts.map(({ time }) => time) ?? [];
    const waits = times.slice(1).map((time, index) => time - (times[index] ?? 0));
    assert.deepEqual(
      waits,
      RETRY_SECONDS.map((seconds) => seconds * 1000),
    );
    assert.equal(receiver.deliveries.length, 16);
    const ids = new Set(receiver.deliveries.map(({ body }) => JSON.parse(body).id));
    assert.equal(ids.size, 1);
  });

  it('an attempt that succeeds on the way ends the schedule', async () => {
    await start();
    receiver.answer = (response, count) => response.writeHead(count < 6 ? 500 : 204).end();
    await client.order('RETRY02', { notify_url: receiver.url });
    simulator.gateway.pay('RETRY02');
    await advance(DAY);
    assert.equal(simulator.gateway.notifications()[0]?.status, 'delivered');
    assert.equal(receiver.deliveries.length, 6);
  });

  it('signatures keep real time: nobody is refused and nothing looks stale after a year', async () => {
    await start();
    await client.order('RETRY03', { notify_url: receiver.url });
    simulator.gateway.pay('RETRY03');
    await advance(365 * DAY);
    const { headers, body } = await receiver.delivery(1);
    assert.ok(isSigned(simulator, headers, body));
    assert.ok(Math.abs(Date.now() / 1000 - Number(headers['wechatpay-timestamp'])) < 60);
    const answer = await client.query('RETRY03');
    assert.equal(answer.status, 200);
    assert.ok(Math.abs(Date.now() / 1000 - Number(answer.headers['Wechatpay-Timestamp'])) < 60);
  });

  it('an order that is left unpaid for 7 days is closed, not earlier', async () => {
    await start();
    await client.order('WEEK001');
    await advance(7 * DAY - MINUTE);
    assert.equal((await client.query('WEEK001')).json.trade_state, 'NOTPAY');
    await advance(2 * MINUTE);
    assert.equal((await client.query('WEEK001')).json.trade_state, 'CLOSED');
    assert.equal((await control(simulator, 'POST', '/orders/WEEK001/pay', {})).status, 409);
  });

  it('a code is dead after two hours, and the password of a payment code must come in time', async () => {
    await start();
    const { code_url } = (await client.order('CODE001')).json;
    await advance(120 * MINUTE);
    assert.equal(simulator.gateway.scan(code_url).status, 'dead');
    const { appid, mchid } = simulator.merchant;
    const charged = await client.post('/v3/pay/transactions/codepay', {
      appid,
      mchid,
      description: 'Tea',
      out_trade_no: 'CODE002',
      payer: { auth_code: '134567890123456789' },
      amount: { total: 100_000 },
      scene_info: { store_info: { out_id: 'S01' } },
    });
    assert.equal(charged.json.trade_state, 'USERPAYING');
    await advance(MINUTE);
    assert.equal((await client.query('CODE002')).json.trade_state, 'PAYERROR');
  });

  it('a refund succeeds after days, and its merchant hears of it then', async () => {
    await start({ refundDelayMs: 3 * DAY });
    await client.order('REFUND1', { notify_url: receiver.url });
    simulator.gateway.pay('REFUND1');
    const accepted = (await client.refund('REFUND1', 'R1', 100, { notify_url: receiver.url })).json;
    await advance(3 * DAY - MINUTE);
    assert.equal((await client.queryRefund('R1')).json.status, 'PROCESSING');
    assert.equal(receiver.deliveries.length, 1);
    await advance(2 * MINUTE);
    const { status, success_time } = (await client.queryRefund('R1')).json;
    assert.equal(status, 'SUCCESS');
    assert.equal(Date.parse(success_time) - Date.parse(accepted.create_time), 3 * DAY);
    assert.equal(JSON.parse(receiver.deliveries[1]?.body ?? '').event_type, 'REFUND.SUCCESS');
  });

  it('the clock is set, shown and reset; back in time nothing is undone', async () => {
    await start({ refundDelayMs: DAY });
    await client.order('REFUND2', { notify_url: receiver.url });
    simulator.gateway.pay('REFUND2');
    await client.refund('REFUND2', 'R2', 100);
    const tomorrow = new Date(Date.now() + 2 * DAY).toISOString();
    const set = (await clock({ set: tomorrow })).json;
    assert.equal(set.happened, 2, 'the notification and the refund');
    assert.ok(Math.abs(Date.parse(set.time) - Date.parse(tomorrow)) < MINUTE);
    const reset = (await clock({ reset: true })).json;
    assert.deepEqual([reset.happened, reset.offset_ms], [0, 0]);
    assert.equal((await control(simulator, 'GET', '/clock')).json.offset_ms, 0);
    assert.equal(simulator.gateway.refund('R2').status, 'SUCCESS');
  });

  it('a move that makes no sense is refused', async () => {
    await start();
    for (const move of [{}, { advance_ms: -1 }, { advance_ms: 1.5 }, { set: 'tomorrow' }, { reset: false }]) {
      assert.equal((await clock(move)).status, 400, JSON.stringify(move));
    }
  });

  it('a restarted simulator shows the time that it was moved to', async () => {
    await start({ dataDir: directory });
    await advance(DAY);
    const before = simulator.gateway.clock();
    await simulator.close();
    await client.close();
    await start({ dataDir: directory });
    assert.ok(simulator.gateway.clock() >= before);
    assert.equal((await control(simulator, 'POST', '/reset')).status, 204);
    assert.ok(simulator.gateway.clock() < before);
  });
});

describe('simulator: timers', () => {
  let timers: Timers;
  beforeEach(() => {
    timers = new Timers({ clock: () => 1000 });
  });
  afterEach(() => timers.close());

  it('what became due happens in order, what it causes too, and each sees its own time', async () => {
    const seen: [string, number][] = [];
    const note = (name: string) => seen.push([name, timers.now()]);
    timers.at(40_000, () => note('third'));
    timers.at(20_000, async () => {
      await new Promise((resolve) => setImmediate(resolve));
      note('first');
      timers.at(30_000, () => note('second'));
      timers.at(90_000, () => note('too late'));
    });
    assert.equal(await timers.advance(60_000), 3);
    assert.deepEqual(seen, [
      ['first', 20_000],
      ['second', 30_000],
      ['third', 40_000],
    ]);
    assert.equal(timers.now(), 61_000);
  });

  it('of two that are due together the earlier one comes first, and a cancelled one never', async () => {
    const seen: number[] = [];
    const cancels = Array.from({ length: 200 }, (_, number) =>
      timers.at(10_000 + 100 * (number % 7), () => seen.push(number)),
    );
    for (const [number, cancel] of cancels.entries()) if (number % 3 === 0) cancel();
    await timers.advance(60_000);
    const expected = Array.from({ length: 200 }, (_, number) => number)
      .filter((number) => number % 3 !== 0)
      .sort((a, b) => (a % 7) - (b % 7) || a - b);
    assert.deepEqual(seen, expected);
  });

  it('moves come one after the other', async () => {
    const [first, second] = [timers.advance(1000), timers.advance(1000)];
    timers.at(2500, () => {});
    assert.deepEqual(await Promise.all([first, second]), [0, 1]);
    assert.equal(timers.now(), 3000);
  });

  it('nothing happens after closing', async () => {
    timers.close();
    timers.at(0, () => assert.fail('fired'));
    assert.equal(await timers.advance(1000), 0);
  });

  it('what is due in a month does not happen at once', async () => {
    timers.at(1000 + 40 * DAY, () => assert.fail('fired'));
    timers.after(40 * DAY, () => assert.fail('fired'));
    await new Promise<void>((resolve) => timers.after(2, resolve));
    assert.equal(await timers.advance(39 * DAY), 0);
  });
});
