import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { gunzipSync } from 'node:zlib';
import { request } from 'undici';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { type Elements, peer, RawV2Client } from './v2-client.ts';

const DAY = '20260301';
const TITLES_OF_ALL = 27;

describe('simulator: v2 bills', () => {
  let simulator: Simulator;
  let client: RawV2Client;
  let now: number;

  beforeEach(async () => {
    now = Date.parse('2026-03-01T12:03:11+08:00');
    simulator = await startSimulator({
      clock: () => now,
      notifyDelayMs: 1e8,
      refundDelayMs: Number.POSITIVE_INFINITY,
    });
    client = new RawV2Client(simulator);
  });
  afterEach(async () => {
    await client.close();
    await simulator.close();
  });

  /** A day with a v2 and a payment by face, of which one was refunded in part; the next day has come. */
  async function day() {
    await client.order('V2BILL1', { attach: 'c=1' });
    simulator.gateway.pay('V2BILL1', { coupon: { amount: 200 } });
    await client.refund('V2BILL1', 'VR1', 1000);
    const face = {
      body: 'Tea, green',
      out_trade_no: 'V2BILL2',
      total_fee: '100',
      fee_type: 'CNY',
      spbill_create_ip: '203.0.113.9',
      face_code: 'face',
    };
    await client.post('/pay/facepay', face, { signType: 'HMAC-SHA256' });
    now = Date.parse('2026-03-02T10:00:00+08:00');
  }
  const tradeBill = (changes: Elements = {}) =>
    client.post('/pay/downloadbill', { bill_date: DAY, ...changes });
  const fundFlow = (changes: Elements = {}) =>
    client.post(
      '/pay/downloadfundflow',
      { bill_date: DAY, account_type: 'Basic', ...changes },
      { signType: 'HMAC-SHA256' },
    );

  it('a trade bill is CSV with a byte order mark and CRLF, the orders of v2 in it', async () => {
    await day();
    const { status, text } = await tradeBill();
    assert.equal(status, 200);
    assert.ok(text.startsWith('\u{feff}交易时间,'));
    const [titles = '', ...lines] = text.split('\r\n');
    assert.equal(titles.split(',').length, TITLES_OF_ALL);
    const rows = lines.filter((line) => line.startsWith('`2026-03-01'));
    assert.deepEqual(
      rows.map((row) => row.split(',`').filter((_, index) => [6, 8, 9, 15].includes(index))),
      [
        ['V2BILL1', 'NATIVE', 'SUCCESS', '0'],
        ['V2BILL1', 'NATIVE', 'REFUND', 'VR1'],
        ['V2BILL2', 'FACE', 'SUCCESS', '0'],
      ],
    );
  });

  for (const [bill_type, count] of [
    ['ALL', 3],
    ['SUCCESS', 2],
    ['REFUND', 1],
  ] as const)
    it(`bill_type ${bill_type} has ${count} of the three`, async () => {
      await day();
      const rows = (await tradeBill({ bill_type })).text.split('\r\n').slice(1);
      assert.equal(
        rows.findIndex((line) => !line.startsWith('`')),
        count,
      );
    });

  it('tar_type GZIP is the same, compressed', async () => {
    await day();
    const { merchant, baseUrl } = simulator;
    const elements = {
      appid: merchant.appid,
      mch_id: merchant.mchid,
      nonce_str: 'n',
      bill_date: DAY,
      tar_type: 'GZIP',
    };
    const sign = peer.Hash.sign('MD5', elements, merchant.apiV2Key);
    const answer = await request(`${baseUrl}/pay/downloadbill`, {
      method: 'POST',
      body: peer.Transformer.toXml({ ...elements, sign }),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    assert.equal(gunzipSync(bytes).toString('utf8'), (await tradeBill()).text);
  });

  it('a fund flow has the hash of its text in Digest', async () => {
    await day();
    const { merchant, baseUrl } = simulator;
    const elements = {
      appid: merchant.appid,
      mch_id: merchant.mchid,
      nonce_str: 'n',
      bill_date: DAY,
      account_type: 'Basic',
    };
    // Nothing but HMAC-SHA256 is known there, so that it need not be named.
    const sign = peer.Hash.sign('HMAC-SHA256', elements, merchant.apiV2Key);
    const answer = await request(`${baseUrl}/pay/downloadfundflow`, {
      method: 'POST',
      body: peer.Transformer.toXml({ ...elements, sign }),
    });
    const bytes = Buffer.from(await answer.body.arrayBuffer());
    assert.equal(answer.headers.digest, `SHA=${createHash('sha1').update(bytes).digest('hex')}`);
    assert.match(bytes.toString('utf8'), /^\u{feff}记账时间,/u);
  });

  const tradeRefusals: [what: string, elements: Elements, message: string, code: string][] = [
    ['an empty day', { bill_date: '20260228' }, 'No Bill Exist', '20002'],
    ['a day to come', { bill_date: '20260401' }, 'No Bill Exist', '20002'],
    ['recharges', { bill_type: 'RECHARGE_REFUND' }, 'No Bill Exist', '20002'],
    ['an unknown type', { bill_type: 'SOME' }, 'invalid bill_type', '20001'],
    ['another form of date', { bill_date: '2026-03-01' }, 'data format error', '20001'],
    ['a day that is none', { bill_date: '20260230' }, 'data format error', '20001'],
    ['an unknown compression', { tar_type: 'ZIP' }, 'data format error', '20001'],
    ['no date', { bill_date: '' }, 'missing parameter', '20001'],
    ['no appid', { appid: '' }, 'missing parameter', '20001'],
  ];
  for (const [what, elements, return_msg, error_code] of tradeRefusals) {
    it(`a trade bill: ${what} is ${return_msg}`, async () => {
      await day();
      assert.deepEqual((await tradeBill(elements)).xml, { return_code: 'FAIL', return_msg, error_code });
    });
  }

  it('a trade bill: a wrong signature is sign error, the present day Bill Creating', async () => {
    const unsigned = await client.post('/pay/downloadbill', { bill_date: DAY }, { key: 'k'.repeat(32) });
    assert.deepEqual(unsigned.xml, { return_code: 'FAIL', return_msg: 'sign error', error_code: '20001' });
    assert.deepEqual((await tradeBill()).xml, {
      return_code: 'FAIL',
      return_msg: 'Bill Creating',
      error_code: '20002',
    });
  });

  it('a fund flow is refused with err_code, signed', async () => {
    const creating = await fundFlow();
    assert.deepEqual([creating.xml.err_code, creating.signedWith], ['BILL_CREATING', 'HMAC-SHA256']);
    await day();
    const refused: [Elements, string][] = [
      [{ bill_date: '20260228' }, 'NO_BILL_EXIST'],
      [{ account_type: 'Other' }, 'PARAM_ERROR'],
      [{ account_type: '' }, 'LACK_PARAMS'],
      [{ bill_date: '1.3.2026' }, 'PARAM_ERROR'],
    ];
    for (const [elements, code] of refused) {
      const { xml, signedWith } = await fundFlow(elements);
      assert.deepEqual([xml.result_code, xml.err_code, signedWith], ['FAIL', code, 'HMAC-SHA256']);
    }
    const md5 = { bill_date: DAY, account_type: 'Basic' };
    const { xml } = await client.post('/pay/downloadfundflow', md5, { signType: 'MD5' });
    assert.equal(xml.return_code, 'FAIL');
  });
});
