import assert from 'node:assert/strict';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { type Flaws, notify, success, type Told } from '../notification.ts';

describe('notifications', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({ paymentTiming: { notifyWaitMs: 60_000 } });
  });
  after(() => paysaga.stop());

  async function post(resource: object, told: Told = {}) {
    const answer = await notify(paysaga, resource, told);
    const { rows } = await paysaga.pool.query(
      'select verdict, verdict_detail, headers, body from notifications order by received_at desc, id limit 1',
    );
    return { ...answer, stored: rows[0] };
  }

  const flawed: [string, Flaws, string, number][] = [
    ['a wrong signature', { signature: Buffer.alloc(256, 7).toString('base64') }, 'forged', 401],
    ['a signature probe', { signature: `WECHATPAY/SIGNTEST/${'x'.repeat(336)}` }, 'forged', 401],
    ['no signature', { without: ['wechatpay-signature'] }, 'forged', 401],
    ['no timestamp', { without: ['wechatpay-timestamp'] }, 'forged', 401],
    ['a serial of nobody', { serial: 'PUB_KEY_ID_0000000000000000000000000000' }, 'forged', 401],
    ['bytes changed on the way', { tamper: (body) => body.replace('2026', '2027') }, 'forged', 401],
    ['a timestamp six minutes old', { ageSeconds: 360 }, 'stale', 401],
    ['a timestamp six minutes ahead', { ageSeconds: -360 }, 'stale', 401],
    ['another APIv3 key', { apiV3Key: 'k'.repeat(32) }, 'undecryptable', 400],
    ['no resource', { envelope: ({ resource: _, ...rest }) => rest }, 'undecryptable', 400],
    ['a list instead of an object', { envelope: () => [] }, 'undecryptable', 400],
  ];
  for (const [what, flaws, verdict, status] of flawed) {
    it(`with ${what}: stored as ${verdict}, answered ${status}, changes nothing`, async () => {
      const { body: payment } = await paysaga.createPayment();
      const posted = await post(success(paysaga, payment.out_trade_no), { flaws });
      assert.equal(posted.status, status);
      assert.equal(JSON.parse(posted.text).code, 'FAIL');
      assert.equal(posted.stored.verdict, verdict, posted.stored.verdict_detail);
      assert.ok(posted.stored.body.length > 0);
      const now = (await paysaga.call('GET', `/v1/payments/${payment.id}`)).body;
      assert.equal(now.status, 'PENDING');
      assert.equal(now.version, payment.version);
    });
  }

  it('a genuine one for a number of nobody is acknowledged, kept, and shown as unmatched', async () => {
    const posted = await post(success(paysaga, 'NOBODY0001'));
    assert.equal(posted.status, 204);
    assert.equal(posted.text, '');
    assert.equal(posted.stored.verdict, 'unmatched');
  });

  it('a genuine one of another kind is acknowledged and kept', async () => {
    const posted = await post(
      { complaint_id: '2002', action_type: 'CREATE_COMPLAINT' },
      { eventType: 'COMPLAINT.CREATE' },
    );
    assert.equal(posted.status, 204);
    assert.equal(posted.stored.verdict, 'ignored');
  });

  it('of a refund is acknowledged like one of a payment: 204, and not a byte more', async () => {
    const { body: payment } = await paysaga.createPayment();
    const order = success(paysaga, payment.out_trade_no) as Record<string, string>;
    assert.deepEqual(await notify(paysaga, order), { status: 204, text: '' });
    await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    const { mchid, out_trade_no, transaction_id } = order;
    const refund = {
      ...{ mchid, out_trade_no, transaction_id, out_refund_no: 'NOBODY0004', refund_id: '5030' },
      ...{ refund_status: 'SUCCESS', success_time: '2026-03-02T09:02:40+08:00' },
      amount: { total: 2590, refund: 2590, payer_total: 2590, payer_refund: 2590 },
    };
    const told = { eventType: 'REFUND.SUCCESS' };
    assert.deepEqual(await notify(paysaga, refund, told), { status: 204, text: '' });
    // So is one that it knows already, and a refusal is what the official page shows.
    assert.deepEqual(await notify(paysaga, refund, told), { status: 204, text: '' });
    const refused = await notify(paysaga, refund, { ...told, flaws: { ageSeconds: 600 } });
    assert.equal(refused.status, 401);
    assert.deepEqual(Object.keys(JSON.parse(refused.text)), ['code', 'message']);
  });

  it('the exact bytes and headers are kept', async () => {
    const posted = await post(success(paysaga, 'NOBODY0002'));
    assert.match(posted.stored.body.toString(), /"resource_type":"encrypt-resource"/);
    assert.ok(posted.stored.headers.some((value: string) => /^wechatpay-signature$/i.test(value)));
  });

  for (const [field, fields] of [
    ['amount', { amount: { total: 1, payer_total: 1, currency: 'CNY' } }],
    ['mchid', { mchid: '1999999999' }],
    ['appid', { appid: 'wx0000000000000000' }],
  ] as const) {
    it(`a genuine one with another ${field} does not settle: the gateway is asked, and says unpaid`, async () => {
      const { body: payment } = await paysaga.createPayment();
      const posted = await post(success(paysaga, payment.out_trade_no, fields));
      assert.equal(posted.status, 204);
      const workflowId = `payment/${paysaga.mchid}/${payment.out_trade_no}`;
      const settled = async () => (await paysaga.history(workflowId)).includes('markerRecorded');
      for (let turn = 0; turn < 400 && !(await settled()); turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.ok(await settled(), 'the notification was looked at');
      assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}`)).body.status, 'PENDING');
    });
  }

  it('a genuine one that comes before any other sign settles the payment', async () => {
    const { body: payment } = await paysaga.createPayment();
    assert.equal((await post(success(paysaga, payment.out_trade_no))).status, 204);
    const paid = await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    assert.equal(paid.success_time, '2026-03-01T12:03:11+08:00');
  });

  it('a copy that comes a day later, after the workflow has ended, is acknowledged and changes nothing', async () => {
    const { body: payment } = await paysaga.createPayment();
    const resource = success(paysaga, payment.out_trade_no);
    await post(resource);
    const paid = await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    await paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${payment.out_trade_no}`).result();
    // Another id, so that it is no duplicate by id; the workflow has ended, the row tells.
    assert.equal((await post(resource)).status, 204);
    const delivered = async () =>
      (await paysaga.pool.query(`select 1 from notifications where delivery_result = 'workflow_ended'`)).rows
        .length;
    for (let turn = 0; turn < 200 && (await delivered()) === 0; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.equal(await delivered(), 1);
    assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}`)).body.version, paid.version);
  });

  it('bytes that claim to be compressed are stored as they came, and refused', async () => {
    const posted = await fetch(`${paysaga.apiUrl}/v1/notifications/${paysaga.merchantId}`, {
      method: 'POST',
      headers: { 'content-encoding': 'gzip' },
      body: 'junk',
    });
    assert.equal(posted.status, 401);
    const { rows } = await paysaga.pool.query(
      'select body from notifications order by received_at desc limit 1',
    );
    assert.equal(rows[0].body.toString(), 'junk');
  });

  it('a genuine one with a NUL in a text is stored and acknowledged', async () => {
    assert.equal((await post(success(paysaga, 'NOBODY0003', { attach: 'a\0b' }))).status, 204);
  });

  it('a body over 64 KiB: 413, before anything is stored', async () => {
    const posted = await fetch(`${paysaga.apiUrl}/v1/notifications/${paysaga.merchantId}`, {
      method: 'POST',
      body: 'x'.repeat(70_000),
    });
    assert.equal(posted.status, 413);
  });

  it('a merchant of nobody: 404', async () => {
    const posted = await fetch(`${paysaga.apiUrl}/v1/notifications/mch_nobody`, {
      method: 'POST',
      body: '{}',
    });
    assert.equal(posted.status, 404);
  });
});
