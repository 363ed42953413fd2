import assert from 'node:assert/strict';
import {
  FAULT_KINDS,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../../../simulator/index.ts';
import { OVERSEAS_RATE_LIMITS, RATE_LIMITS, RateLimits } from '../../../simulator/rate-limit.ts';
import { control, isSigned, type RawAnswer, RawClient } from './client.ts';
import { RawV2Client } from './v2-client.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 24 * 60 * MINUTE;

describe('simulator: rate limits', () => {
  describe('counting', () => {
    let now: number;
    let limits: RateLimits;
    const caller = { mchid: '1900000001' };

    beforeEach(() => {
      now = 1_772_337_600_000;
      limits = new RateLimits({
        enabled: true,
        clock: () => now,
        isOverseas: (mchid) => mchid === '1900000009',
      });
    });

    for (const [operation, { calls, perMs }] of Object.entries(RATE_LIMITS)) {
      it(`${operation}: ${calls} calls per ${perMs / SECOND} s, and no more until the next window`, () => {
        assert.ok(Object.hasOwn(FAULT_KINDS, operation), 'it is an endpoint');
        for (let call = 1; call <= calls; call += 1) {
          assert.equal(limits.excess(operation, caller, undefined), undefined, `call ${call}`);
        }
        assert.equal(limits.excess(operation, caller, undefined), 'calls');
        assert.equal(
          limits.excess(operation, { mchid: '1900000002' }, undefined),
          undefined,
          'another merchant',
        );
        now += perMs - 1;
        assert.equal(limits.excess(operation, caller, undefined), 'calls');
        now += 1;
        assert.equal(limits.excess(operation, caller, undefined), undefined);
      });
    }

    for (const [operation, { calls }] of Object.entries(OVERSEAS_RATE_LIMITS)) {
      it(`${operation} of an overseas merchant: ${calls} calls`, () => {
        const overseas = { mchid: '1900000009' };
        for (let call = 1; call <= calls; call += 1) {
          assert.equal(limits.excess(operation, overseas, undefined), undefined);
        }
        assert.equal(limits.excess(operation, overseas, undefined), 'calls');
      });
    }

    it('six refused refunds in a second stop every other one of that second', () => {
      for (let call = 1; call <= 6; call += 1) {
        assert.equal(limits.excess('refund.create', caller, undefined), undefined);
        limits.failed('refund.create', caller);
      }
      assert.equal(limits.excess('refund.create', caller, undefined), 'failures');
      assert.equal(limits.excess('v2.refund', caller, undefined), 'failures');
      now += SECOND;
      assert.equal(limits.excess('refund.create', caller, undefined), undefined);
    });

    it('refused calls of other endpoints stop nothing', () => {
      for (let call = 1; call <= 100; call += 1) limits.failed('order.query', caller);
      assert.equal(limits.excess('refund.create', caller, undefined), undefined);
    });

    it('refunds of orders of more than a month ago: 5000 in a minute', () => {
      const order = { paidAt: now - 31 * DAY } as Parameters<RateLimits['excess']>[2];
      const young = { paidAt: now - 29 * DAY } as Parameters<RateLimits['excess']>[2];
      for (let call = 1; call <= 5000; call += 1) {
        // 100 in a second keep below the limit of a second.
        if (call % 100 === 0) now += SECOND;
        assert.equal(limits.excess('refund.create', caller, order), undefined, `call ${call}`);
      }
      assert.equal(limits.excess('refund.create', caller, order), 'old_orders');
      assert.equal(limits.excess('refund.create', caller, young), undefined);
      now += MINUTE;
      assert.equal(limits.excess('refund.create', caller, order), undefined);
    });

    it('when they are off, nothing is counted', () => {
      limits.enabled = false;
      for (let call = 1; call <= 1000; call += 1) limits.failed('refund.create', caller);
      limits.enabled = true;
      assert.equal(limits.excess('refund.create', caller, undefined), undefined);
    });
  });

  describe('over HTTP', () => {
    let simulator: Simulator;
    let client: RawClient;
    let now: number;

    async function start(options: SimulatorOptions = {}) {
      // A clock that stands still.
      now = Date.now();
      // From the start of a minute on, so that none ends before its time.
      now -= now % MINUTE;
      simulator = await startSimulator({
        clock: () => now,
        notifyDelayMs: 1e8,
        refundDelayMs: Number.POSITIVE_INFINITY,
        ...options,
      });
      client = new RawClient(simulator);
    }
    afterEach(async () => {
      await client.close();
      await simulator.close();
    });
    const refund = (number: string, fen: number) => client.refund('LIMIT01', number, fen);
    const code = ({ status, json }: RawAnswer) => [status, json.code];

    it('the seventh refused refund of a second is answered 429, signed, with the internal number', async () => {
      await start({ rateLimits: true });
      await client.order('LIMIT01');
      simulator.gateway.pay('LIMIT01');
      for (let number = 1; number <= 6; number += 1) {
        assert.equal((await refund(`R${number}`, 99_999)).status, 400);
      }
      const limited = await refund('R7', 100);
      assert.deepEqual(code(limited), [429, 'FREQUENCY_LIMITED']);
      assert.ok(isSigned(simulator, limited.headers, limited.text));
      assert.match(limited.headers['Request-ID'] ?? '', /-268447840$/);
      assert.equal(simulator.gateway.refunds().length, 0);
      await simulator.gateway.moveClock({ advance_ms: SECOND });
      assert.equal((await refund('R7', 100)).status, 200);
    });

    it('v2 has words of its own for too many calls and for too many refused ones', async () => {
      await start({ rateLimits: true });
      const v2 = new RawV2Client(simulator);
      for (let number = 1; number <= 6; number += 1) {
        assert.equal((await v2.refund('LIMIT02', `R${number}`, 100)).xml.err_code, 'ORDERNOTEXIST');
      }
      assert.equal((await v2.refund('LIMIT02', 'R7', 100)).xml.err_code, 'INVALID_REQ_TOO_MUCH');
      for (let call = 1; call <= 33; call += 1) await v2.micropay(`LIMIT${call}`, '134567890123456789');
      const limited = await v2.micropay('LIMIT34', '134567890123456789');
      assert.equal(limited.xml.err_code, 'FREQUENCY_LIMITED');
      await v2.close();
    });

    it('old orders are told so in words of their own', async () => {
      await start({ rateLimits: true });
      await client.order('LIMIT01');
      simulator.gateway.pay('LIMIT01');
      await simulator.gateway.moveClock({ advance_ms: 40 * DAY });
      const { mchid } = simulator.merchant;
      const order = simulator.gateway.findOrder(mchid, { outTradeNo: 'LIMIT01' });
      for (let call = 1; call <= 5000; call += 1) {
        // 100 in a second keep below the limit of a second.
        if (call % 100 === 0) now += SECOND;
        simulator.gateway.rateLimits.excess('v2.refund', { mchid }, order);
      }
      const limited = await client.post(
        '/v3/refund/domestic/refunds',
        { out_trade_no: 'LIMIT01', out_refund_no: 'R1', amount: { refund: 1, total: 2590, currency: 'CNY' } },
        { timestamp: Math.floor(now / 1000) },
      );
      assert.deepEqual(code(limited), [429, 'FREQUENCY_LIMITED']);
      assert.equal(limited.json.message, '频率限制，1个月之前的订单请降低申请频率再重试');
    });

    it('they are off unless told, and the control API switches them', async () => {
      await start();
      assert.deepEqual((await control(simulator, 'GET', '/rate-limits')).json, { enabled: false });
      const bill = () => client.get('/v3/bill/fundflowbill?bill_date=2026-01-01');
      for (let call = 0; call < 5; call += 1) assert.notEqual((await bill()).status, 429);
      await control(simulator, 'PUT', '/rate-limits', { enabled: true });
      for (let call = 0; call < 3; call += 1) assert.notEqual((await bill()).status, 429);
      assert.equal((await bill()).status, 429);
      await control(simulator, 'PUT', '/rate-limits', { enabled: false });
      assert.notEqual((await bill()).status, 429);
    });

    it('partial refunds that follow within a minute are answered 429 where that is switched on', async () => {
      await start({ enforceRefundInterval: true });
      await client.order('LIMIT01');
      simulator.gateway.pay('LIMIT01');
      await refund('R1', 1);
      assert.deepEqual(code(await refund('R2', 1)), [429, 'FREQUENCY_LIMITED']);
      await simulator.gateway.moveClock({ advance_ms: MINUTE });
      assert.equal((await refund('R2', 1)).status, 200);
    });
  });
});
