import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { z } from 'zod';
import { CONTROLS } from '../../../simulator/control/index.ts';
import { type Simulator, type SimulatorOptions, startSimulator } from '../../../simulator/index.ts';
import { answerMessage, verifyMessage } from '../../../wechatpay/v3/signature.ts';
import { control, isSigned, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';

/** The table as tests look at it. */
const ROUTES = CONTROLS as unknown as readonly {
  method: string;
  path: string;
  summary: string;
  query?: z.ZodType;
  body?: { schema: z.ZodType; example: unknown };
  answer?: { schema: z.ZodType; example: unknown };
}[];

describe('simulator: control API', () => {
  let simulator: Simulator;
  let client: RawClient;
  let receiver: Receiver;

  async function start(options: SimulatorOptions = {}) {
    simulator = await startSimulator({
      notifyDelayMs: 0,
      refundDelayMs: Number.POSITIVE_INFINITY,
      ...options,
    });
    client = new RawClient(simulator);
  }
  const call = (method: string, path: string, body?: unknown) => control(simulator, method, path, body);

  before(async () => {
    receiver = await startReceiver();
  });
  after(() => receiver.close());
  beforeEach(() => start());
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  describe('description', () => {
    it('is OpenAPI 3.1 and has every route, with its parameters, body and answers', async () => {
      const { status, json } = await call('GET', '/openapi.json');
      assert.equal(status, 200);
      assert.match(json.openapi, /^3\.1\./);
      const described = Object.entries<Record<string, unknown>>(json.paths).flatMap(([path, methods]) =>
        Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
      );
      assert.deepEqual(described.sort(), ROUTES.map(({ method, path }) => `${method} ${path}`).sort());
      for (const { method, path, body, answer } of ROUTES) {
        const operation = json.paths[path][method.toLowerCase()];
        const parameters = operation.parameters.filter((one: { in: string }) => one.in === 'path');
        assert.equal(parameters.length, path.split('{').length - 1, path);
        assert.equal(operation.requestBody !== undefined, body !== undefined, path);
        assert.deepEqual(
          Object.keys(operation.responses),
          [answer ? '200' : '204', '400', '404', '409'],
          path,
        );
      }
      const ids = Object.values<Record<string, { operationId: string }>>(json.paths).flatMap((methods) =>
        Object.values(methods).map(({ operationId }) => operationId),
      );
      assert.equal(new Set(ids).size, ids.length);
      for (const id of ids) assert.match(id, /^[a-z][A-Za-z]+$/);
    });

    for (const { method, path, summary, body, answer } of ROUTES) {
      it(`${method} ${path}: has a summary, and its examples are right`, () => {
        assert.match(summary, /^\S.*\.$/);
        if (body) assert.doesNotThrow(() => body.schema.parse(body.example));
        if (answer) assert.doesNotThrow(() => answer.schema.parse(answer.example));
      });
    }

    it('nothing in it is without a type', async () => {
      const { json } = await call('GET', '/openapi.json');
      for (const [path, methods] of Object.entries<Record<string, { parameters: { schema: object }[] }>>(
        json.paths,
      )) {
        for (const { parameters } of Object.values(methods)) {
          for (const { schema } of parameters) assert.ok(Object.keys(schema).length > 0, path);
        }
      }
    });

    it('what lists and views answer is what it says', async () => {
      await client.order('TRUTH01', { notify_url: receiver.url });
      const attempted = new Promise((resolve) => simulator.gateway.events.once('attempt', resolve));
      await call('POST', '/orders/TRUTH01/fail', { reason: 'wrong_password' });
      await call('POST', '/orders/TRUTH01/pay', { coupon: { amount: 100 } });
      await attempted;
      await call('POST', '/faults', { operation: 'refund.*', kind: 'slow', delay_ms: 0, times: 2 });
      await client.refund('TRUTH01', 'R1', 100);
      await call('POST', '/complaints', { out_trade_no: 'TRUTH01' });
      const { mchid } = simulator.merchant;
      const readable = ROUTES.filter(({ method }) => method === 'GET');
      for (const { path, answer } of readable) {
        const url = path
          .replace('{out_trade_no}', 'TRUTH01')
          .replace('{out_refund_no}', 'R1')
          .replace('{mchid}', mchid);
        if (url.includes('{')) continue;
        const { status, json } = await call('GET', url === '/codes' ? '/codes?code_url=x' : url);
        assert.equal(status, 200, `${path}: ${JSON.stringify(json)}`);
        answer?.schema.parse(json);
      }
    });
  });

  describe('orders', () => {
    it('an order that expires stays NOTPAY, and nobody can pay it', async () => {
      await client.order('EXPIRE1');
      assert.equal((await call('POST', '/orders/EXPIRE1/expire')).json.payable, false);
      assert.equal((await client.query('EXPIRE1')).json.trade_state, 'NOTPAY');
      const refused = await call('POST', '/orders/EXPIRE1/pay', {});
      assert.deepEqual([refused.status, refused.json.error], [409, 'order EXPIRE1 cannot be paid: expired']);
      assert.equal((await call('POST', '/orders/EXPIRE1/expire')).status, 409);
      assert.equal((await call('POST', '/orders/EXPIRE1/pay', { late: true })).json.trade_state, 'SUCCESS');
    });

    it('a person who cancels has not paid, and can pay later', async () => {
      await client.order('CANCEL1');
      const { json } = await call('POST', '/orders/CANCEL1/cancel');
      assert.deepEqual(
        [json.trade_state, json.failed_attempts.map(({ reason }: { reason: string }) => reason)],
        ['NOTPAY', ['cancelled']],
      );
      assert.equal((await call('POST', '/orders/CANCEL1/pay', {})).status, 200);
    });

    it('lists are filtered and come in pages', async () => {
      for (const number of [1, 2, 3, 4, 5]) await client.order(`PAGE00${number}`);
      await call('POST', '/orders/PAGE002/pay', {});
      await call('POST', '/orders/PAGE004/pay', {});
      const numbers = ({ json }: { json: { orders: { out_trade_no: string }[] } }) =>
        json.orders.map(({ out_trade_no }) => out_trade_no);
      const first = await call('GET', '/orders?limit=2');
      assert.deepEqual(numbers(first), ['PAGE005', 'PAGE004']);
      assert.deepEqual([first.json.total, first.json.next_offset], [5, 2]);
      const last = await call('GET', '/orders?limit=2&offset=4');
      assert.deepEqual(numbers(last), ['PAGE001']);
      assert.equal(last.json.next_offset, null);
      assert.deepEqual(numbers(await call('GET', '/orders?state=SUCCESS')), ['PAGE004', 'PAGE002']);
      assert.deepEqual(numbers(await call('GET', '/orders?out_trade_no=PAGE003')), ['PAGE003']);
      assert.deepEqual(numbers(await call('GET', '/orders?mchid=1900000000')), []);
      assert.equal((await call('GET', `/orders?mchid=${simulator.merchant.mchid}`)).json.total, 5);
      assert.equal((await call('GET', '/orders?limit=0')).status, 400);
      assert.equal((await call('GET', '/orders?colour=red')).status, 400);
      await client.refund('PAGE002', 'R2', 100);
      await client.refund('PAGE004', 'R4', 100);
      await call('POST', '/refunds/R4/finish', { status: 'CLOSED' });
      const refunds = async (query: string) =>
        (await call('GET', `/refunds?${query}`)).json.refunds.map(
          ({ out_refund_no }: { out_refund_no: string }) => out_refund_no,
        );
      assert.deepEqual(await refunds('state=CLOSED'), ['R4']);
      assert.deepEqual(await refunds('out_trade_no=PAGE002'), ['R2']);
      const told = (await call('GET', '/notifications?out_trade_no=PAGE004&event_type=TRANSACTION.SUCCESS'))
        .json;
      assert.equal(told.total, 1);
    });
  });

  describe('merchants and keys', () => {
    it('shows everybody, and no secrets', async () => {
      const { json } = await call('GET', '/merchants');
      const { merchant, provider } = simulator.world;
      const mchids = json.merchants.map(({ mchid }: { mchid: string }) => mchid);
      assert.ok(mchids.includes(merchant.mchid) && mchids.includes(provider.mchid));
      assert.ok(!JSON.stringify(json).includes(merchant.apiV3Key));
    });

    it('a merchant can be told to be notified with the certificate', async () => {
      const { mchid } = simulator.merchant;
      const changed = await call('PUT', `/merchants/${mchid}`, { notified_with: 'certificate' });
      assert.equal(changed.json.notified_with, 'certificate');
      await client.order('CERT001', { notify_url: receiver.url });
      const count = receiver.deliveries.length;
      await call('POST', '/orders/CERT001/pay', {});
      const { headers } = await receiver.delivery(count + 1);
      const [certificate] = (await call('GET', '/certificates')).json.certificates;
      assert.equal(headers['wechatpay-serial'], certificate.serial_no);
      assert.equal((await call('PUT', '/merchants/1', {})).status, 404);
    });

    it('a merchant that may not download certificates is told so', async () => {
      await call('PUT', `/merchants/${simulator.merchant.mchid}`, { platform_certificates: false });
      const refused = await client.get('/v3/certificates');
      assert.deepEqual([refused.status, refused.json.code], [404, 'RESOURCE_NOT_EXISTS']);
    });

    it('a new public key signs at once, under a new id; the old id is answered with the certificate', async () => {
      const { publicKeyId, mchid } = simulator.merchant;
      const changed = (await call('POST', `/merchants/${mchid}/public-key`)).json;
      assert.notEqual(changed.public_key_id, publicKeyId);
      await client.order('KEYS001');
      const fresh = await client.query('KEYS001');
      assert.equal(fresh.headers['Wechatpay-Serial'], changed.public_key_id);
      const message = answerMessage(
        fresh.headers['Wechatpay-Timestamp'] ?? '',
        fresh.headers['Wechatpay-Nonce'] ?? '',
        fresh.text,
      );
      const key = createPublicKey(changed.public_key_pem);
      assert.ok(verifyMessage(message, fresh.headers['Wechatpay-Signature'] ?? '', key));
      const old = await client.get(`/v3/pay/transactions/out-trade-no/KEYS001?mchid=${mchid}`, {
        headers: { 'wechatpay-serial': publicKeyId },
      });
      assert.match(old.headers['Wechatpay-Serial'] ?? '', /^[0-9A-F]{40}$/);
    });

    it('a certificate of tomorrow can be downloaded today, and signs tomorrow', async () => {
      const tomorrow = new Date(Date.now() + 24 * 3600_000).toISOString();
      const added = (await call('POST', '/certificates', { effective_time: tomorrow })).json;
      assert.equal(new X509Certificate(added.pem).serialNumber, added.serial_no);
      assert.equal((await client.get('/v3/certificates')).json.data.length, 2);
      const serial = async () => {
        const answer = await client.get('/v3/certificates', { headers: { 'wechatpay-serial': '' } });
        return answer.headers['Wechatpay-Serial'];
      };
      assert.notEqual(await serial(), added.serial_no);
      await call('POST', '/clock', { advance_ms: 25 * 3600_000 });
      assert.equal(await serial(), added.serial_no);
    });

    it('a restarted simulator, and one that was reset, has the keys that it changed to', async () => {
      const directory = await mkdtemp(join(tmpdir(), 'paysaga-keys-'));
      const restart = async () => {
        await client.close();
        await simulator.close();
        await start({ dataDir: directory });
      };
      await restart();
      const { mchid } = simulator.merchant;
      const { public_key_id } = (await call('POST', `/merchants/${mchid}/public-key`)).json;
      const { serial_no } = (await call('POST', '/certificates', {})).json;
      await call('PUT', `/merchants/${mchid}`, { notified_with: 'certificate' });
      await call('POST', '/reset');
      await restart();
      assert.equal(simulator.merchant.publicKeyId, public_key_id);
      assert.equal(simulator.merchant.notifiedWith, 'certificate');
      assert.equal(simulator.world.certificate(simulator.gateway.clock()).serialNo, serial_no);
      const answer = await client.order('KEYS002');
      assert.ok(isSigned(simulator, answer.headers, answer.text));
      await rm(directory, { recursive: true });
    });
  });

  it('dumps everything it keeps', async () => {
    await client.order('DUMP001');
    await call('POST', '/orders/DUMP001/pay', {});
    await client.refund('DUMP001', 'R1', 100);
    const { json } = await call('GET', '/dump');
    const { mchid } = simulator.merchant;
    assert.equal(json.order[`${mchid}/DUMP001`].state, 'REFUND');
    assert.equal(json.refund[`${mchid}/R1`].refund, 100);
    assert.equal(Object.keys(json.notification).length, 1);
  });

  it('requests that make no sense are explained', async () => {
    await client.order('SENSE01');
    const cases = [
      ['GET', '/nothing', 404],
      ['POST', '/orders/SENSE01', 404],
      ['GET', '/orders/%E0%A4%A', 400],
      ['POST', '/orders/SENSE01/pay', 400, { colour: 'red' }],
      ['POST', '/orders/SENSE01/pay', 409, { coupon: { amount: 99_999 } }],
      ['POST', '/refunds/R9/finish', 404, { status: 'SUCCESS' }],
      ['POST', '/replay', 400, { faults: [{ operation: 'order.query', call: 1, kind: 'drop' }] }],
      ['GET', '/codes', 400],
    ] as const;
    for (const [method, path, status, body] of cases) {
      const answer = await call(method, path, body);
      assert.equal(answer.status, status, `${method} ${path}`);
      assert.ok(answer.json.error.length > 5, `${method} ${path}`);
    }
  });
});
