import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { listEventTypes } from '../../database/events.ts';
import { takeCode } from '../../database/payment-codes.ts';
import { openVault } from '../../database/secrets.ts';
import { WechatPay } from '../../wechatpay/index.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { PASSWORD_FEN, TILLS, type Till } from '../till.ts';

/** Longer than the window: a code that may still arrive is not closed with it. */
const CODES_LIVE_MS = 4_000;

/** What customers show is charged once, whatever becomes of the answer. */
describe('charges that go wrong', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      // Behind, so that half a minute ends after three seconds.
      apiClock: () => Date.now() - 27_000,
      paymentTiming: {
        notifyWaitMs: 200,
        pollGapsMs: [200],
        reversal: { earliestMs: 300, codeLivesMs: CODES_LIVE_MS, settlesMs: 1_000 },
      },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const newNumber = () => `C${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  const fault = async (rule: object) => {
    const { status, body } = await paysaga.control('POST', '/faults', rule);
    assert.equal(status, 200, JSON.stringify(body));
  };
  const charge = ({ product, fields }: Till, more: object = {}, headers: Record<string, string> = {}) =>
    paysaga.call(
      'POST',
      '/v1/payments',
      { description: 'Tea set', amount: { total: 2590 }, product, expires_in: 30, ...fields, ...more },
      { 'idempotency-key': randomUUID(), ...headers },
    );
  const until = (id: string, ...statuses: string[]) => paysaga.until(`/v1/payments/${id}`, ...statuses);
  const order = (number: string) => paysaga.control('GET', `/orders/${number}`);
  /** How often this call was made for an order while a fault waited for it. */
  const fired = async (operation: string, number: string) => {
    const { body } = await paysaga.control('GET', '/fault-log?limit=10000');
    return body.faults.filter(
      (one: Answer['body']) => one.operation === operation && one.out_trade_no === number,
    ).length;
  };
  const row = async (number: string) =>
    (await paysaga.pool.query('select * from payments where out_trade_no = $1', [number])).rows[0];

  for (const one of TILLS) {
    const { product, calls } = one;

    for (const lost of [
      { kind: 'timeout_after' },
      { kind: 'reset_mid_answer' },
      { kind: 'bad_signature' },
      { kind: 'error_500', processed: true },
      { kind: 'error_502_html', processed: true },
      ...(product === 'CODEPAY' ? [{ kind: 'accepted_202', processed: true }] : []),
    ]) {
      it(`${product}: a charge that was accepted is found paid, although its answer is lost (${lost.kind})`, async () => {
        const out_trade_no = newNumber();
        await fault({ operation: calls.charge, out_trade_no, times: null, ...lost });
        const { status, body } = await charge(one, { out_trade_no });
        assert.equal(status, 202, JSON.stringify(body));
        await until(body.id, 'PAID');
        assert.equal(await fired(calls.charge, out_trade_no), 1, 'it is sent once');
        const types = await listEventTypes(paysaga.pool, body.id);
        assert.equal(types.filter((type) => type === 'payment.paid').length, 1);
      });
    }

    for (const kind of product === 'FACEPAY' ? ['timeout_before'] : ['timeout_before', 'error_500']) {
      it(`${product}: a charge that never arrived (${kind}) is not sent again, and closed once the code has expired`, async () => {
        const out_trade_no = newNumber();
        await fault({ operation: calls.charge, out_trade_no, kind, times: null });
        const { status, body } = await charge(one, { out_trade_no });
        assert.equal(status, 202, JSON.stringify(body));
        assert.equal(body.status, 'CREATED');
        await until(body.id, 'CLOSED');
        const { code_sent_at, updated_at } = await row(out_trade_no);
        assert.ok(updated_at - code_sent_at >= CODES_LIVE_MS, 'until then it could still arrive');
        assert.equal(await fired(calls.charge, out_trade_no), 1);
        assert.equal((await order(out_trade_no)).status, 404);
      });
    }

    it(`${product}: a refusal is answered with the gateway's reason, and nothing is kept of what was shown`, async () => {
      const out_trade_no = newNumber();
      const code = product === 'CODEPAY' ? 'NOT_ENOUGH' : 'AUTHCODEEXPIRE';
      await fault({ operation: calls.charge, out_trade_no, kind: 'refused', code });
      const { status, body } = await charge(one, { out_trade_no });
      assert.equal(status, 422, JSON.stringify(body));
      assert.equal(body.code, 'gateway_rejected');
      assert.equal(body.gateway_code, code);
      const failed = (await paysaga.call('GET', `/v1/payments/${body.payment_id}`)).body;
      assert.equal(failed.status, 'FAILED');
      assert.equal(failed.failure.code, code);
      const stored = await row(out_trade_no);
      assert.deepEqual([stored.sealed_code, stored.prepay_request], [null, null]);
    });

    it(`${product}: an unanswered bank is asked until the customer has paid`, async () => {
      const out_trade_no = newNumber();
      const code = one.fields.auth_code ?? one.fields.face_code;
      paysaga.simulator.gateway.paymentCodes.arrange(String(code), { outcome: 'BANK_ERROR' });
      try {
        const { status, body } = await charge(one, { out_trade_no });
        assert.equal(status, 202, JSON.stringify(body));
        await paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});
        await until(body.id, 'PAID');
      } finally {
        paysaga.simulator.gateway.paymentCodes.clear();
      }
    });

    it(`${product}: a till that is told to slow down is told so, unless it was charged all the same`, async () => {
      const refused = newNumber();
      const busy = { operation: calls.charge, kind: 'rate_limited_429' };
      await fault({ ...busy, out_trade_no: refused });
      const answer = await charge(one, { out_trade_no: refused });
      assert.equal(answer.status, 422, JSON.stringify(answer.body));
      assert.equal(answer.body.gateway_code, 'FREQUENCY_LIMITED');
      const charged = newNumber();
      await fault({ ...busy, out_trade_no: charged, processed: true });
      const paid = await charge(one, { out_trade_no: charged });
      assert.equal(paid.status, 201, JSON.stringify(paid.body));
      assert.equal(paid.body.status, 'PAID');
    });

    it(`${product}: a repeated request is the same payment, charged once`, async () => {
      const out_trade_no = newNumber();
      const headers = { 'idempotency-key': randomUUID() };
      const answers = await Promise.all([1, 2, 3].map(() => charge(one, { out_trade_no }, headers)));
      assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([201]));
      assert.equal(new Set(answers.map(({ body }) => body.transaction_id)).size, 1);
    });
  }

  const [codepay] = TILLS as [Till];

  it('a password that is being typed may be answered 202, too', async () => {
    const code = '104567890123456789';
    paysaga.simulator.gateway.paymentCodes.arrange(code, { outcome: 'password', pending_status: 202 });
    const { status, body } = await charge(codepay, { auth_code: code });
    assert.equal(status, 202);
    assert.equal(body.status, 'PENDING');
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await until(body.id, 'PAID');
  });

  it('the till may have it asked at once', async () => {
    const { body } = await charge(codepay, { amount: { total: PASSWORD_FEN } });
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    const synced = await paysaga.call('POST', `/v1/payments/${body.id}/sync`);
    assert.equal(synced.status, 200);
    assert.equal(synced.body.status, 'PAID');
  });

  it('what is paid otherwise than it was charged is shown to an operator, and not taken back', async () => {
    const { body } = await charge(codepay, { amount: { total: PASSWORD_FEN } });
    await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [body.id]);
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    let shown: Answer['body'] = {};
    for (let turn = 0; turn < 400 && shown.attention !== 'needs_operator'; turn += 1) {
      shown = (await paysaga.call('GET', `/v1/payments/${body.id}`)).body;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal(shown.attention_reason, 'amount_differs');
    assert.equal((await order(body.out_trade_no)).body.trade_state, 'SUCCESS');
    await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [body.id]);
    await paysaga.client.workflow
      .getHandle(`payment/${paysaga.mchid}/${body.out_trade_no}`)
      .executeUpdate('recheck', { args: [{ actor: 'test', reason: 'amount corrected' }] });
    await until(body.id, 'PAID');
  });

  describe('while no worker is there', () => {
    beforeEach(() => paysaga.stopWorker());

    /** Stores a charge that nobody works on yet. */
    async function stored(): Promise<{ id: string; out_trade_no: string }> {
      const out_trade_no = newNumber();
      // Nobody waits for the answer.
      void charge(codepay, { out_trade_no }).catch(() => {});
      for (let turn = 0; turn < 400; turn += 1) {
        const found = await row(out_trade_no);
        if (found) return { id: found.id, out_trade_no };
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      throw new Error('it was not stored');
    }
    /** What a worker does before it sends. */
    const take = (id: string) =>
      takeCode(paysaga.pool, openVault(paysaga.masterKey), id, {
        appid: paysaga.simulator.merchant.appid,
        now: new Date(),
      });

    it('nobody is charged after the window: the code is erased, and the gateway never hears of it', async () => {
      const { id, out_trade_no } = await stored();
      const { sealed_code, time_expire } = await row(out_trade_no);
      assert.ok(Buffer.isBuffer(sealed_code));
      assert.ok(!sealed_code.includes(String(codepay.fields.auth_code)));
      await new Promise((resolve) => setTimeout(resolve, time_expire.getTime() - Date.now() + 50));
      await paysaga.startWorker();
      await until(id, 'CLOSED');
      assert.equal((await order(out_trade_no)).status, 404);
      const { sealed_code: left, code_sent_at } = await row(out_trade_no);
      assert.deepEqual([left, code_sent_at], [null, null]);
    });

    it('a worker that died before it sent the code: nobody sends it again', async () => {
      const { id, out_trade_no } = await stored();
      assert.equal(await take(id), codepay.fields.auth_code);
      assert.equal(await take(id), undefined, 'it is gone');
      await paysaga.startWorker();
      await until(id, 'CLOSED');
      assert.equal((await order(out_trade_no)).status, 404);
    });

    it('a worker that died after it sent the code: the money is found', async () => {
      const { id, out_trade_no } = await stored();
      const { mchid, appid, serialNo, apiV3Key, publicKeyId, publicKeyPem, privateKeyPem } =
        paysaga.simulator.merchant;
      const pay = new WechatPay({
        ...{ mchid, appid, serialNo, apiV3Key, privateKey: privateKeyPem },
        publicKeys: { [publicKeyId]: publicKeyPem },
        baseUrl: paysaga.simulator.baseUrl,
      });
      await pay.codepay.create({
        description: 'Tea set',
        out_trade_no,
        amount: { total: 2590 },
        payer: { auth_code: String(await take(id)) },
        scene_info: { store_info: { out_id: 'HARBOUR-1' } },
      });
      await pay.close();
      await paysaga.startWorker();
      await until(id, 'PAID');
    });
  });
});
