import assert from 'node:assert/strict';
import {
  FAULT_KINDS,
  type FaultRequest,
  type FiredFault,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import { control, type RawAnswer, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';

describe('simulator: rules of faults', () => {
  let simulator: Simulator;
  let client: RawClient;
  let receiver: Receiver;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
      ...options,
    });
    client = new RawClient(simulator);
  }
  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver.close());
  beforeEach(() => start());
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });
  const arrange = (rule: FaultRequest) => simulator.gateway.addFault(rule);
  const statuses = async (count: number, call: () => Promise<RawAnswer>) => {
    const seen: number[] = [];
    for (let number = 0; number < count; number += 1) seen.push((await call()).status);
    return seen;
  };
  const query = () => client.query('NOBODY1');

  describe('which calls', () => {
    it('* means every endpoint, and neither notifications nor refunds', async () => {
      arrange({ operation: '*', kind: 'error_500', times: null });
      assert.equal((await client.order('RULE001')).status, 500);
      assert.equal((await query()).status, 500);
      assert.equal((await client.get('/v3/certificates')).status, 500);
      arrange({ operation: '*', kind: 'probe_signature', times: null });
      simulator.gateway.removeFaults();
      arrange({ operation: '*', kind: 'probe_signature', times: null });
      await client.order('RULE001', { notify_url: receiver.url });
      simulator.gateway.pay('RULE001');
      await simulator.gateway.moveClock({ advance_ms: 1e8 });
      assert.deepEqual(
        simulator.gateway.notifications()[0]?.attempts.map(({ fault }) => fault),
        [null],
      );
    });

    it('order.* means queries and closes, *.create every way to order', async () => {
      arrange({ operation: 'order.*', kind: 'error_500', times: null });
      assert.equal((await client.order('RULE001')).status, 200);
      assert.equal((await client.query('RULE001')).status, 500);
      assert.equal((await client.closeOrder('RULE001')).status, 500);
      simulator.gateway.removeFaults();
      arrange({ operation: '*.create', kind: 'error_500', times: null });
      assert.equal((await client.query('RULE001')).status, 200);
      assert.equal((await client.order('RULE002')).status, 500);
      assert.equal((await client.refund('RULE001', 'R1', 1)).status, 500);
    });

    it('a pattern fires only where its kind makes sense', async () => {
      arrange({ operation: '*', kind: 'not_enough' });
      await client.order('RULE001');
      simulator.gateway.pay('RULE001');
      assert.equal((await client.query('RULE001')).status, 200);
      assert.equal((await client.refund('RULE001', 'R1', 1)).json.code, 'NOT_ENOUGH');
    });

    it('only those of a merchant', async () => {
      arrange({ operation: 'order.query', kind: 'error_500', times: null, mchid: '1900000000' });
      assert.equal((await query()).status, 404);
      arrange({ operation: 'order.query', kind: 'error_500', mchid: simulator.merchant.mchid });
      assert.deepEqual(await statuses(2, query), [500, 404]);
    });

    it('only those of an order, or of a refund', async () => {
      arrange({ operation: '*', kind: 'error_500', out_trade_no: 'RULE002', times: null });
      assert.equal((await client.order('RULE001')).status, 200);
      assert.equal((await client.order('RULE002')).status, 500);
      simulator.gateway.pay('RULE001');
      arrange({ operation: 'refund.create', kind: 'error_500', out_refund_no: 'R2' });
      assert.equal((await client.refund('RULE001', 'R1', 1)).status, 200);
      assert.equal((await client.refund('RULE001', 'R2', 1)).status, 500);
    });

    it('nth: only the n-th of those that match', async () => {
      arrange({ operation: 'order.query', kind: 'error_500', nth: 3 });
      assert.deepEqual(await statuses(5, query), [404, 404, 500, 404, 404]);
      assert.deepEqual(simulator.gateway.faults(), []);
    });

    it('after: from the n-th of those that match on, so many times', async () => {
      arrange({ operation: 'order.query', kind: 'error_500', after: 3, times: 2 });
      await client.closeOrder('NOBODY1');
      assert.deepEqual(await statuses(6, query), [404, 404, 500, 500, 404, 404]);
    });

    it('every rule counts the calls that match it, also those that another one spoils', async () => {
      arrange({ operation: 'order.query', kind: 'error_500', times: 2 });
      arrange({ operation: 'order.query', kind: 'error_502_html', nth: 3 });
      assert.deepEqual(await statuses(4, query), [500, 500, 502, 404]);
    });

    it('a call with a race is one call', async () => {
      await client.order('RULE001');
      arrange({ operation: 'order.query', kind: 'pay_after' });
      arrange({ operation: 'order.query', kind: 'error_500', nth: 2 });
      assert.deepEqual(await statuses(3, () => client.query('RULE001')), [200, 500, 200]);
      assert.deepEqual(
        simulator.gateway.state().fault_log.map(({ kind, call }) => [kind, call]),
        [
          ['pay_after', 1],
          ['error_500', 2],
        ],
      );
    });
  });

  describe('chance', () => {
    const draws = async (rule: Partial<FaultRequest> = {}) => {
      arrange({ operation: 'order.query', kind: 'error_500', times: null, probability: 0.5, ...rule });
      return await statuses(40, query);
    };
    async function restart(options: SimulatorOptions) {
      await client.close();
      await simulator.close();
      await start(options);
    }

    it('the same seed draws the same, another one otherwise', async () => {
      const first = await draws();
      await restart({});
      assert.deepEqual(await draws(), first);
      await restart({ faultSeed: 2 });
      assert.notDeepEqual(await draws(), first);
    });

    it('a rule with a seed of its own draws the same in every simulator', async () => {
      const first = await draws({ seed: 7 });
      await restart({ faultSeed: 3 });
      assert.deepEqual(await draws({ seed: 7 }), first);
    });

    it('one rule does not shift the draws of another', async () => {
      arrange({ operation: 'order.query', kind: 'error_500', times: null, probability: 0.5, seed: 7 });
      const first = await statuses(40, query);
      simulator.gateway.removeFaults();
      arrange({ operation: 'order.close', kind: 'error_500', times: null, probability: 0.5 });
      arrange({ operation: 'order.query', kind: 'error_500', times: null, probability: 0.5, seed: 7 });
      const mixed: number[] = [];
      for (let number = 0; number < 40; number += 1) {
        await client.closeOrder('NOBODY1');
        mixed.push((await query()).status);
      }
      assert.deepEqual(mixed, first);
    });
  });

  it('rules that make no sense are refused with the reason', () => {
    const cases: [object, RegExp][] = [
      [
        { operation: 'order.nothing', kind: 'slow' },
        /no operation order\.nothing; there are .*native\.create/,
      ],
      [{ operation: 'order.*', kind: 'stuck' }, /order\.\* has no fault kind stuck; it has timeout_before/],
      [{ operation: 'notification', kind: 'error_500' }, /notification has no fault kind error_500/],
      [{ operation: 'order.query', kind: 'refused' }, /refused needs a code/],
      [{ operation: 'order.query', kind: 'error_500', nth: 1, after: 2 }, /nth and after exclude each other/],
      [{ operation: 'order.query', kind: 'error_500', skew_ms: 5 }, /skew_ms means nothing for error_500/],
      [
        { operation: 'notification', kind: 'drop', copies: 3 },
        /copies means nothing for drop, only for duplicate/,
      ],
      [{ operation: 'order.query', kind: 'error_500', event_type: 'X' }, /event_type is for notifications/],
      [{ operation: 'order.query', kind: 'error_500', probability: 2 }, /probability/],
      [{ operation: 'order.query', kind: 'error_500', colour: 'red' }, /colour/],
    ];
    for (const [rule, reason] of cases) {
      assert.throws(() => arrange(rule as FaultRequest), reason, JSON.stringify(rule));
    }
    assert.deepEqual(simulator.gateway.faults(), []);
  });

  describe('replay', () => {
    const RULES: FaultRequest[] = [
      { operation: '*.create', kind: 'error_500', probability: 0.15, times: null, processed: true },
      { operation: 'order.*', kind: 'bad_signature', probability: 0.2, times: null },
      { operation: 'order.query', kind: 'pay_before', probability: 0.1, times: null },
      { operation: 'order.query', kind: 'clock_skew', probability: 0.1, times: null, skew_ms: 600_000 },
      { operation: 'refund.create', kind: 'rate_limited_429', probability: 0.3, times: null },
      { operation: 'refund', kind: 'stuck', probability: 0.3, times: null, delay_ms: 86_400_000 },
      { operation: 'notification', kind: 'duplicate', probability: 0.3, times: null, copies: 3 },
      { operation: 'notification', kind: 'wrong_amount', probability: 0.2, times: null },
    ];
    const mark = ({ operation, call, kind, parameters, out_trade_no, out_refund_no }: FiredFault) =>
      JSON.stringify([operation, call, kind, parameters, out_trade_no, out_refund_no]);

    /** 200 calls of four kinds, and the notifications that follow. */
    async function mixedCalls(): Promise<void> {
      for (let number = 0; number < 50; number += 1) {
        const order = `MIX${String(number).padStart(4, '0')}`;
        await client.order(order, { notify_url: receiver.url });
        await client.query(order);
        await client.closeOrder(order);
        const known = simulator.gateway.orders().find(({ out_trade_no }) => out_trade_no === order);
        if (known?.payable) simulator.gateway.pay(order);
        await client.refund(order, `R${number}`, 100);
      }
      await simulator.gateway.moveClock({ advance_ms: 1e8 });
    }

    it('a run of 200 mixed calls fires identically on a fresh simulator with another seed', async () => {
      for (const rule of RULES) arrange(rule);
      await mixedCalls();
      const log = (await control(simulator, 'GET', '/fault-log')).json;
      const kinds = new Set(log.faults.map(({ kind }: FiredFault) => kind));
      assert.ok(log.total > 40 && kinds.size >= 7, `${log.total} faults of ${[...kinds]}`);

      await client.close();
      await simulator.close();
      await start({ faultSeed: 99 });
      for (const rule of RULES) arrange(rule);
      const accepted = await control(simulator, 'POST', '/replay', log);
      assert.deepEqual(accepted.json, { waiting: log.total });
      await mixedCalls();
      assert.deepEqual(simulator.gateway.state().fault_log.map(mark), log.faults.map(mark));
      assert.deepEqual((await control(simulator, 'GET', '/replay')).json, { waiting: 0 });
    });

    it('a scenario can hold it', async () => {
      arrange({ operation: 'order.query', kind: 'error_500', nth: 2 });
      arrange({ operation: 'order.query', kind: 'refused', code: 'BANK_ERROR', nth: 4 });
      const first = await statuses(5, async () => query());
      const replay = simulator.gateway.state().fault_log;
      await client.close();
      await simulator.close();
      await start({ scenario: { replay } });
      assert.deepEqual(await statuses(5, async () => query()), first);
      assert.equal((await control(simulator, 'DELETE', '/replay')).status, 204);
      assert.deepEqual((await control(simulator, 'GET', '/replay')).json, { waiting: null });
    });

    it('arranged faults rest meanwhile, and fire again when it is ended', async () => {
      arrange({ operation: 'order.query', kind: 'error_500', times: null });
      await control(simulator, 'POST', '/replay', { faults: [] });
      assert.equal((await query()).status, 404);
      await control(simulator, 'DELETE', '/replay');
      assert.equal((await query()).status, 500);
    });

    it('a race whose order cannot take part does not fire', async () => {
      await client.order('RULE001');
      simulator.gateway.pay('RULE001');
      await control(simulator, 'POST', '/replay', {
        faults: [{ operation: 'order.query', call: 1, kind: 'pay_before' }],
      });
      assert.equal((await client.query('RULE001')).json.trade_state, 'SUCCESS');
      assert.deepEqual(simulator.gateway.state().fault_log, []);
    });
  });

  it('every endpoint has faults, and every kind has an endpoint or an event', () => {
    const kinds = new Set(Object.values(FAULT_KINDS).flat());
    for (const kind of [
      'reset_mid_answer',
      'clock_skew',
      'not_enough',
      'pay_after',
      'stuck',
      'reorder',
    ] as const) {
      assert.ok(kinds.has(kind), kind);
    }
    for (const [operation, known] of Object.entries(FAULT_KINDS)) assert.ok(known.length > 2, operation);
  });
});
