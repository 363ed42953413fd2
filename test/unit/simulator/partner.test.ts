import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import type { SimulatedMerchant } from '../../../simulator/merchants/merchant.ts';
import { decryptResource } from '../../../wechatpay/v3/aead.ts';
import { type RawAnswer, RawClient } from './client.ts';
import { type Receiver, startReceiver } from './receiver.ts';

const PAY = '/v3/pay/partner/transactions';
const REFUNDS = '/v3/refund/domestic/refunds';
const PROVIDER = '1900088000';
const SUB = { mchid: '1900088001', appid: 'wx0123456789abcdef' };
const OTHER_SUB = { mchid: '1900088002', appid: 'wxfedcba9876543210' };
type Body = Record<string, unknown>;

describe('simulator: service providers', () => {
  let simulator: Simulator;
  let provider: SimulatedMerchant;
  let client: RawClient;
  let merchant: RawClient;
  let receiver: Receiver;

  before(async () => {
    simulator = await startSimulator({
      notifyDelayMs: 0,
      refundDelayMs: Number.POSITIVE_INFINITY,
      scenario: { merchants: [{ mchid: PROVIDER, role: 'partner', sub_merchants: [SUB, OTHER_SUB] }] },
    });
    const found = simulator.world.find(PROVIDER)?.merchant;
    assert.ok(found);
    provider = found;
    client = new RawClient(simulator, { merchant: provider });
    merchant = new RawClient(simulator);
  });
  beforeEach(async () => {
    simulator.gateway.reset();
    receiver = await startReceiver();
  });
  afterEach(() => receiver.close());
  after(async () => {
    await Promise.all([client.close(), merchant.close()]);
    await simulator.close();
  });

  const body = (outTradeNo: string, changes: Body = {}): Body => ({
    sp_appid: provider.appid,
    sp_mchid: PROVIDER,
    sub_mchid: SUB.mchid,
    description: 'Tea',
    out_trade_no: outTradeNo,
    notify_url: receiver.url,
    amount: { total: 2590, currency: 'CNY' },
    ...changes,
  });
  const order = (outTradeNo: string, changes: Body = {}, product = 'native') =>
    client.post(`${PAY}/${product}`, body(outTradeNo, changes));
  const query = (outTradeNo: string, subMchid = SUB.mchid) =>
    client.get(`${PAY}/out-trade-no/${outTradeNo}?sp_mchid=${PROVIDER}&sub_mchid=${subMchid}`);
  const close = (outTradeNo: string, changes: Body = {}) =>
    client.post(`${PAY}/out-trade-no/${outTradeNo}/close`, {
      sp_mchid: PROVIDER,
      sub_mchid: SUB.mchid,
      ...changes,
    });
  const refund = (outTradeNo: string, outRefundNo: string, changes: Body = {}) =>
    client.post(REFUNDS, {
      sub_mchid: SUB.mchid,
      out_trade_no: outTradeNo,
      out_refund_no: outRefundNo,
      amount: { refund: 1000, total: 2590, currency: 'CNY' },
      ...changes,
    });
  const refused = ({ status, json }: RawAnswer) => [status, json.code];
  const internalNumber = ({ headers }: RawAnswer) => Number(headers['Request-ID']?.split('-').at(-1));
  const plaintext = async (delivery: number) => {
    const { resource } = JSON.parse((await receiver.delivery(delivery)).body);
    return JSON.parse(decryptResource(resource, provider.apiV3Key));
  };

  describe('orders', () => {
    it('each product answers what the phone needs', async () => {
      const scene = { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } };
      assert.match((await order('JSAPI01', { payer: { sp_openid: 'o1' } }, 'jsapi')).json.prepay_id, /^wx/);
      assert.match((await order('APP0001', {}, 'app')).json.prepay_id, /^wx/);
      assert.match((await order('H500001', { scene_info: scene }, 'h5')).json.h5_url, /^https:/);
      assert.match((await order('NATIVE1')).json.code_url, /^weixin:/);
    });

    it('the order object and the notification have the names of a service provider', async () => {
      await order('PAID001', { sub_appid: SUB.appid, payer: { sub_openid: 'oB1' }, attach: 'a' }, 'jsapi');
      const { json: unpaid } = await query('PAID001');
      assert.deepEqual(unpaid, {
        sp_appid: provider.appid,
        sp_mchid: PROVIDER,
        sub_appid: SUB.appid,
        sub_mchid: SUB.mchid,
        out_trade_no: 'PAID001',
        trade_state: 'NOTPAY',
        trade_state_desc: '订单未支付',
        amount: { total: 2590, payer_currency: 'CNY' },
        promotion_detail: [],
        scene_info: { device_id: '' },
      });
      const paid = simulator.gateway.pay('PAID001');
      const { json } = await query('PAID001');
      assert.equal('mchid' in json || 'appid' in json, false);
      assert.deepEqual([json.trade_state, json.payer.sub_openid, json.attach], ['SUCCESS', 'oB1', 'a']);
      assert.deepEqual(await plaintext(1), json);
      const byId = await client.get(
        `${PAY}/id/${paid.transaction_id}?sp_mchid=${PROVIDER}&sub_mchid=${SUB.mchid}`,
      );
      assert.deepEqual(byId.json, json);
    });

    it('sub_appid and sub_openid are told only if sub_appid was sent', async () => {
      await order('PAID002');
      simulator.gateway.pay('PAID002');
      const { json } = await query('PAID002');
      assert.equal('sub_appid' in json, false);
      assert.deepEqual(Object.keys(json.payer), ['sp_openid']);
    });

    it('a number is unique over all sub-merchants, and a query names the right one', async () => {
      await order('SAME001');
      const other = await order('SAME001', { sub_mchid: OTHER_SUB.mchid });
      assert.deepEqual(refused(other), [403, 'OUT_TRADE_NO_USED']);
      assert.deepEqual(refused(await query('SAME001', OTHER_SUB.mchid)), [404, 'ORDER_NOT_EXIST']);
      const closed = await close('SAME001', { sub_mchid: OTHER_SUB.mchid });
      assert.deepEqual(refused(closed), [404, 'ORDER_NOT_EXIST']);
      assert.equal((await query('SAME001')).json.trade_state, 'NOTPAY');
    });

    it('closing answers 204, and a paid order cannot be closed', async () => {
      await order('CLOSE01');
      assert.equal((await close('CLOSE01')).status, 204);
      assert.equal((await query('CLOSE01')).json.trade_state, 'CLOSED');
      await order('CLOSE02');
      simulator.gateway.pay('CLOSE02');
      assert.deepEqual(refused(await close('CLOSE02')), [400, 'ORDER_PAID']);
    });

    it('the money is the sub-merchant’s', async () => {
      await order('MONEY01');
      simulator.gateway.pay('MONEY01');
      assert.equal(simulator.gateway.balance(SUB.mchid).UNSETTLED, 2574);
      assert.equal(simulator.gateway.balance(PROVIDER).UNSETTLED, 0);
    });

    const cases: [string, Body, string, string | undefined, string?][] = [
      ['no sp_appid', { sp_appid: undefined }, 'PARAM_ERROR', '/sp_appid'],
      ['no sp_mchid', { sp_mchid: undefined }, 'PARAM_ERROR', '/sp_mchid'],
      ['no sub_mchid', { sub_mchid: undefined }, 'PARAM_ERROR', '/sub_mchid'],
      ['the field of a merchant', { mchid: PROVIDER }, 'PARAM_ERROR', '/mchid'],
      ['another sp_mchid', { sp_mchid: '1900099999' }, 'PARAM_ERROR', undefined],
      ['another sp_appid', { sp_appid: SUB.appid }, 'APPID_MCHID_NOT_MATCH', undefined],
      ['another sub_appid', { sub_appid: OTHER_SUB.appid }, 'APPID_MCHID_NOT_MATCH', undefined],
      ['jsapi without payer', {}, 'PARAM_ERROR', '/payer', 'jsapi'],
      ['jsapi without openid', { payer: {} }, 'PARAM_ERROR', '/payer/sp_openid', 'jsapi'],
      ['jsapi with a merchant’s openid', { payer: { openid: 'o' } }, 'PARAM_ERROR', '/payer/openid', 'jsapi'],
    ];
    for (const [name, changes, code, field, product] of cases) {
      it(`${name} is 400 ${code}${field ? ` at ${field}` : ''}`, async () => {
        const answer = await order('FIELDS1', changes, product);
        assert.deepEqual(refused(answer), [400, code]);
        assert.equal(answer.json.detail?.field, field);
      });
    }

    it('a sub-merchant must be one of the provider’s', async () => {
      const foreign = await order('FIELDS1', { sub_mchid: simulator.merchant.mchid });
      assert.deepEqual([...refused(foreign), internalNumber(foreign)], [400, 'INVALID_REQUEST', 268443701]);
      const own = await order('FIELDS1', { sub_mchid: PROVIDER });
      assert.deepEqual([...refused(own), internalNumber(own)], [400, 'INVALID_REQUEST', 268443705]);
    });

    it('a merchant who is no provider has no sub-merchants', async () => {
      const { mchid, appid } = simulator.merchant;
      const answer = await merchant.post(
        `${PAY}/native`,
        body('FIELDS1', { sp_mchid: mchid, sp_appid: appid }),
      );
      assert.deepEqual([...refused(answer), internalNumber(answer)], [400, 'INVALID_REQUEST', 268443701]);
    });

    for (const [missing, queryString] of [
      ['sp_mchid', `sub_mchid=${SUB.mchid}`],
      ['sub_mchid', `sp_mchid=${PROVIDER}`],
    ]) {
      it(`a query without ${missing} is a parameter error`, async () => {
        const answer = await client.get(`${PAY}/out-trade-no/QUERY01?${queryString}`);
        assert.deepEqual(refused(answer), [400, 'PARAM_ERROR']);
        assert.deepEqual([answer.json.detail.field, answer.json.detail.location], [missing, 'query']);
      });
    }
  });

  describe('refunds', () => {
    beforeEach(async () => {
      await order('PAID001');
      simulator.gateway.pay('PAID001');
      await receiver.delivery(1);
    });

    it('are applied for, queried and notified with the sub-merchant', async () => {
      const { status, json } = await refund('PAID001', 'R1', { notify_url: receiver.url });
      assert.equal(status, 200);
      const queried = await client.get(`${REFUNDS}/R1?sub_mchid=${SUB.mchid}`);
      assert.deepEqual(queried.json, json);
      assert.equal((await query('PAID001')).json.trade_state, 'REFUND');
      simulator.gateway.finishRefund('R1', 'SUCCESS');
      const notice = await plaintext(2);
      assert.deepEqual(
        [notice.sp_mchid, notice.sub_mchid, 'mchid' in notice, notice.refund_status],
        [PROVIDER, SUB.mchid, false, 'SUCCESS'],
      );
      assert.equal(simulator.gateway.balance(SUB.mchid).UNSETTLED, 2574 - 994);
    });

    it('sub_mchid is required to apply and to query', async () => {
      const applied = await refund('PAID001', 'R1', { sub_mchid: undefined });
      assert.deepEqual([...refused(applied), internalNumber(applied)], [400, 'PARAM_ERROR', 268443704]);
      assert.deepEqual([applied.json.detail.field, applied.json.detail.location], ['/sub_mchid', 'body']);
      const queried = await client.get(`${REFUNDS}/R1`);
      assert.deepEqual([...refused(queried), internalNumber(queried)], [400, 'PARAM_ERROR', 268443704]);
      assert.deepEqual([queried.json.detail.field, queried.json.detail.location], ['sub_mchid', 'query']);
    });

    it('a mchid of nobody is 404 MCH_NOT_EXISTS, one without relation INVALID_REQUEST', async () => {
      await refund('PAID001', 'R1');
      const cases = [
        ['1900099999', 404, 'MCH_NOT_EXISTS'],
        [simulator.merchant.mchid, 400, 'INVALID_REQUEST'],
        [PROVIDER, 400, 'INVALID_REQUEST'],
      ] as const;
      for (const [subMchid, status, code] of cases) {
        assert.deepEqual(refused(await refund('PAID001', 'R2', { sub_mchid: subMchid })), [status, code]);
        assert.deepEqual(refused(await client.get(`${REFUNDS}/R1?sub_mchid=${subMchid}`)), [status, code]);
      }
    });

    it('the order and the refund are not those of another sub-merchant', async () => {
      const order = await refund('PAID001', 'R1', { sub_mchid: OTHER_SUB.mchid });
      assert.deepEqual(refused(order), [404, 'RESOURCE_NOT_EXISTS']);
      await refund('PAID001', 'R1');
      const queried = await client.get(`${REFUNDS}/R1?sub_mchid=${OTHER_SUB.mchid}`);
      assert.deepEqual(refused(queried), [404, 'RESOURCE_NOT_EXISTS']);
    });

    it('a merchant names no sub_mchid', async () => {
      await merchant.order('OWN0001', { notify_url: receiver.url });
      simulator.gateway.pay('OWN0001');
      const refusal = await merchant.refund('OWN0001', 'R1', 1000, { sub_mchid: SUB.mchid });
      assert.deepEqual([...refused(refusal), internalNumber(refusal)], [400, 'INVALID_REQUEST', 268443701]);
      assert.equal((await merchant.refund('OWN0001', 'R1', 1000)).status, 200);
    });

    it('are limited by the money of the sub-merchant, not by the provider’s', async () => {
      simulator.gateway.setBalance(SUB.mchid, { limited: true, UNSETTLED: 0, AVAILABLE: 0 });
      assert.deepEqual(refused(await refund('PAID001', 'R1')), [403, 'NOT_ENOUGH']);
      simulator.gateway.setBalance(PROVIDER, { limited: true, AVAILABLE: 10_000 });
      assert.deepEqual(refused(await refund('PAID001', 'R1')), [403, 'NOT_ENOUGH']);
      simulator.gateway.setBalance(SUB.mchid, { limited: true, AVAILABLE: 994 });
      assert.equal((await refund('PAID001', 'R1')).status, 200);
    });

    it('abnormal ones go elsewhere under the same sub_mchid', async () => {
      const { refund_id } = (await refund('PAID001', 'R1')).json;
      simulator.gateway.finishRefund('R1', 'ABNORMAL');
      const path = `${REFUNDS}/${refund_id}/apply-abnormal-refund`;
      const request = { out_refund_no: 'R1', type: 'MERCHANT_BANK_CARD' };
      const missing = await client.post(path, request);
      assert.deepEqual([...refused(missing), internalNumber(missing)], [400, 'PARAM_ERROR', 268443704]);
      const other = await client.post(path, { ...request, sub_mchid: OTHER_SUB.mchid });
      assert.deepEqual(refused(other), [404, 'RESOURCE_NOT_EXISTS']);
      const own = await client.post(path, { ...request, sub_mchid: SUB.mchid });
      assert.deepEqual([own.status, own.json.status], [200, 'PROCESSING']);
    });
  });

  describe('combined orders', () => {
    const COMBINE = '/v3/combine-transactions';
    const sub = (outTradeNo: string, changes: Body = {}): Body => ({
      mchid: PROVIDER,
      sub_mchid: SUB.mchid,
      attach: 'a',
      amount: { total_amount: 1000, currency: 'CNY' },
      out_trade_no: outTradeNo,
      description: 'Tea',
      ...changes,
    });
    const subs = (name: string) => [
      sub(`${name}-0001`, { sub_appid: SUB.appid }),
      sub(`${name}-0002`, { sub_mchid: OTHER_SUB.mchid }),
    ];
    const combine = (name: string, changes: Body = {}, product = 'native') =>
      client.post(`${COMBINE}/${product}`, {
        combine_appid: provider.appid,
        combine_mchid: PROVIDER,
        combine_out_trade_no: name,
        sub_orders: subs(name),
        notify_url: receiver.url,
        ...changes,
      });

    it('are paid at once for several sub-merchants, and told so', async () => {
      assert.equal((await combine('K1', { combine_payer_info: { sub_openid: 'oB1' } }, 'jsapi')).status, 200);
      simulator.gateway.pay('K1-0002');
      const { json } = await client.get(`${COMBINE}/out-trade-no/K1`);
      assert.deepEqual(await plaintext(1), json);
      const [one, other] = json.sub_orders;
      assert.deepEqual(
        [one.mchid, one.sub_mchid, one.sub_appid, one.sub_openid, one.trade_state],
        [PROVIDER, SUB.mchid, SUB.appid, 'oB1', 'SUCCESS'],
      );
      assert.deepEqual(
        [other.sub_mchid, 'sub_appid' in other, 'sub_openid' in other, other.trade_state],
        [OTHER_SUB.mchid, false, false, 'SUCCESS'],
      );
      assert.equal(json.combine_payer_info.sub_openid, 'oB1');
      for (const { mchid } of [SUB, OTHER_SUB]) {
        assert.equal(simulator.gateway.balance(mchid).UNSETTLED, 994);
      }
    });

    it('are closed by the same ids', async () => {
      await combine('K2');
      const path = `${COMBINE}/out-trade-no/K2/close`;
      const ids = (withSub: boolean) =>
        subs('K2').map(({ mchid, sub_mchid, out_trade_no }) => ({
          mchid,
          out_trade_no,
          ...(withSub && { sub_mchid }),
        }));
      const without = await client.post(path, { combine_appid: provider.appid, sub_orders: ids(false) });
      assert.deepEqual([...refused(without), without.json.detail.field], [400, 'PARAM_ERROR', '/sub_orders']);
      const closed = await client.post(path, { combine_appid: provider.appid, sub_orders: ids(true) });
      assert.equal(closed.status, 204);
    });

    it('each is refunded with its own sub-merchant', async () => {
      await combine('K3');
      simulator.gateway.pay('K3-0001');
      const amount = { refund: 1000, total: 1000, currency: 'CNY' };
      const wrong = await refund('K3-0002', 'R1', { amount });
      assert.deepEqual(refused(wrong), [404, 'RESOURCE_NOT_EXISTS']);
      const right = await refund('K3-0002', 'R1', { amount, sub_mchid: OTHER_SUB.mchid });
      assert.equal(right.status, 200);
      assert.deepEqual(refused(await query('K3-0001')), [404, 'ORDER_NOT_EXIST']);
    });

    it('take 1 to 50 orders', async () => {
      const many = (count: number) => ({
        sub_orders: Array.from({ length: count }, (_, index) => sub(`MANY-${index}0`)),
      });
      assert.equal((await combine('K4', many(0))).json.detail.field, '/sub_orders');
      assert.equal((await combine('K4', many(51))).json.detail.field, '/sub_orders');
      assert.equal((await combine('K4', many(50))).status, 200);
      assert.equal((await combine('K5', { sub_orders: [sub('SINGLE1')] })).status, 200);
    });

    const cases: [string, () => Body, string, string | undefined, string?][] = [
      [
        'a number of one character',
        () => ({ combine_out_trade_no: 'K' }),
        'PARAM_ERROR',
        '/combine_out_trade_no',
      ],
      [
        'no sub_mchid',
        () => ({ sub_orders: [sub('ONE0001', { sub_mchid: undefined })] }),
        'PARAM_ERROR',
        '/sub_orders/0/sub_mchid',
      ],
      [
        'the mchid of a sub-merchant',
        () => ({ sub_orders: [sub('ONE0001', { mchid: SUB.mchid })] }),
        'PARAM_ERROR',
        '/sub_orders/0/mchid',
      ],
      [
        'a foreign sub_mchid',
        () => ({ sub_orders: [sub('ONE0001', { sub_mchid: '1900099999' })] }),
        'INVALID_REQUEST',
        undefined,
      ],
      [
        'the provider itself as sub_mchid',
        () => ({ sub_orders: [sub('ONE0001', { sub_mchid: PROVIDER })] }),
        'INVALID_REQUEST',
        undefined,
      ],
      [
        'the sub_appid of another',
        () => ({ sub_orders: [sub('ONE0001', { sub_appid: OTHER_SUB.appid })] }),
        'APPID_MCHID_NOT_MATCH',
        undefined,
      ],
      [
        'jsapi without openid',
        () => ({ combine_payer_info: {} }),
        'PARAM_ERROR',
        '/combine_payer_info/openid',
        'jsapi',
      ],
    ];
    for (const [name, changes, code, field, product] of cases) {
      it(`${name} is 400 ${code}${field ? ` at ${field}` : ''}`, async () => {
        const answer = await combine('K6', changes(), product);
        assert.deepEqual(refused(answer), [400, code], answer.text);
        assert.equal(answer.json.detail?.field, field);
      });
    }
  });
});
