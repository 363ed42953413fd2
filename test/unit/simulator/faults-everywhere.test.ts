import assert from 'node:assert/strict';
import { isBillFault } from '../../../simulator/faults/fault.ts';
import { FAULT_KINDS, type FaultKind, type Simulator, startSimulator } from '../../../simulator/index.ts';
import { isSigned, orderBody, type RawAnswer, RawClient } from './client.ts';
import { ComplaintDesk } from './complaint-desk.ts';

const AUTH_CODE = '134567890123456789';
const PNG = Buffer.from('89504e470d0a1a0a', 'hex');
const H5 = { scene_info: { payer_client_ip: '203.0.113.9', device_id: 'POS7', h5_info: { type: 'Wap' } } };
const PHONE = { scene_info: { payer_client_ip: '203.0.113.9' } };

type Call = () => Promise<RawAnswer>;

/** Every fault of answers at every endpoint of v3: one request each, and what is seen of the fault. */
describe('simulator: each endpoint of v3 has each fault', () => {
  let simulator: Simulator;
  let merchant: RawClient;
  let provider: RawClient;
  let overseas: RawClient;
  let desk: ComplaintDesk;
  let orders = 0;

  before(async () => {
    simulator = await startSimulator({ notifyDelayMs: 1e9, refundDelayMs: Number.POSITIVE_INFINITY });
    merchant = new RawClient(simulator);
    provider = new RawClient(simulator, { merchant: simulator.world.provider });
    const abroad = simulator.world.merchants().find(({ region }) => region === 'overseas');
    overseas = new RawClient(simulator, { merchant: abroad ?? simulator.merchant });
    desk = new ComplaintDesk(simulator);
  });
  afterEach(() => simulator.gateway.removeFaults());
  after(async () => {
    await Promise.all([merchant.close(), provider.close(), overseas.close(), desk.client.close()]);
    await simulator.close();
  });

  const next = () => {
    orders += 1;
    return `EVERY-${orders}`;
  };
  const order = (product: string, changes: object = {}) =>
    merchant.post(`/v3/pay/transactions/${product}`, orderBody(simulator, next(), { ...changes }));
  const ids = () => ({ appid: simulator.merchant.appid, mchid: simulator.merchant.mchid });
  const members = (number: string) =>
    ['a', 'b'].map((name) => ({ mchid: simulator.merchant.mchid, out_trade_no: `${number}-${name}` }));
  const combine = (product: string, changes: object = {}) => {
    const number = next();
    const sub_orders = members(number).map((member) => ({
      ...member,
      attach: 'a',
      description: 'Tea',
      amount: { total_amount: 1, currency: 'CNY' },
    }));
    return merchant.post(`/v3/combine-transactions/${product}`, {
      combine_appid: simulator.merchant.appid,
      combine_mchid: simulator.merchant.mchid,
      combine_out_trade_no: number,
      notify_url: 'https://pay.example.com/wx',
      sub_orders,
      ...changes,
    });
  };
  const bill = (path: string, query = '') => merchant.get(`/v3/bill/${path}?bill_date=2026-03-01${query}`);
  const encrypted = '&algorithm=AEAD_AES_256_GCM&account_type=BASIC';
  const complaint = (call: string, body: object) => desk.act('200201820260301080076610000', call, body);
  const complaintUrl = (method: string) =>
    merchant.send(
      method,
      '/v3/merchant-service/complaint-notifications',
      method === 'POST' || method === 'PUT' ? JSON.stringify({ url: 'https://a.example.com/c' }) : '',
    );

  const CALLS: Record<string, Call> = {
    'jsapi.create': () => order('jsapi', { payer: { openid: 'oA' } }),
    'app.create': () => order('app'),
    'h5.create': () => order('h5', { scene_info: { ...H5.scene_info } }),
    'native.create': () => order('native'),
    'codepay.create': () =>
      merchant.post('/v3/pay/transactions/codepay', {
        ...ids(),
        description: 'Tea',
        out_trade_no: next(),
        payer: { auth_code: AUTH_CODE },
        amount: { total: 2590 },
        scene_info: { store_info: { out_id: 'S01' } },
      }),
    'codepay.reverse': () => merchant.post(`/v3/pay/transactions/out-trade-no/${next()}/reverse`, ids()),
    'combine.jsapi.create': () => combine('jsapi', { combine_payer_info: { openid: 'oA' } }),
    'combine.app.create': () => combine('app', PHONE),
    'combine.h5.create': () => combine('h5', H5),
    'combine.native.create': () => combine('native'),
    'combine.query': () => merchant.get(`/v3/combine-transactions/out-trade-no/${next()}`),
    'combine.close': () => {
      const number = next();
      const body = { combine_appid: simulator.merchant.appid, sub_orders: members(number) };
      return merchant.post(`/v3/combine-transactions/out-trade-no/${number}/close`, body);
    },
    'order.query': () => merchant.query(next()),
    'order.close': () => merchant.closeOrder(next()),
    'refund.create': () => merchant.refund(next(), next(), 1),
    'refund.query': () => merchant.queryRefund(next()),
    'refund.applyAbnormal': () =>
      merchant.post('/v3/refund/domestic/refunds/5030/apply-abnormal-refund', {
        out_refund_no: 'R1',
        type: 'MERCHANT_BANK_CARD',
      }),
    'refund.list': () => overseas.get(`/v3/global/refunds?out_trade_no=T1&mchid=${overseas.merchant.mchid}`),
    'security.echo': () => merchant.post('/v3/security/echo', { echo_message: 'hi' }),
    'certificates.list': () => merchant.get('/v3/certificates'),
    'bill.trade': () => bill('tradebill'),
    'bill.fund_flow': () => bill('fundflowbill'),
    'bill.sub_merchant_fund_flow': () => {
      const [sub] = simulator.world.provider.subMerchants;
      const query = `bill_date=2026-03-01&sub_mchid=${sub?.mchid}${encrypted}`;
      return provider.get(`/v3/bill/sub-merchant-fundflowbill?${query}`);
    },
    'bill.ecommerce_fund_flow': () =>
      provider.get(`/v3/ecommerce/bill/fundflowbill?bill_date=2026-03-01${encrypted}`),
    'bill.download': () => merchant.get('/v3/billdownload/file?token=spent'),
    'complaint.list': () =>
      merchant.get('/v3/merchant-service/complaints-v2?begin_date=2026-03-01&end_date=2026-03-02'),
    'complaint.get': () => merchant.get('/v3/merchant-service/complaints-v2/2002'),
    'complaint.history': () => merchant.get('/v3/merchant-service/complaints-v2/2002/negotiation-historys'),
    'complaint.respond': () => complaint('response', { ...desk.mchid(), response_content: 'Sorry' }),
    'complaint.complete': () => complaint('complete', desk.mchid()),
    'complaint.refund_progress': () => complaint('update-refund-progress', { action: 'APPROVE' }),
    'complaint.respond_immediately': () =>
      complaint('response-immediate-service', { ...desk.mchid(), idempotent_id: '1', message: {} }),
    'complaint_url.create': () => complaintUrl('POST'),
    'complaint_url.get': () => complaintUrl('GET'),
    'complaint_url.update': () => complaintUrl('PUT'),
    'complaint_url.delete': () => complaintUrl('DELETE'),
    'complaint_image.upload': () => desk.upload({ bytes: PNG }),
    'complaint_image.download': () => merchant.get('/v3/merchant-service/images/none'),
    'statement.download': () =>
      overseas.get(`/v3/global/statements?date=20260301&mchid=${overseas.merchant.mchid}`),
    'settlement.list': () => overseas.get('/v3/global/settle/settlements?settle_state=UNSETTLE'),
  };

  const answered = (status: number, code?: string) => (answer: RawAnswer) => {
    assert.deepEqual([answer.status, answer.json?.code], [status, code], answer.text);
    assert.ok(isSigned(simulator, answer.headers, answer.text));
  };
  const page = (status: number) => (answer: RawAnswer) => {
    assert.equal(answer.status, status);
    assert.match(answer.text, /^<html>/);
  };
  /** What is seen of a fault; undefined for no answer. */
  const SEEN: Partial<Record<FaultKind, ((answer: RawAnswer) => void) | undefined>> = {
    timeout_before: undefined,
    timeout_after: undefined,
    reset_after: undefined,
    reset_mid_answer: undefined,
    error_500: answered(500, 'SYSTEM_ERROR'),
    error_502_html: page(502),
    error_503_html: page(503),
    accepted_202: answered(202),
    rate_limited_429: answered(429, 'FREQUENCY_LIMITED'),
    not_enough: answered(403, 'NOT_ENOUGH'),
    refused: answered(403, 'RULE_LIMIT'),
    slow: ({ headers, text }) => assert.ok(isSigned(simulator, headers, text)),
    bad_signature: ({ headers, text }) => {
      assert.equal(headers['Wechatpay-Serial'], simulator.merchant.publicKeyId);
      assert.ok(!isSigned(simulator, headers, text));
    },
    probe_signature: ({ headers }) => {
      assert.match(headers['Wechatpay-Signature'] ?? '', /^WECHATPAY\/SIGNTEST\/.{336}$/);
    },
    unknown_serial: ({ headers }) => {
      assert.match(headers['Wechatpay-Serial'] ?? '', /^PUB_KEY_ID_\d+$/);
      assert.notEqual(headers['Wechatpay-Serial'], simulator.merchant.publicKeyId);
    },
    unsigned: ({ headers }) => assert.ok(!('Wechatpay-Signature' in headers)),
    clock_skew: ({ headers, text }) => {
      assert.ok(isSigned(simulator, headers, text));
      assert.ok(Number(headers['Wechatpay-Timestamp']) < Date.now() / 1000 - 500);
    },
  };
  const RACES: readonly FaultKind[] = ['pay_before', 'pay_after', 'notpay_lag'];
  const SOON: readonly FaultKind[] = ['timeout_before', 'timeout_after', 'slow'];

  const operations = Object.keys(FAULT_KINDS).filter(
    (name) => !name.startsWith('v2.') && name !== 'notification' && name !== 'refund',
  );
  for (const operation of operations) {
    it(operation, async () => {
      const call = CALLS[operation];
      assert.ok(call, 'a request of this test');
      for (const kind of FAULT_KINDS[operation] ?? []) {
        // Races need an order that can take part in them, and bills trade of a day: they have tests of their own.
        if (RACES.includes(kind) || isBillFault(kind)) continue;
        const delay = SOON.includes(kind) ? { delay_ms: 1 } : {};
        const code = kind === 'refused' ? { code: 'RULE_LIMIT' as const } : {};
        simulator.gateway.addFault({ operation, kind, ...delay, ...code });
        assert.ok(kind in SEEN, kind);
        const seen = SEEN[kind];
        if (seen) seen(await call());
        else await assert.rejects(call(), kind);
        assert.deepEqual(simulator.gateway.faults(), [], `${kind} fired`);
        const fired = simulator.gateway.state().fault_log.at(-1);
        assert.deepEqual([fired?.operation, fired?.kind], [operation, kind]);
      }
    });
  }
});
