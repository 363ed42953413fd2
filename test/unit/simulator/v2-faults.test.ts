import assert from 'node:assert/strict';
import { once } from 'node:events';
import { ControlError, FAULT_KINDS, type Simulator, startSimulator } from '../../../simulator/index.ts';
import { V2_ERROR_CODES, V2_ERRORS } from '../../../simulator/v2/error.ts';
import { openV2Notification } from '../../../wechatpay/v2/notifications.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { peer, RawV2Client, refusalOf, signatureOf } from './v2-client.ts';

const ACCEPTED = '<xml><return_code>SUCCESS</return_code></xml>';

describe('simulator: v2 faults', () => {
  let simulator: Simulator;
  let client: RawV2Client;
  const state = (outTradeNo: string) => simulator.gateway.order(outTradeNo).trade_state;
  const created = () => simulator.gateway.state().orders;

  beforeEach(async () => {
    simulator = await startSimulator({
      notifyDelayMs: 0,
      timeScale: 1000,
      enforceCloseDelay: false,
      refundDelayMs: Number.POSITIVE_INFINITY,
    });
    client = new RawV2Client(simulator);
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  for (const code of V2_ERROR_CODES)
    it(`refused with ${code}: nothing happens, the answer is signed`, async () => {
      simulator.gateway.addFault({ operation: 'v2.unifiedOrder', kind: 'refused', code });
      const answer = await client.order('V2FAULT1');
      assert.deepEqual(refusalOf(answer), {
        return_code: 'SUCCESS',
        return_msg: 'OK',
        result_code: 'FAIL',
        err_code: code,
        err_code_des: V2_ERRORS[code],
      });
      assert.equal(answer.signedWith, 'MD5');
      assert.equal(created(), 0);
      assert.equal((await client.order('V2FAULT1')).xml.result_code, 'SUCCESS');
    });

  it('refused but processed: it has happened all the same', async () => {
    const rule = {
      operation: 'v2.unifiedOrder',
      kind: 'refused',
      code: 'BANKERROR',
      processed: true,
    } as const;
    simulator.gateway.addFault(rule);
    assert.equal((await client.order('V2FAULT1')).xml.err_code, 'BANKERROR');
    assert.equal(created(), 1);
  });

  it('a code of v3 means nothing for v2, and the other way round; a rule for all speaks v3', async () => {
    const refused = { kind: 'refused' } as const;
    for (const rule of [
      { ...refused, operation: 'v2.refund', code: 'NOT_ENOUGH' },
      { ...refused, operation: 'refund.create', code: 'NOTENOUGH' },
    ] as const)
      assert.throws(() => simulator.gateway.addFault(rule), ControlError);
    simulator.gateway.addFault({ ...refused, operation: '*', code: 'RATELIMIT_EXCEEDED' });
    assert.equal((await client.order('V2FAULT1')).xml.err_code, 'FREQUENCY_LIMITED');
  });

  it('error_500: SYSTEMERROR as it was seen, without sign and mch_id', async () => {
    simulator.gateway.addFault({ operation: 'v2.unifiedOrder', kind: 'error_500' });
    const { status, xml } = await client.order('V2FAULT1');
    assert.equal(status, 200);
    assert.deepEqual(xml, {
      return_code: 'SUCCESS',
      return_msg: 'OK',
      result_code: 'FAIL',
      err_code: 'SYSTEMERROR',
      err_code_des: '系统异常，请稍后再试',
    });
    assert.equal(created(), 0);
  });

  it('rate_limited_429: FREQUENCY_LIMITED, and the refund may be there', async () => {
    await client.order('V2FAULT2');
    simulator.gateway.pay('V2FAULT2');
    simulator.gateway.addFault({ operation: 'v2.refund', kind: 'rate_limited_429', processed: true });
    const answer = await client.refund('V2FAULT2', 'VR1', 1);
    assert.deepEqual([answer.status, answer.xml.err_code], [200, 'FREQUENCY_LIMITED']);
    assert.equal(simulator.gateway.refund('VR1').status, 'PROCESSING');
  });

  it('not_enough: NOTENOUGH', async () => {
    await client.order('V2FAULT2');
    simulator.gateway.pay('V2FAULT2');
    simulator.gateway.addFault({ operation: 'v2.refund', kind: 'not_enough' });
    assert.equal((await client.refund('V2FAULT2', 'VR1', 1)).xml.err_code, 'NOTENOUGH');
  });

  for (const [kind, status] of [
    ['error_502_html', 502],
    ['error_503_html', 503],
  ] as const)
    it(`${kind}: the page of a proxy`, async () => {
      simulator.gateway.addFault({ operation: 'v2.unifiedOrder', kind });
      const answer = await client.order('V2FAULT1');
      assert.deepEqual([answer.status, answer.contentType], [status, 'text/html']);
      assert.equal(created(), 0);
    });

  for (const kind of ['bad_signature', 'unsigned'] as const)
    it(`${kind}: it has happened, the answer cannot be believed`, async () => {
      simulator.gateway.addFault({ operation: 'v2.unifiedOrder', kind });
      const answer = await client.order('V2FAULT1');
      assert.equal(answer.xml.result_code, 'SUCCESS');
      assert.equal('sign' in answer.xml, kind === 'bad_signature');
      assert.equal(answer.signedWith, undefined);
      assert.equal(created(), 1);
    });

  for (const [kind, effect] of [
    ['timeout_before', 0],
    ['timeout_after', 1],
    ['reset_after', 1],
    ['reset_mid_answer', 1],
  ] as const)
    it(`${kind}: no whole answer, ${effect ? 'and it has happened' : 'and nothing has happened'}`, async () => {
      simulator.gateway.addFault({ operation: 'v2.unifiedOrder', kind, delay_ms: 1 });
      await assert.rejects(client.order('V2FAULT1'));
      assert.equal(created(), effect);
    });

  it('slow: the answer is right', async () => {
    simulator.gateway.addFault({ operation: 'v2.unifiedOrder', kind: 'slow', delay_ms: 1 });
    assert.equal((await client.order('V2FAULT1')).signedWith, 'MD5');
  });

  it('notpay_lag: a paid order is answered NOTPAY once', async () => {
    await client.order('V2FAULT3');
    simulator.gateway.addFault({ operation: 'v2.orderQuery', kind: 'notpay_lag' });
    assert.equal((await client.query('V2FAULT3')).xml.trade_state, 'NOTPAY');
    simulator.gateway.pay('V2FAULT3');
    const { xml } = await client.query('V2FAULT3');
    assert.deepEqual([xml.trade_state, 'transaction_id' in xml], ['NOTPAY', false]);
    assert.equal((await client.query('V2FAULT3')).xml.trade_state, 'SUCCESS');
  });

  it('notpay_lag with lag_ms: for so long after the payment', async () => {
    let now = Date.parse('2026-03-01T12:00:00+08:00');
    await client.close();
    await simulator.close();
    simulator = await startSimulator({ clock: () => now, notifyDelayMs: 1e8 });
    client = new RawV2Client(simulator);
    await client.order('V2LAG1');
    simulator.gateway.addFault({ operation: 'v2.orderQuery', kind: 'notpay_lag', lag_ms: 5000 });
    simulator.gateway.pay('V2LAG1');
    for (const [at, state] of [
      [0, 'NOTPAY'],
      [4999, 'NOTPAY'],
      [5000, 'SUCCESS'],
    ] as const) {
      now = Date.parse('2026-03-01T12:00:00+08:00') + at;
      assert.equal((await client.query('V2LAG1')).xml.trade_state, state);
    }
  });

  it('limits, where they are on: payment codes beyond 33 in a second are FREQUENCY_LIMITED', async () => {
    await client.close();
    await simulator.close();
    simulator = await startSimulator({
      clock: () => Date.parse('2026-03-01T12:00:00+08:00'),
      rateLimits: true,
      notifyDelayMs: 1e8,
    });
    client = new RawV2Client(simulator);
    for (let call = 0; call < 33; call += 1)
      assert.equal((await client.micropay(`V2RATE${call}`, '134567890123456789')).xml.result_code, 'SUCCESS');
    const { xml, signedWith } = await client.micropay('V2RATE33', '134567890123456789');
    assert.deepEqual([xml.err_code, signedWith], ['FREQUENCY_LIMITED', 'MD5']);
    assert.equal(created(), 33);
  });

  it('limits, where they are on: the seventh refused refund of a second is INVALID_REQ_TOO_MUCH', async () => {
    await client.close();
    await simulator.close();
    simulator = await startSimulator({
      clock: () => Date.parse('2026-03-01T12:00:00+08:00'),
      rateLimits: true,
      notifyDelayMs: 1e8,
    });
    client = new RawV2Client(simulator);
    for (let call = 0; call < 6; call += 1)
      assert.equal((await client.refund('V2NONE', `VR${call}`, 1)).xml.err_code, 'ORDERNOTEXIST');
    assert.equal((await client.refund('V2NONE', 'VR6', 1)).xml.err_code, 'INVALID_REQ_TOO_MUCH');
  });

  it('pay_before: the money is faster than the closing', async () => {
    await client.order('V2FAULT4');
    simulator.gateway.addFault({ operation: 'v2.closeOrder', kind: 'pay_before' });
    const { xml } = await client.post('/pay/closeorder', { out_trade_no: 'V2FAULT4' });
    assert.equal(xml.err_code, 'ORDERPAID');
    assert.equal(state('V2FAULT4'), 'SUCCESS');
  });

  it('pay_after: the query is slower than the money', async () => {
    await client.order('V2FAULT5');
    simulator.gateway.addFault({ operation: 'v2.orderQuery', kind: 'pay_after' });
    assert.equal((await client.query('V2FAULT5')).xml.trade_state, 'NOTPAY');
    assert.equal((await client.query('V2FAULT5')).xml.trade_state, 'SUCCESS');
  });

  it('pay_before while a password is being typed: the reversal gives the money back', async () => {
    await client.micropay('V2FAULT6', '134567890123456789', { total_fee: '100000' });
    simulator.gateway.addFault({ operation: 'v2.reverse', kind: 'pay_before' });
    const { xml } = await client.post('/secapi/pay/reverse', { out_trade_no: 'V2FAULT6' });
    assert.equal(xml.recall, 'N');
    assert.equal(state('V2FAULT6'), 'REVOKED');
    assert.notEqual(simulator.gateway.order('V2FAULT6').transaction_id, null);
  });

  it('every endpoint of v2 knows what can go wrong with its answer', () => {
    const names = Object.keys(FAULT_KINDS).filter((name) => name.startsWith('v2.'));
    assert.equal(names.length, 16);
    for (const name of names) assert.ok(FAULT_KINDS[name]?.includes('timeout_after'), name);
  });

  describe('of notifications', () => {
    let receiver: Receiver;
    const key = () => simulator.merchant.apiV2Key;
    beforeEach(async () => {
      receiver = await startReceiver();
    });
    afterEach(() => receiver.close());

    it('forge: the payment is not signed with the key, the retry is', async () => {
      receiver.answer = (response, count) => response.writeHead(count === 1 ? 500 : 200).end(ACCEPTED);
      await client.order('V2FORGE1', { notify_url: receiver.url });
      simulator.gateway.addFault({ operation: 'notification', kind: 'forge' });
      simulator.gateway.pay('V2FORGE1');
      const forged = peer.Transformer.toObject((await receiver.delivery(1)).body);
      assert.deepEqual([forged.total_fee, signatureOf(forged, key())], ['2590', undefined]);
      const right = peer.Transformer.toObject((await receiver.delivery(2)).body);
      assert.equal(signatureOf(right, key()), 'MD5');
    });

    it('forge: the refund does not decrypt', async () => {
      receiver.answer = (response) => response.writeHead(200).end(ACCEPTED);
      await client.order('V2FORGE2');
      simulator.gateway.pay('V2FORGE2');
      await client.refund('V2FORGE2', 'VR1', 1000, { notify_url: receiver.url });
      simulator.gateway.addFault({ operation: 'notification', kind: 'forge', event_type: 'V2.REFUND' });
      simulator.gateway.finishRefund('VR1', 'SUCCESS');
      const body = Buffer.from((await receiver.delivery(1)).body);
      const { mchid } = simulator.merchant;
      assert.throws(() => openV2Notification(body, { mchid, apiV2Key: key() }));
    });

    it('wrong_amount: one fen more under a right signature, and inside of what is encrypted', async () => {
      receiver.answer = (response) => response.writeHead(200).end(ACCEPTED);
      await client.order('V2WRONG1', { notify_url: receiver.url });
      simulator.gateway.addFault({ operation: 'notification', kind: 'wrong_amount', times: 2 });
      simulator.gateway.pay('V2WRONG1');
      const { mchid } = simulator.merchant;
      const open = (body: string) => openV2Notification(Buffer.from(body), { mchid, apiV2Key: key() });
      const paid = open((await receiver.delivery(1)).body);
      assert.ok(paid.kind === 'payment');
      assert.deepEqual([paid.total_fee, paid.cash_fee], [2591, 2590]);
      await client.refund('V2WRONG1', 'VR1', 1000, { notify_url: receiver.url });
      simulator.gateway.finishRefund('VR1', 'SUCCESS');
      const refunded = open((await receiver.delivery(2)).body);
      assert.ok(refunded.kind === 'refund');
      assert.equal(refunded.refund_fee, 1001);
    });

    it('duplicate: the very same XML twice', async () => {
      receiver.answer = (response) => response.writeHead(200).end(ACCEPTED);
      await client.order('V2TWICE1', { notify_url: receiver.url });
      simulator.gateway.addFault({ operation: 'notification', kind: 'duplicate' });
      const recorded = once(simulator.gateway.events, 'attempt');
      simulator.gateway.pay('V2TWICE1');
      await recorded;
      const [first, second] = [await receiver.delivery(1), await receiver.delivery(2)];
      assert.equal(first.body, second.body);
    });
  });
});
