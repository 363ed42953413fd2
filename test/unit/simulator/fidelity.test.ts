import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { orderBody, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';
import { RawV2Client } from './v2-client.ts';

/** The number at the end of `Request-ID`. */
const internal = (headers: Record<string, string>) => Number(headers['Request-ID']?.split('-').at(-1));

describe('simulator: what the documentation says by the way', () => {
  let simulator: Simulator;
  let client: RawClient;
  let provider: RawClient;

  before(async () => {
    simulator = await startSimulator({ notifyDelayMs: 0, refundDelayMs: Number.POSITIVE_INFINITY });
    client = new RawClient(simulator);
    provider = new RawClient(simulator, { merchant: simulator.world.provider });
  });
  beforeEach(() => simulator.gateway.reset());
  after(async () => {
    await client.close();
    await provider.close();
    await simulator.close();
  });

  const partnerOrder = (changes: object) => {
    const { mchid, appid, subMerchants } = simulator.world.provider;
    const { mchid: _, appid: __, ...terms } = orderBody(simulator, 'PARTNER1');
    return { ...terms, sp_appid: appid, sp_mchid: mchid, sub_mchid: subMerchants[0]?.mchid, ...changes };
  };

  describe('internal numbers', () => {
    const NUMBERS: [string, Record<string, unknown>, number][] = [
      ['an unknown field', { colour: 'red' }, 270924358],
      ['an amount out of range', { amount: { total: 0 } }, 268435464],
      ['another type', { description: 7 }, 268435461],
      ['a currency that is none', { amount: { total: 1, currency: 'XYZ' } }, 268435461],
    ];
    for (const [name, changes, number] of NUMBERS) {
      it(`${name}: ${number}`, async () => {
        assert.equal(internal((await client.order('NUMBER1', changes)).headers), number);
      });
    }

    it('a missing openid, a missing sub-merchant, a right request', async () => {
      const jsapi = await client.post(
        '/v3/pay/transactions/jsapi',
        orderBody(simulator, 'NUMBER1', { payer: {} }),
      );
      assert.equal(internal(jsapi.headers), 268501013);
      const native = '/v3/pay/partner/transactions/native';
      const partner = await provider.post(native, partnerOrder({ sub_mchid: undefined }));
      assert.equal(internal(partner.headers), 268443704);
      assert.equal(internal((await client.order('NUMBER1')).headers), 0);
    });
  });

  it('a sub_openid needs its sub_appid, which is not drawn up', async () => {
    const jsapi = '/v3/pay/partner/transactions/jsapi';
    const payer = { sub_openid: 'oSub' };
    const { status, json } = await provider.post(jsapi, partnerOrder({ payer }));
    assert.deepEqual([status, json.code, json.detail.field], [400, 'PARAM_ERROR', '/sub_appid']);
    const sub_appid = simulator.world.provider.subMerchants[0]?.appid;
    assert.equal((await provider.post(jsapi, partnerOrder({ payer, sub_appid }))).status, 200);
  });

  it('certificates are asked for by their algorithm', async () => {
    const asked = async (type: string) => (await client.get(`/v3/certificates?algorithm_type=${type}`)).json;
    assert.equal((await asked('RSA')).data.length, 1);
    assert.equal((await asked('ALL')).data.length, 1);
    assert.deepEqual((await asked('SM2')).data, []);
    assert.equal((await asked('DSA')).detail.field, 'algorithm_type');
  });

  it('v2 says 签名失败 in return_msg of a wrong signature', async () => {
    const v2 = new RawV2Client(simulator);
    const { xml } = await v2.query('V1', { sign: 'A'.repeat(32) });
    assert.deepEqual(xml, { return_code: 'FAIL', return_msg: '签名失败' });
    await v2.close();
  });

  describe('acknowledging a notification', () => {
    let receiver: Receiver;
    beforeEach(async () => {
      receiver = await startReceiver();
    });
    afterEach(() => receiver.close());

    for (const [status, ends] of [
      [200, true],
      [204, true],
      [201, false],
      [202, false],
      [302, false],
      [400, false],
      [500, false],
    ] as const) {
      it(`${status} ${ends ? 'ends' : 'does not end'} the repeats`, async () => {
        receiver.answer = (response) => response.writeHead(status).end();
        const attempted = new Promise<void>((resolve) =>
          simulator.gateway.events.once('attempt', () => resolve()),
        );
        await client.order('NOTIFY1', { notify_url: receiver.url });
        simulator.gateway.pay('NOTIFY1');
        await attempted;
        const [notification] = simulator.gateway.notifications();
        assert.equal(notification?.status, ends ? 'delivered' : 'pending');
        assert.equal(notification?.attempts[0]?.status, status);
      });
    }
  });
});
