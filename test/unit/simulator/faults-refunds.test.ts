import assert from 'node:assert/strict';
import { type FaultRequest, type Simulator, startSimulator } from '../../../simulator/index.ts';
import { RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;

describe('simulator: faults of refunds', () => {
  let simulator: Simulator;
  let client: RawClient;
  let receiver: Receiver;

  beforeEach(async () => {
    receiver = await startReceiver();
    simulator = await startSimulator({ notifyDelayMs: 0, refundDelayMs: MINUTE });
    client = new RawClient(simulator);
    await client.order('REFUND1', { notify_url: receiver.url });
    simulator.gateway.pay('REFUND1');
    await receiver.delivery(1);
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
    await receiver.close();
  });
  const arrange = (rule: Partial<FaultRequest> & { kind: string }) =>
    simulator.gateway.addFault({ operation: 'refund', ...rule });
  const refund = (number: string) => client.refund('REFUND1', number, 10, { notify_url: receiver.url });
  const advance = (advance_ms: number) => simulator.gateway.moveClock({ advance_ms });
  const state = async (number: string) => (await client.queryRefund(number)).json.status;
  const told = () => receiver.deliveries.slice(1).map(({ body }) => JSON.parse(body).event_type);

  it('stuck: it stays PROCESSING for weeks, until it is told', async () => {
    arrange({ kind: 'stuck' });
    assert.equal((await refund('R1')).json.status, 'PROCESSING');
    await advance(60 * DAY);
    assert.equal(await state('R1'), 'PROCESSING');
    assert.deepEqual(told(), []);
    simulator.gateway.finishRefund('R1', 'SUCCESS');
    assert.equal(await state('R1'), 'SUCCESS');
  });

  it('stuck with delay_ms: it succeeds after so many days', async () => {
    arrange({ kind: 'stuck', delay_ms: 5 * DAY });
    await refund('R1');
    await advance(4 * DAY);
    assert.equal(await state('R1'), 'PROCESSING');
    await advance(2 * DAY);
    assert.equal(await state('R1'), 'SUCCESS');
    assert.deepEqual(told(), ['REFUND.SUCCESS']);
  });

  for (const [kind, status] of [
    ['abnormal', 'ABNORMAL'],
    ['closed', 'CLOSED'],
  ] as const) {
    it(`${kind}: it is accepted, becomes ${status} and its merchant is told`, async () => {
      arrange({ kind, out_refund_no: 'R1' });
      assert.equal((await refund('R0')).json.status, 'PROCESSING');
      assert.equal((await refund('R1')).json.status, 'PROCESSING');
      await advance(2 * MINUTE);
      assert.equal(await state('R0'), 'SUCCESS');
      assert.equal(await state('R1'), status);
      assert.deepEqual(told().sort(), [`REFUND.${status}`, 'REFUND.SUCCESS'].sort());
    });
  }

  it('an abnormal refund that is sent elsewhere succeeds', async () => {
    arrange({ kind: 'abnormal' });
    const { refund_id } = (await refund('R1')).json;
    await advance(2 * MINUTE);
    const path = `/v3/refund/domestic/refunds/${refund_id}/apply-abnormal-refund`;
    const applied = await client.post(path, { out_refund_no: 'R1', type: 'MERCHANT_BANK_CARD' });
    assert.equal(applied.json.status, 'PROCESSING', applied.text);
    await advance(2 * MINUTE);
    assert.equal(await state('R1'), 'SUCCESS');
  });

  it('fates are drawn by probability, and each refund has one', async () => {
    arrange({ kind: 'abnormal', probability: 0.3, times: null });
    arrange({ kind: 'closed', probability: 0.3, times: null });
    for (let number = 0; number < 40; number += 1) await refund(`R${number}`);
    await advance(2 * MINUTE);
    const states = simulator.gateway.refunds().map(({ status }) => status);
    const count = (status: string) => states.filter((one) => one === status).length;
    assert.ok(count('ABNORMAL') > 3 && count('CLOSED') > 3 && count('SUCCESS') > 8, states.join());
    assert.equal(count('PROCESSING'), 0);
  });

  it('the same number again is no new refund and draws nothing', async () => {
    arrange({ kind: 'stuck', nth: 2 });
    await refund('R1');
    await refund('R1');
    assert.equal(simulator.gateway.faults().length, 1);
  });
});
