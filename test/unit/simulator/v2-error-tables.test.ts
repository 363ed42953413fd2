import assert from 'node:assert/strict';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { V2_ERROR_CODES } from '../../../simulator/v2/error.ts';
import { type Elements, RawV2Client, type V2Deviation, type V2RawAnswer } from './v2-client.ts';

const DAY = 24 * 3600_000;
const CODE = '134567890123456789';

/** The error tables of v2, one line a code, and each line with a request that gets it. The others are arranged: see v2-faults.test.ts. */
describe('simulator: the documented errors of v2', () => {
  let simulator: Simulator;
  let v2: RawV2Client;
  let now: number;

  before(async () => {
    simulator = await startSimulator({
      clock: () => now,
      notifyDelayMs: 1e9,
      refundDelayMs: Number.POSITIVE_INFINITY,
      enforceCloseDelay: false,
    });
    v2 = new RawV2Client(simulator);
  });
  beforeEach(() => {
    now = Date.parse('2026-03-01T12:00:00+08:00');
    simulator.gateway.reset();
    simulator.gateway.rateLimits.enabled = false;
  });
  after(async () => {
    await v2.close();
    await simulator.close();
  });

  const post = (path: string, elements: Elements, deviation: V2Deviation = {}) =>
    v2.post(path, elements, deviation);
  const query = (deviation: V2Deviation) => v2.query('TABLE01', deviation);
  const paidV2 = async () => {
    await v2.order('TABLE01');
    simulator.gateway.pay('TABLE01');
  };
  const charged = (outcome: 'password' | 'BANK_ERROR' | 'NOT_ENOUGH') => {
    simulator.gateway.paymentCodes.arrange(CODE, { outcome });
    return v2.micropay('TABLE01', CODE);
  };
  const limited = (call: () => Promise<V2RawAnswer>, before: number) => async () => {
    simulator.gateway.rateLimits.enabled = true;
    for (let count = 0; count < before; count += 1) await call();
    return call();
  };

  /** Before the caller is known there is only return_msg. */
  const UNKNOWN_CALLER: [message: string, when: string, how: () => Promise<V2RawAnswer>][] = [
    ['签名失败', 'a signature is wrong', () => query({ sign: 'A'.repeat(32) })],
    ['XML格式错误', 'it is no XML', () => query({ body: '<xml><a>' })],
    [
      'XML格式错误',
      'it declares an entity',
      () => query({ body: '<!DOCTYPE x [<!ENTITY e "x">]><xml><a>&e;</a></xml>' }),
    ],
    ['请使用post方法', 'it is got', () => query({ method: 'GET' })],
    ['post数据为空', 'there is nothing', () => query({ body: '' })],
    [
      '编码格式错误',
      'it is no UTF-8',
      () => query({ body: Buffer.from('<xml><a>\xff</a></xml>', 'latin1') }),
    ],
    ['缺少参数:nonce_str', 'an element is missing', () => post('/pay/orderquery', { nonce_str: '' })],
    [
      'MCHID不存在',
      'a mchid is of nobody',
      () => post('/pay/orderquery', { mch_id: '1999999999', out_trade_no: 'V1' }),
    ],
  ];
  for (const [message, when, how] of UNKNOWN_CALLER) {
    it(`return_msg ${message}, when ${when}`, async () => {
      const { status, xml } = await how();
      assert.deepEqual([status, xml], [200, { return_code: 'FAIL', return_msg: message }]);
    });
  }

  const TABLE: [code: string, when: string, how: () => Promise<V2RawAnswer>][] = [
    ['LACK_PARAMS', 'an element is missing', () => v2.order('TABLE01', { body: '' })],
    ['PARAM_ERROR', 'an element is wrong', () => v2.order('TABLE01', { total_fee: '1.5' })],
    ['APPID_NOT_EXIST', 'an appid is of nobody', () => v2.order('TABLE01', { appid: 'wx0000000000000000' })],
    [
      'APPID_MCHID_NOT_MATCH',
      'an appid is of somebody else',
      () => v2.order('TABLE01', { appid: simulator.world.provider.appid }),
    ],
    [
      'NOAUTH',
      'an overseas merchant asks',
      () => {
        const merchant = simulator.world.merchants().find(({ region }) => region === 'overseas');
        return v2.order('TABLE01', {}, merchant && { merchant });
      },
    ],
    [
      'ORDERPAID',
      'a paid number is ordered again',
      async () => {
        await paidV2();
        return v2.order('TABLE01');
      },
    ],
    [
      'ORDERCLOSED',
      'a closed number is ordered again',
      async () => {
        await v2.order('TABLE01');
        await post('/pay/closeorder', { out_trade_no: 'TABLE01' });
        return v2.order('TABLE01');
      },
    ],
    [
      'OUT_TRADE_NO_USED',
      'a number is ordered otherwise',
      async () => {
        await v2.order('TABLE01');
        return v2.order('TABLE01', { total_fee: '1' });
      },
    ],
    ['ORDERNOTEXIST', 'nobody ordered', () => v2.query('TABLE01')],
    ['AUTH_CODE_INVALID', 'a code is none of WeChat Pay', () => v2.micropay('TABLE01', '999')],
    ['USERPAYING', 'a password is pending', () => charged('password')],
    ['BANKERROR', 'a bank does not answer', () => charged('BANK_ERROR')],
    ['NOTENOUGH', 'a person has too little', () => charged('NOT_ENOUGH')],
    [
      'ORDERREVERSED',
      'a number was reversed',
      async () => {
        await v2.micropay('TABLE01', CODE);
        await post('/secapi/pay/reverse', { out_trade_no: 'TABLE01' });
        return v2.micropay('TABLE01', CODE);
      },
    ],
    [
      'BUYER_MISMATCH',
      'another code pays the same number',
      async () => {
        await charged('password');
        return v2.micropay('TABLE01', '104567890123456789');
      },
    ],
    [
      'TRADE_OVERDUE',
      'an order is older than a year',
      async () => {
        await paidV2();
        now += 366 * DAY;
        return v2.refund('TABLE01', 'R1', 1);
      },
    ],
    [
      'ERROR',
      'refunds are more than the order',
      async () => {
        await paidV2();
        await v2.refund('TABLE01', 'R1', 2000);
        return v2.refund('TABLE01', 'R2', 1000);
      },
    ],
    [
      'USER_ACCOUNT_ABNORMAL',
      'who paid can no longer receive',
      async () => {
        await paidV2();
        simulator.gateway.setPayerOf('TABLE01', 'abnormal');
        return v2.refund('TABLE01', 'R1', 1);
      },
    ],
    [
      'INVALID_TRANSACTIONID',
      'a number is none of WeChat Pay',
      () => v2.refund('', 'R1', 1, { transaction_id: '1' }),
    ],
    ['INVALID_REQ_TOO_MUCH', 'refunds fail too often', limited(() => v2.refund('TABLE01', 'R1', 1), 6)],
    ['FREQUENCY_LIMITED', 'codes are charged too often', limited(() => v2.micropay('TABLE01', '999'), 33)],
    [
      'REFUNDNOTEXIST',
      'nobody applied for a refund',
      () => post('/pay/refundquery', { out_refund_no: 'R1' }),
    ],
  ];
  for (const [code, when, how] of TABLE) {
    it(`${code}, when ${when}`, async () => {
      const { status, xml, signedWith, text } = await how();
      const { return_code, result_code, err_code, err_code_des } = xml;
      assert.deepEqual([status, return_code, result_code, err_code], [200, 'SUCCESS', 'FAIL', code], text);
      assert.ok(err_code_des);
      assert.equal(signedWith, 'MD5');
    });
  }

  it('the codes that no request gets are arranged: those of the tables are all known', () => {
    const documented =
      `SIGNERROR XML_FORMAT_ERROR REQUIRE_POST_METHOD POST_DATA_EMPTY NOT_UTF8 LACK_PARAMS PARAM_ERROR
      APPID_NOT_EXIST MCHID_NOT_EXIST APPID_MCHID_NOT_MATCH NOAUTH SYSTEMERROR NOTENOUGH ORDERPAID ORDERCLOSED OUT_TRADE_NO_USED
      ORDERNOTEXIST AUTHCODEEXPIRE AUTH_CODE_ERROR AUTH_CODE_INVALID NOTSUPORTCARD ORDERREVERSED BUYER_MISMATCH BANKERROR USERPAYING
      BIZERR_NEED_RETRY TRADE_OVERDUE ERROR USER_ACCOUNT_ABNORMAL INVALID_REQ_TOO_MUCH INVALID_TRANSACTIONID FREQUENCY_LIMITED
      REFUNDNOTEXIST NO_BILL_EXIST BILL_CREATING`.split(/\s+/);
    const known: readonly string[] = V2_ERROR_CODES;
    assert.deepEqual(
      documented.filter((code) => !known.includes(code)),
      [],
    );
  });

  it('downloadbill has numbers: 20001 for the request, 20002 for the bill', async () => {
    const download = async (elements: Elements, deviation?: V2Deviation) =>
      (await post('/pay/downloadbill', { bill_date: '20260227', ...elements }, deviation)).xml;
    const refusals: [Elements, string, string][] = [
      [await download({}, { sign: 'A'.repeat(32) }), 'sign error', '20001'],
      [await download({ bill_type: 'SOME' }), 'invalid bill_type', '20001'],
      [await download({ bill_date: '2026-02-27' }), 'data format error', '20001'],
      [await download({ bill_date: '' }), 'missing parameter', '20001'],
      [await download({}), 'No Bill Exist', '20002'],
      [await download({ bill_date: '20260301' }), 'Bill Creating', '20002'],
    ];
    for (const [xml, return_msg, error_code] of refusals) {
      assert.deepEqual(xml, { return_code: 'FAIL', return_msg, error_code });
    }
  });

  it('downloadfundflow has codes: NO_BILL_EXIST and BILL_CREATING', async () => {
    for (const [bill_date, code] of [
      ['20260227', 'NO_BILL_EXIST'],
      ['20260301', 'BILL_CREATING'],
    ] as const) {
      const elements = { bill_date, account_type: 'Basic' };
      const { xml } = await post('/pay/downloadfundflow', elements, { signType: 'HMAC-SHA256' });
      assert.equal(xml.err_code, code);
    }
  });
});
