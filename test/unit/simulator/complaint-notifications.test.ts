import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { secondsBeforeRetry } from '../../../simulator/notifications/retry-schedule.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { BMP, PNG } from '../wechatpay/images.ts';
import { control, isSigned } from './client.ts';
import { BASE, ComplaintDesk, codeOf } from './complaint-desk.ts';
import { type Receiver, startReceiver } from './receiver.ts';

describe('simulator: who hears of complaints', () => {
  let desk: ComplaintDesk;
  let receiver: Receiver | undefined;
  afterEach(async () => {
    await desk.close();
    await receiver?.close();
    receiver = undefined;
  });

  describe('the notification address', () => {
    const path = `${BASE}/complaint-notifications`;
    const url = 'https://pay.example.com/complaints';

    it('is set, read, changed and removed', async () => {
      desk = await ComplaintDesk.open();
      const { mchid: own } = desk.simulator.merchant;
      assert.deepEqual((await desk.client.post(path, { url })).json, { mchid: own, url });
      assert.deepEqual((await desk.client.get(path)).json, { mchid: own, url });
      const changed = { url: `${url}/2` };
      const put = await desk.client.send('PUT', path, JSON.stringify(changed));
      assert.deepEqual(put.json, { mchid: own, ...changed });
      assert.deepEqual((await desk.client.get(path)).json, { mchid: own, ...changed });
      assert.equal((await desk.client.send('DELETE', path, '')).status, 204);
      assert.deepEqual(codeOf(await desk.client.get(path)), [400, 'RESOURCE_NOT_EXISTS']);
    });

    it('is set once, and changed or removed only when it is there', async () => {
      desk = await ComplaintDesk.open();
      const missing = [400, 'RESOURCE_NOT_EXISTS'];
      assert.deepEqual(codeOf(await desk.client.send('PUT', path, JSON.stringify({ url }))), missing);
      assert.deepEqual(codeOf(await desk.client.send('DELETE', path, '')), missing);
      await desk.client.post(path, { url });
      assert.deepEqual(codeOf(await desk.client.post(path, { url })), [400, 'RESOURCE_ALREADY_EXISTS']);
    });

    it('is https, at most 255 characters, and each merchant has its own', async () => {
      desk = await ComplaintDesk.open();
      for (const wrong of ['http://pay.example.com/x', `https://pay.example.com/${'x'.repeat(240)}`, 'x']) {
        const answer = await desk.client.post(path, { url: wrong });
        assert.deepEqual([...codeOf(answer), answer.json.detail.field], [400, 'PARAM_ERROR', '/url']);
      }
      await desk.client.post(path, { url });
      const other = await desk.client.get(path, { mchid: desk.simulator.world.provider.mchid });
      assert.equal(other.json.code, 'RESOURCE_NOT_EXISTS');
    });
  });

  describe('notifications', () => {
    async function listen(deviation = {}): Promise<void> {
      receiver = await startReceiver();
      const answer = await desk.client.post(
        `${BASE}/complaint-notifications`,
        { url: receiver.url },
        deviation,
      );
      assert.equal(answer.status, 200, answer.text);
    }
    async function told(number: number) {
      const delivery = await (receiver as Receiver).delivery(number);
      const { event_type, resource, summary } = JSON.parse(delivery.body);
      assert.ok(isSigned(desk.simulator, delivery.headers, delivery.body));
      assert.equal(resource.original_type, 'complaint');
      const plaintext = JSON.parse(decryptResource(resource, desk.simulator.merchant.apiV3Key));
      return { event_type, summary, ...plaintext };
    }

    it('tell of a complaint and of what customers do, and not of what the merchant does', async () => {
      desk = await ComplaintDesk.open();
      await listen();
      const id = await desk.complaint({ problem_type: 'REFUND' });
      assert.deepEqual(await told(1), {
        event_type: 'COMPLAINT.CREATE',
        summary: '产生新投诉',
        complaint_id: id,
        action_type: 'CREATE_COMPLAINT',
      });
      await desk.respond(id);
      const steps = [
        ['respond', 'USER_RESPONSE'],
        ['revoke', 'USER_REVOKE_COMPLAINT'],
        ['continue', 'CONTINUE_COMPLAINT'],
        ['confirm', 'USER_COMFIRM_COMPLAINT'],
      ] as const;
      for (const [index, [action, action_type]] of steps.entries()) {
        desk.simulator.gateway.complaints.consumerActs(id, action);
        assert.deepEqual(await told(index + 2), {
          event_type: 'COMPLAINT.STATE_CHANGE',
          summary: '投诉单状态变化',
          complaint_id: id,
          action_type,
        });
      }
      await desk.client.refund('PAID001', 'R1', 2590);
      desk.simulator.gateway.finishRefund('R1', 'SUCCESS');
      assert.equal((await told(6)).action_type, 'REFUND_SUCCESS');
      assert.equal(receiver?.deliveries.length, 6);
      const [notification] = desk.simulator.gateway.notifications();
      assert.deepEqual([notification?.complaint_id, notification?.out_trade_no], [id, 'PAID001']);
    });

    it("a service provider hears of its sub-merchant's complaint", async () => {
      desk = await ComplaintDesk.open();
      await listen({ mchid: desk.simulator.world.provider.mchid });
      await desk.paidBySub('SUB0001');
      const id = desk.complain({ out_trade_no: 'SUB0001' });
      assert.equal((await told(1)).complaint_id, id);
    });

    it('go nowhere without an address', async () => {
      desk = await ComplaintDesk.open();
      await desk.complaint();
      assert.deepEqual(
        desk.simulator.gateway.notifications().filter(({ event_type }) => event_type.startsWith('COMPLAINT')),
        [],
      );
    });

    it('are repeated on a plan of their own: 5 s, ten times 1 min, then every 5 min, 1000 times', () => {
      const plan = Array.from({ length: 1001 }, (_, retry) => secondsBeforeRetry('COMPLAINT.CREATE', retry));
      assert.deepEqual(plan.slice(0, 13), [5, ...Array(10).fill(60), 300, 300]);
      assert.equal(plan[999], 300);
      assert.equal(plan[1000], undefined);
      assert.equal(secondsBeforeRetry('TRANSACTION.SUCCESS', 0), 15);
      assert.equal(secondsBeforeRetry('TRANSACTION.SUCCESS', 15), undefined);
    });

    it('a refused one comes again after 5 s of the plan, the same id with a fresh signature', async () => {
      desk = await ComplaintDesk.open({ timeScale: 1000 });
      await listen();
      const target = receiver as Receiver;
      target.answer = (response, count) => response.writeHead(count === 1 ? 500 : 204).end();
      await desk.complaint();
      const [first, second] = [await target.delivery(1), await target.delivery(2)];
      assert.equal(second.body, first.body);
      assert.notEqual(second.headers['wechatpay-nonce'], first.headers['wechatpay-nonce']);
    });
  });

  describe('the control API', () => {
    it('adds a complaint, shows it, and does what the customer does', async () => {
      desk = await ComplaintDesk.open();
      await desk.paid('PAID001');
      const created = await control(desk.simulator, 'POST', '/complaints', {
        out_trade_no: 'PAID001',
        mchid: desk.simulator.merchant.mchid,
        images: [PNG.toString('base64')],
      });
      assert.equal(created.status, 200, JSON.stringify(created.json));
      const id = created.json.complaint_id;
      const images = [BMP.toString('base64')];
      const more = await control(desk.simulator, 'POST', `/complaints/${id}/respond`, {
        details: 'well?',
        images,
      });
      assert.equal(more.json.complaint_state, 'PENDING');
      const confirmed = await control(desk.simulator, 'POST', `/complaints/${id}/confirm`);
      assert.equal(confirmed.json.complaint_state, 'PROCESSED');
      const shown = await control(desk.simulator, 'GET', `/complaints/${id}`);
      assert.deepEqual(shown.json, confirmed.json);
      assert.deepEqual((await control(desk.simulator, 'GET', '/complaints')).json.complaints, [shown.json]);
      assert.deepEqual(await desk.history(id), [
        'USER_CREATE_COMPLAINT',
        'USER_RESPONSE',
        'USER_COMFIRM_COMPLAINT',
      ]);
      const continued = await control(desk.simulator, 'POST', `/complaints/${id}/continue`);
      assert.equal(continued.json.complaint_state, 'PENDING');
      assert.equal((await desk.get(id)).user_complaint_times, 2);
      assert.equal(
        (await control(desk.simulator, 'POST', `/complaints/${id}/revoke`)).json.complaint_state,
        'PROCESSED',
      );
    });

    it('refuses what makes no sense', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint();
      await control(desk.simulator, 'POST', `/complaints/${id}/revoke`);
      for (const [path, body, status] of [
        ['/complaints', { out_trade_no: 'PAID001', images: ['bm8='] }, 400],
        ['/complaints', { out_trade_no: 'PAID001', problem_type: 'NONE' }, 400],
        ['/complaints', { out_trade_no: 'NOBODYS' }, 404],
        ['/complaints/1/revoke', {}, 404],
        [`/complaints/${id}/revoke`, {}, 409],
        [`/complaints/${id}/respond`, {}, 409],
        [`/complaints/${id}/dance`, {}, 404],
      ] as const) {
        assert.equal((await control(desk.simulator, 'POST', path, body)).status, status, path);
      }
    });

    it('a reset forgets complaints, images and addresses', async () => {
      desk = await ComplaintDesk.open();
      const id = await desk.complaint();
      const media = (await desk.upload({ bytes: PNG })).json.media_id;
      await desk.client.post(`${BASE}/complaint-notifications`, { url: 'https://pay.example.com/c' });
      desk.simulator.gateway.reset();
      assert.equal((await desk.client.get(`${BASE}/complaints-v2/${id}`)).status, 404);
      assert.equal((await desk.client.get(`${BASE}/images/${media}`)).status, 404);
      assert.equal((await desk.client.get(`${BASE}/complaint-notifications`)).status, 400);
    });

    it('a restart remembers them', async () => {
      const dataDir = await mkdtemp(join(tmpdir(), 'complaints-'));
      try {
        desk = await ComplaintDesk.open({ dataDir });
        const id = await desk.complaint();
        await desk.respond(id);
        const media = (await desk.upload({ bytes: PNG })).json.media_id;
        await desk.client.close();
        await desk.simulator.close();
        desk = await ComplaintDesk.open({ dataDir });
        assert.equal((await desk.get(id)).complaint_state, 'PROCESSING');
        assert.equal((await desk.history(id)).length, 2);
        assert.deepEqual((await desk.client.get(`${BASE}/images/${media}`)).bytes, PNG);
      } finally {
        await rm(dataDir, { recursive: true, force: true });
      }
    });
  });
});
