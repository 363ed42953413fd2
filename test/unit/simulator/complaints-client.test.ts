import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { RequestRejectedError, WechatPay, WechatPayPartner } from '../../../wechatpay/index.ts';
import { JPEG, PNG } from '../wechatpay/images.ts';
import { startReceiver } from './receiver.ts';

/** What the client of a merchant of the simulator is made of. */
function options({ baseUrl, merchant }: Simulator, { mchid, appid } = merchant) {
  return {
    baseUrl,
    mchid,
    appid,
    serialNo: merchant.serialNo,
    privateKey: merchant.privateKeyPem,
    apiV3Key: merchant.apiV3Key,
    publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
  };
}

const ORDER = {
  description: 'Tea set',
  notify_url: 'https://pay.example.com/wx',
  amount: { total: 2590, currency: 'CNY' as const },
};

/** Days around now: which one it is in Shanghai does not matter. */
function day(days: number): string {
  return new Date(Date.now() + days * 24 * 3600_000).toISOString().slice(0, 10);
}

describe('simulator: complaints by our own client', () => {
  let simulator: Simulator;
  let pay: WechatPay;
  beforeEach(async () => {
    simulator = await startSimulator({ refundDelayMs: Number.POSITIVE_INFINITY, notifyDelayMs: 0 });
    pay = new WechatPay(options(simulator));
  });
  afterEach(async () => {
    await pay.close();
    await simulator.close();
  });

  async function complaint(request: object = {}): Promise<string> {
    await pay.native.create({ ...ORDER, out_trade_no: 'PAID001' });
    simulator.gateway.pay('PAID001');
    return simulator.gateway.complaints.complain({ out_trade_no: 'PAID001', ...request }).complaint_id;
  }

  it('from the notification over the answer and the refund to the end', async () => {
    const receiver = await startReceiver();
    try {
      const { mchid } = simulator.merchant;
      assert.deepEqual(await pay.complaints.notificationUrl.create(receiver.url), {
        mchid,
        url: receiver.url,
      });
      const id = await complaint({
        problem_type: 'REFUND',
        payer_phone: '13800138000',
        images: [JPEG.toString('base64')],
      });
      const { headers, body } = await receiver.delivery(1);
      const event = await pay.notifications.open({ headers, body: Buffer.from(body) });
      assert.ok(event.kind === 'complaint');
      assert.deepEqual(event.resource, { complaint_id: id, action_type: 'CREATE_COMPLAINT' });

      const found = await pay.complaints.get(id);
      assert.equal(pay.sensitive.decrypt(found.payer_phone ?? ''), '13800138000');
      const [mediaUrl = ''] = found.complaint_media_list?.[0]?.media_url ?? [];
      assert.deepEqual(await pay.complaints.downloadImage(mediaUrl), {
        contentType: 'image/jpeg',
        bytes: JPEG,
      });

      const { media_id } = await pay.complaints.uploadImage({ filename: '茶具.png', bytes: PNG });
      assert.deepEqual((await pay.complaints.downloadImage(media_id)).bytes, PNG);
      await pay.complaints.respond(id, {
        complainted_mchid: mchid,
        response_content: 'We are sorry',
        response_images: [media_id],
      });
      await pay.complaints.updateRefundProgress(id, { action: 'APPROVE', launch_refund_day: 0 });
      await pay.refunds.apply({
        out_trade_no: 'PAID001',
        out_refund_no: 'R1',
        amount: { refund: 2590, total: 2590, currency: 'CNY' },
      });
      simulator.gateway.finishRefund('R1', 'SUCCESS');
      const settled = await pay.complaints.get(id);
      assert.deepEqual([settled.complaint_state, settled.complaint_full_refunded], ['PROCESSED', true]);
      const history = [];
      for await (const { operate_type } of pay.complaints.negotiationHistoryAll(id))
        history.push(operate_type);
      assert.deepEqual(history, [
        'USER_CREATE_COMPLAINT',
        'MERCHANT_RESPONSE',
        'MERCHANT_APPROVE_REFUND',
        'COMPLAINT_FULL_REFUNDED_SYSTEM_MESSAGE',
        'COMPLAINT_REFUND_RECEIVED_SYSTEM_MESSAGE',
      ]);
    } finally {
      await receiver.close();
    }
  });

  it('is answered at once, and completed', async () => {
    const id = await complaint({ need_immediate_service: true });
    const { mchid: complainted_mchid } = simulator.merchant;
    const message = { blocks: [{ type: 'TEXT' as const, text: { text: 'Hello' } }] };
    const answer = { complainted_mchid, idempotent_id: 'once', message };
    const { log_id } = await pay.complaints.respondImmediately(id, answer);
    assert.deepEqual(await pay.complaints.respondImmediately(id, answer), { log_id });
    await pay.complaints.complete(id, { complainted_mchid });
    assert.equal((await pay.complaints.get(id)).complaint_state, 'PROCESSED');
    await assert.rejects(pay.complaints.complete(id, { complainted_mchid }), RequestRejectedError);
  });

  it('all complaints of months are found, each once', async () => {
    await complaint();
    const { complaints } = simulator.gateway;
    for (let count = 0; count < 60; count += 1) complaints.complain({ out_trade_no: 'PAID001' });
    const found = new Set<string>();
    for await (const { complaint_id } of pay.complaints.listAll({ begin_date: day(-70), end_date: day(2) })) {
      found.add(complaint_id);
    }
    assert.equal(found.size, 61);
    const page = await pay.complaints.list({ begin_date: day(-1), end_date: day(1), limit: 50, offset: 50 });
    assert.deepEqual([page.data.length, page.offset, page.total_count], [11, 50, undefined]);
  });

  it('the address of notifications is read, changed and removed', async () => {
    const { notificationUrl } = pay.complaints;
    await notificationUrl.create('https://pay.example.com/a');
    const update = await notificationUrl.update('https://pay.example.com/b');
    assert.deepEqual(await notificationUrl.get(), update);
    await notificationUrl.delete();
    await assert.rejects(notificationUrl.get(), { code: 'RESOURCE_NOT_EXISTS' });
  });

  it('a service provider sees and answers those of its sub-merchants', async () => {
    const { provider } = simulator.world;
    const partner = new WechatPayPartner(options(simulator, provider));
    try {
      const sub_mchid = provider.subMerchants[0]?.mchid ?? '';
      await partner.native.create({ ...ORDER, out_trade_no: 'SUB0001', sub_mchid });
      simulator.gateway.pay('SUB0001');
      const { complaint_id } = simulator.gateway.complaints.complain({ out_trade_no: 'SUB0001' });
      const range = { begin_date: day(-1), end_date: day(1) };
      assert.equal((await partner.complaints.list(range)).data[0]?.complaint_id, complaint_id);
      await partner.complaints.respond(complaint_id, {
        complainted_mchid: sub_mchid,
        response_content: 'Sorry',
      });
      assert.equal((await partner.complaints.get(complaint_id)).complaint_state, 'PROCESSING');
      await assert.rejects(pay.complaints.get(complaint_id), { code: 'NO_AUTH' });
    } finally {
      await partner.close();
    }
  });
});
