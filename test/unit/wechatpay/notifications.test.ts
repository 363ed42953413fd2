import assert from 'node:assert/strict';
import {
  type Notification,
  NotificationError,
  type NotificationVerdict,
  type Order,
  type RefundNotification,
  WechatPay,
} from '../../../wechatpay/index.ts';
import { keys, notification, options, PROBE, PUBLIC_KEY_ID, signatureHeaders } from './signing-gateway.ts';

const ORDER = {
  appid: 'wx',
  mchid: '1900012345',
  out_trade_no: 'T1',
  trade_state: 'SUCCESS',
  amount: { total: 2590 },
  future: [1],
};
const REFUND = {
  mchid: '1900012345',
  out_refund_no: 'R1',
  refund_status: 'SUCCESS',
  amount: { refund: 1000 },
};
const NOW = Date.parse('2026-03-01T12:03:12+08:00');

describe('wechatpay notifications', () => {
  const pay = new WechatPay({ ...options(), clock: () => NOW });
  after(() => pay.close());

  const rejects = (raw: Parameters<typeof pay.notifications.open>[0], verdict: NotificationVerdict) =>
    assert.throws(
      () => pay.notifications.open(raw),
      (error) => {
        assert.ok(error instanceof NotificationError);
        assert.equal(error.verdict, verdict, error.message);
        assert.equal(error.code, `NOTIFICATION_${verdict.toUpperCase()}`);
        return true;
      },
    );
  const genuine = () => notification('TRANSACTION.SUCCESS', ORDER, { at: NOW });
  /** Signed by WeChat Pay, whatever it says. */
  const signedBody = (value: unknown) => {
    const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    return { headers: signatureHeaders(body, { at: NOW }), body };
  };

  it('a payment opens to its order, unknown fields kept', () => {
    const opened = pay.notifications.open(genuine());
    assert.equal(opened.id, '3b9e61c2-7a40-5d18-9c2f-60d1e4a7b853');
    assert.equal(opened.create_time, '2026-03-01T12:03:12+08:00');
    assert.equal(opened.event_type, 'TRANSACTION.SUCCESS');
    assert.equal(opened.summary, '支付成功');
    assert.equal(opened.resource_type, 'encrypt-resource');
    assert.equal(opened.original_type, 'transaction');
    assert.deepEqual(opened.resource, ORDER);
  });

  it('the event type narrows the resource', () => {
    // The type checker proves it: this compiles only while each branch has the right resource.
    const about = (opened: Notification): string => {
      switch (opened.event_type) {
        case 'TRANSACTION.SUCCESS': {
          const order: Order = opened.resource;
          return order.out_trade_no;
        }
        case 'REFUND.SUCCESS':
        case 'REFUND.ABNORMAL':
        case 'REFUND.CLOSED': {
          const refund: RefundNotification = opened.resource;
          return refund.out_refund_no;
        }
        default: {
          const type: string = opened.event_type;
          return type;
        }
      }
    };
    const refunds = ['SUCCESS', 'ABNORMAL', 'CLOSED'].map((end) =>
      notification(`REFUND.${end}`, REFUND, { at: NOW, originalType: 'refund' }),
    );
    const others = ['COMPLAINT.CREATE', 'SOMETHING.NEW'].map((type) =>
      notification(type, { a: 1 }, { at: NOW }),
    );
    assert.deepEqual(
      [genuine(), ...refunds, ...others].map((raw) => about(pay.notifications.open(raw))),
      ['T1', 'R1', 'R1', 'R1', 'COMPLAINT.CREATE', 'SOMETHING.NEW'],
    );
  });

  it('headers may be in any case, as lists, and signed with an older key', () => {
    const { headers, body } = genuine();
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [String(value)]]),
    );
    assert.equal(pay.notifications.open({ headers: lower, body }).event_type, 'TRANSACTION.SUCCESS');

    const publicKeys = { PUB_KEY_ID_NEW: keys.publicPem(keys.merchant), [PUBLIC_KEY_ID]: keys.wechatPublic };
    const both = new WechatPay({ ...options(), publicKeys, clock: () => NOW });
    assert.equal(both.notifications.open({ headers, body }).event_type, 'TRANSACTION.SUCCESS');
    const newer = signatureHeaders(body, { at: NOW, key: keys.merchant, serial: 'PUB_KEY_ID_NEW' });
    assert.equal(both.notifications.open({ headers: newer, body }).event_type, 'TRANSACTION.SUCCESS');
  });

  it('a probe is forged', () => {
    const { headers, body } = genuine();
    rejects({ headers: { ...headers, 'Wechatpay-Signature': PROBE }, body }, 'forged');
  });

  it('one changed byte, one stripped or doubled header, or the key of somebody else is forged', () => {
    const { headers, body } = genuine();
    for (let i = 0; i < body.length; i += 37) {
      const changed = Buffer.from(body);
      changed[i] = (changed[i] ?? 0) ^ 1;
      rejects({ headers, body: changed }, 'forged');
    }
    for (const name of [
      'Wechatpay-Timestamp',
      'Wechatpay-Nonce',
      'Wechatpay-Serial',
      'Wechatpay-Signature',
    ]) {
      rejects({ headers: { ...headers, [name]: undefined }, body }, 'forged');
      rejects({ headers: { ...headers, [name]: '' }, body }, 'forged');
      rejects(
        { headers: { ...headers, [name]: [String(headers[name]), String(headers[name])] }, body },
        'forged',
      );
      rejects({ headers: { ...headers, [name.toLowerCase()]: 'another' }, body }, 'forged');
    }
    rejects(
      { headers: { ...headers, 'Wechatpay-Signature-Type': 'WECHATPAY2-SM2-WITH-SM3' }, body },
      'forged',
    );
    rejects({ headers: signatureHeaders(body, { at: NOW, key: keys.merchant }), body }, 'forged');
    rejects({ headers: signatureHeaders(body, { at: NOW, serial: 'PUB_KEY_ID_9' }), body }, 'forged');
    rejects({ headers: {}, body: Buffer.alloc(0) }, 'forged');
  });

  it('printing a parsed body again breaks the signature, and the error says to keep the raw bytes', () => {
    const { headers, body } = genuine();
    const printed = Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1));
    assert.throws(() => pay.notifications.open({ headers, body: printed }), /raw bytes/);
    const parsed = JSON.parse(body.toString());
    assert.throws(() => pay.notifications.open({ headers, body: parsed }), TypeError);
  });

  it('five minutes of difference are stale, on both sides; a second less is not', () => {
    const at = (seconds: number) => notification('TRANSACTION.SUCCESS', ORDER, { at: NOW + seconds * 1000 });
    for (const seconds of [-300, 300, -86_400, 86_400]) rejects(at(seconds), 'stale');
    for (const seconds of [-299, 299])
      assert.equal(pay.notifications.open(at(seconds)).event_type, 'TRANSACTION.SUCCESS');
  });

  it('an old forgery is forged, not stale', () => {
    const { body } = genuine();
    rejects(
      { headers: signatureHeaders(body, { at: NOW - 86_400_000, key: keys.merchant }), body },
      'forged',
    );
  });

  it('another APIv3 key makes it undecryptable', () => {
    rejects(
      notification('TRANSACTION.SUCCESS', ORDER, { at: NOW, apiV3Key: 'x'.repeat(32) }),
      'undecryptable',
    );
  });

  it('a genuine body that is no notification is undecryptable, never a crash', () => {
    const envelope = JSON.parse(genuine().body.toString());
    const wrong: unknown[] = ['', '<xml/>', '[', null, [], 7, {}, '['.repeat(100_000)];
    for (const field of ['id', 'event_type', 'resource']) {
      for (const value of [undefined, null, 7, [], {}, '']) wrong.push({ ...envelope, [field]: value });
    }
    for (const field of ['algorithm', 'ciphertext', 'nonce']) {
      for (const value of [undefined, null, 7, [], '', 'AA==', 'x'.repeat(100)]) {
        wrong.push({ ...envelope, resource: { ...envelope.resource, [field]: value } });
      }
    }
    wrong.push({ ...envelope, resource: { ...envelope.resource, associated_data: 'another' } });
    for (const value of wrong) rejects(signedBody(value), 'undecryptable');
  });

  it('a resource without the fields that decide is undecryptable', () => {
    for (const resource of [
      {},
      [],
      null,
      'text',
      { ...ORDER, trade_state: 1 },
      { ...ORDER, out_trade_no: undefined },
    ]) {
      rejects(notification('TRANSACTION.SUCCESS', resource, { at: NOW }), 'undecryptable');
    }
    rejects(
      notification('REFUND.SUCCESS', { ...REFUND, refund_status: undefined }, { at: NOW }),
      'undecryptable',
    );
    rejects(notification('SOMETHING.NEW', 'text', { at: NOW }), 'undecryptable');
    rejects(notification('SOMETHING.NEW', [], { at: NOW }), 'undecryptable');
  });

  it('a huge body is refused before anything is computed over it', () => {
    const { headers } = genuine();
    rejects({ headers, body: Buffer.alloc(1024 * 1024 + 1) }, 'forged');
    rejects(signedBody({ pad: 'x'.repeat(1024 * 1024) }), 'forged');
  });

  it('missing associated data is empty associated data', () => {
    const raw = notification('REFUND.SUCCESS', REFUND, { at: NOW, originalType: '' });
    const envelope = JSON.parse(raw.body.toString());
    delete envelope.resource.associated_data;
    assert.deepEqual(pay.notifications.open(signedBody(envelope)).resource, REFUND);
  });
});
