import assert from 'node:assert/strict';
import fc from 'fast-check';
import { NotificationError } from '../../../../wechatpay/errors.ts';
import {
  looksLikeXml,
  openV2Notification,
  openV2Payment,
  openV2Refund,
  V2_ACCEPTED,
  type V2Notification,
  v2Refusal,
} from '../../../../wechatpay/v2/notifications.ts';
import { encryptReqInfo } from '../../../../wechatpay/v2/req-info.ts';
import { API_V2_KEY, APPID, type Elements, MCHID, peer, signedElements } from './v2-gateway.ts';

const KEY = { mchid: MCHID, apiV2Key: API_V2_KEY };

const PAYMENT: Elements = {
  return_code: 'SUCCESS',
  result_code: 'SUCCESS',
  appid: APPID,
  mch_id: MCHID,
  nonce_str: '5d2b6c2a8db53831f7eda20af46e531c',
  openid: 'oA1bC2dE3fG4hI5jK6lM7nO8pQ9r',
  is_subscribe: 'N',
  trade_type: 'JSAPI',
  bank_type: 'OTHERS',
  total_fee: '2590',
  fee_type: 'CNY',
  cash_fee: '2390',
  coupon_fee: '200',
  coupon_count: '1',
  coupon_type_0: 'CASH',
  coupon_id_0: '10000',
  coupon_fee_0: '200',
  transaction_id: '4200002088202603011234567890',
  out_trade_no: 'V20260301000001',
  attach: 'a=1 & <b>',
  time_end: '20260301120311',
};
const REFUND: Elements = {
  out_refund_no: 'VR1',
  out_trade_no: 'V1',
  refund_account: 'REFUND_SOURCE_RECHARGE_FUNDS',
  refund_fee: '1000',
  refund_id: '50300208882026030212345678901',
  refund_recv_accout: '支付用户零钱',
  refund_request_source: 'API',
  refund_status: 'SUCCESS',
  settlement_refund_fee: '1000',
  settlement_total_fee: '2590',
  success_time: '2026-03-02 09:02:40',
  total_fee: '2590',
  transaction_id: '4200002088202603011234567890',
  cash_refund_fee: '923',
};
const OUTSIDE: Elements = { return_code: 'SUCCESS', appid: APPID, mch_id: MCHID, nonce_str: 'n' };

const xml = (elements: Elements) => Buffer.from(peer.Transformer.toXml(elements));
const payment = (changes: Elements = {}, type = 'MD5') =>
  xml(signedElements({ ...PAYMENT, ...changes }, type));
const refund = (changes: Elements = {}, outside: Elements = {}) =>
  xml({ ...OUTSIDE, ...outside, req_info: encryptReqInfo({ ...REFUND, ...changes }, API_V2_KEY) });
const without = (elements: Elements, name: string): Elements =>
  Object.fromEntries(Object.entries(elements).filter(([key]) => key !== name));

const rejects = (body: Buffer, verdict: 'forged' | 'undecryptable', open = openV2Notification) =>
  assert.throws(
    () => open(body, KEY),
    (error) => {
      assert.ok(error instanceof NotificationError, String(error));
      assert.equal(error.verdict, verdict, error.message);
      assert.ok(error.message.length < 600);
      assert.ok(!error.message.includes(API_V2_KEY));
      return true;
    },
  );

describe('v2 notifications', () => {
  it('a payment opens to its amounts and coupons, other elements kept', () => {
    const opened = openV2Notification(payment({ future_field: '007' }), KEY);
    assert.equal(opened.kind, 'payment');
    const { sign: _, ...rest } = opened as unknown as Elements;
    assert.deepEqual(rest, {
      ...PAYMENT,
      kind: 'payment',
      total_fee: 2590,
      cash_fee: 2390,
      coupon_fee: 200,
      coupon_count: 1,
      coupons: [{ coupon_type: 'CASH', coupon_id: '10000', coupon_fee: 200 }],
      future_field: '007',
    });
  });

  it('a payment of a sub-merchant, under HMAC-SHA256, or under another algorithm than it says', () => {
    const sub = { sub_mch_id: '1900031111', sub_appid: 'wxsub', sub_openid: 'oB' };
    assert.equal(openV2Payment(payment(sub, 'HMAC-SHA256'), KEY).sub_mch_id, '1900031111');
    assert.equal(openV2Payment(payment({ sign_type: 'HMAC-SHA256' }, 'MD5'), KEY).kind, 'payment');
  });

  it('a failed payment is no payment', () => {
    const opened = openV2Notification(
      xml(
        signedElements({
          ...OUTSIDE,
          result_code: 'FAIL',
          err_code: 'SYSTEMERROR',
          err_code_des: '系统错误',
        }),
      ),
      KEY,
    );
    assert.equal(opened.kind, 'failed_payment');
    assert.equal(opened.kind === 'failed_payment' && opened.err_code, 'SYSTEMERROR');
  });

  it('a refund opens to what was encrypted, with whose it is', () => {
    assert.deepEqual(openV2Notification(refund({ future: '1' }, { sub_mch_id: '1900031111' }), KEY), {
      ...REFUND,
      kind: 'refund',
      appid: APPID,
      mch_id: MCHID,
      sub_mch_id: '1900031111',
      total_fee: 2590,
      refund_fee: 1000,
      settlement_refund_fee: 1000,
      settlement_total_fee: 2590,
      cash_refund_fee: 923,
      future: '1',
    });
    for (const refund_status of ['CHANGE', 'REFUNDCLOSE']) {
      const opened = openV2Refund(refund({ refund_status, success_time: '' }), KEY);
      assert.equal(opened.refund_status, refund_status);
    }
  });

  it('nothing of a refund is taken from the outside, which nobody signed', () => {
    const opened = openV2Refund(
      xml({
        ...OUTSIDE,
        refund_fee: '1',
        refund_request_source: 'API',
        out_refund_no: 'X',
        kind: 'payment',
        coupons: '1',
        req_info: encryptReqInfo(without(REFUND, 'refund_request_source'), API_V2_KEY),
      }),
      KEY,
    );
    assert.equal(opened.kind, 'refund');
    assert.equal(opened.refund_fee, 1000);
    assert.equal(opened.out_refund_no, 'VR1');
    assert.equal(opened.refund_request_source, undefined);
    assert.ok(!('coupons' in opened));
  });

  it('its kind narrows it', () => {
    // The type checker proves it: this compiles only while each branch has the right type.
    const about = (opened: V2Notification): string => {
      switch (opened.kind) {
        case 'payment':
          return `${opened.transaction_id} ${opened.total_fee + 0}`;
        case 'refund':
          return `${opened.out_refund_no} ${opened.refund_fee + 0}`;
        case 'failed_payment':
          return opened.err_code ?? '';
      }
    };
    assert.equal(about(openV2Notification(refund(), KEY)), 'VR1 1000');
    assert.equal(about(openV2Notification(payment(), KEY)), '4200002088202603011234567890 2590');
  });

  for (const name of Object.keys(PAYMENT)) {
    it(`a payment is forged when ${name} was changed or added after signing`, () => {
      const genuine = signedElements(PAYMENT, 'HMAC-SHA256');
      rejects(xml({ ...genuine, [name]: `${PAYMENT[name]}1` }), 'forged');
      rejects(xml(without(genuine, name)), 'forged');
      rejects(xml({ ...genuine, [`${name}x`]: '1' }), 'forged');
    });

    it(`a payment signed without ${name} is accepted or refused by type, never half`, () => {
      const optional = ['nonce_str', 'is_subscribe', 'fee_type', 'attach', 'coupon_fee', 'coupon_count'];
      const body = xml(signedElements(without(PAYMENT, name), 'MD5'));
      if (optional.includes(name) || /_\d$/.test(name)) {
        assert.equal(openV2Notification(body, KEY).kind, 'payment');
      } else {
        const verdict = name === 'return_code' || name === 'mch_id' ? 'forged' : 'undecryptable';
        rejects(body, verdict);
      }
    });
  }

  for (const name of ['total_fee', 'cash_fee', 'coupon_fee', 'coupon_count', 'coupon_fee_0']) {
    it(`a signed payment whose ${name} is no whole number cannot be read`, () => {
      for (const value of ['25.90', '-1', '1e3', 'NaN', '０', ' 1', '99999999999999999', '9'.repeat(5000)])
        rejects(payment({ [name]: value }), 'undecryptable');
    });
  }

  for (const name of Object.keys(REFUND)) {
    it(`a refund without ${name}, or with a monstrous one, is accepted or refused by type`, () => {
      const optional = ['refund_request_source', 'success_time', 'settlement_total_fee', 'cash_refund_fee'];
      const body = xml({ ...OUTSIDE, req_info: encryptReqInfo(without(REFUND, name), API_V2_KEY) });
      if (optional.includes(name)) assert.equal(openV2Notification(body, KEY).kind, 'refund');
      else rejects(body, 'undecryptable');
      rejects(refund({ [name]: 'x'.repeat(70_000) }), 'undecryptable');
      if (/fee/.test(name))
        for (const value of ['1.5', '-1', 'x']) rejects(refund({ [name]: value }), 'undecryptable');
    });
  }

  it('a refund with an unknown state, without an appid, or of another merchant', () => {
    rejects(refund({ refund_status: 'PROCESSING' }), 'undecryptable');
    rejects(refund({ refund_status: 'constructor' }), 'undecryptable');
    rejects(
      xml({ ...without(OUTSIDE, 'appid'), req_info: encryptReqInfo(REFUND, API_V2_KEY) }),
      'undecryptable',
    );
    rejects(refund({}, { mch_id: '1999999999' }), 'forged');
    rejects(refund({}, { return_code: 'FAIL' }), 'forged');
    rejects(xml(without(OUTSIDE, 'return_code')), 'forged');
  });

  it('a refund under another key, truncated, wrongly padded or not encrypted cannot be read', () => {
    const reqInfo = encryptReqInfo(REFUND, API_V2_KEY);
    const bytes = Buffer.from(reqInfo, 'base64');
    const swapped = Buffer.concat([bytes.subarray(16, 32), bytes.subarray(0, 16), bytes.subarray(32)]);
    for (const req_info of [
      encryptReqInfo(REFUND, API_V2_KEY.replace('1', '2')),
      bytes.subarray(0, -5).toString('base64'),
      bytes.subarray(0, -16).toString('base64'),
      swapped.toString('base64'),
      Buffer.alloc(64).toString('base64'),
      peer.Transformer.toXml(REFUND),
      'AAAA',
      '!',
    ]) {
      rejects(xml({ ...OUTSIDE, req_info }), 'undecryptable');
    }
    rejects(xml({ ...OUTSIDE, req_info: '' }), 'forged');
  });

  it('one kind is not taken for the other', () => {
    rejects(refund(), 'forged', openV2Payment as typeof openV2Notification);
    rejects(payment(), 'forged', openV2Refund as typeof openV2Notification);
  });

  it('a signature in lower case, of another key, missing or doubled is forged', () => {
    const genuine = signedElements(PAYMENT, 'MD5');
    rejects(xml({ ...genuine, sign: genuine.sign?.toLowerCase() ?? '' }), 'forged');
    rejects(xml(signedElements(PAYMENT, 'MD5', 'another key of 32 ASCII bytes...')), 'forged');
    rejects(xml(PAYMENT), 'forged');
    rejects(
      Buffer.from(payment().toString().replace('</xml>', `<sign>${genuine.sign}</sign></xml>`)),
      'forged',
    );
  });

  it('what is no small flat UTF-8 document is forged', () => {
    const genuine = payment().toString();
    for (const body of [
      '',
      'x',
      '{"id":"1"}',
      '<html><body>404</body></html>',
      genuine.slice(0, -10),
      `<!DOCTYPE xml [<!ENTITY a SYSTEM "file:///etc/passwd">]>${genuine}`,
      `<!-- -->\n<!doctype xml>${genuine}`,
      genuine.replace('<appid>', '<appid><a/>'),
      genuine.replace('a=1', 'a\0'),
      `<xml>${'<a/>'.repeat(50_000)}</xml>`,
      payment({ attach: 'x'.repeat(256 * 1024) }).toString(),
      genuine.replace('<xml>', '<xml><__proto__>1</__proto__>'),
    ]) {
      rejects(Buffer.from(body), 'forged');
    }
    rejects(Buffer.from(genuine, 'utf16le'), 'forged');
  });

  it('whatever the bytes, it fails by type', () => {
    const genuine = payment();
    fc.assert(
      fc.property(fc.nat({ max: genuine.length - 1 }), fc.nat({ max: 255 }), (at, byte) => {
        const changed = Buffer.from(genuine);
        fc.pre(changed[at] !== byte);
        changed[at] = byte;
        try {
          const opened = openV2Notification(changed, KEY);
          // Some bytes do not change what is said: blanks, or the case of nothing at all.
          assert.equal(opened.kind === 'payment' && opened.total_fee, 2590);
        } catch (error) {
          assert.ok(error instanceof NotificationError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });

  it('a parsed body is a mistake of the caller', () => {
    assert.throws(() => openV2Notification(payment().toString() as unknown as Buffer, KEY), TypeError);
    assert.throws(() => openV2Refund(PAYMENT as unknown as Buffer, KEY), TypeError);
  });

  it('XML is told from the JSON of v3', () => {
    assert.ok(looksLikeXml(payment()));
    assert.ok(looksLikeXml(Buffer.from('\u{feff}\r\n <xml/>')));
    for (const body of ['', '{"id":"<xml>"}', ' {}', 'x<xml/>', `${'\u{feff}'.repeat(20)}x`])
      assert.ok(!looksLikeXml(Buffer.from(body)));
  });

  it('is answered in XML, whatever the reason for a refusal', () => {
    assert.deepEqual(peer.Transformer.toObject(V2_ACCEPTED), { return_code: 'SUCCESS', return_msg: 'OK' });
    assert.deepEqual(peer.Transformer.toObject(v2Refusal('not stored')), {
      return_code: 'FAIL',
      return_msg: 'not stored',
    });
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 300 }), (reason) => {
        const answer = peer.Transformer.toObject(v2Refusal(`x${reason}`));
        assert.equal(answer.return_code, 'FAIL');
      }),
    );
  });
});
