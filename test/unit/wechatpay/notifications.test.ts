import assert from 'node:assert/strict';
import {
  type CombinedOrder,
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
    assert.rejects(pay.notifications.open(raw), (error) => {
      assert.ok(error instanceof NotificationError);
      assert.equal(error.verdict, verdict, error.message);
      assert.equal(error.code, `NOTIFICATION_${verdict.toUpperCase()}`);
      return true;
    });
  const genuine = () => notification('TRANSACTION.SUCCESS', ORDER, { at: NOW });
  /** Signed by WeChat Pay, whatever it says. */
  const signedBody = (value: unknown) => {
    const body = Buffer.from(typeof value === 'string' ? value : JSON.stringify(value));
    return { headers: signatureHeaders(body, { at: NOW }), body };
  };

  it('a payment opens to its order, unknown fields kept', async () => {
    const opened = await pay.notifications.open(genuine());
    assert.ok(opened.kind === 'transaction');
    assert.equal(opened.id, '3b9e61c2-7a40-5d18-9c2f-60d1e4a7b853');
    assert.equal(opened.create_time, '2026-03-01T12:03:12+08:00');
    assert.equal(opened.event_type, 'TRANSACTION.SUCCESS');
    assert.equal(opened.summary, '支付成功');
    assert.equal(opened.resource_type, 'encrypt-resource');
    assert.equal(opened.original_type, 'transaction');
    assert.deepEqual(opened.resource, ORDER);
  });

  it('the kind narrows the resource', async () => {
    // The type checker proves it: this compiles only while each branch has the right resource.
    const about = (opened: Notification): string => {
      switch (opened.kind) {
        case 'transaction': {
          const order: Order = opened.resource;
          return order.out_trade_no;
        }
        case 'combined': {
          const combined: CombinedOrder = opened.resource;
          return combined.combine_out_trade_no;
        }
        case 'refund': {
          const refund: RefundNotification = opened.resource;
          return refund.out_refund_no;
        }
        case 'complaint':
          return opened.resource.complaint_id;
        default: {
          const type: string = opened.event_type;
          return type;
        }
      }
    };
    const refunds = ['SUCCESS', 'ABNORMAL', 'CLOSED'].map((end) =>
      notification(`REFUND.${end}`, REFUND, { at: NOW, originalType: 'refund' }),
    );
    const others = [
      notification('TRANSACTION.SUCCESS', { combine_out_trade_no: 'K1', sub_orders: [ORDER] }, { at: NOW }),
      notification('COMPLAINT.CREATE', { complaint_id: 'C1', action_type: 'CREATE_COMPLAINT' }, { at: NOW }),
      notification('SOMETHING.NEW', { a: 1 }, { at: NOW }),
    ];
    const opened = await Promise.all(
      [genuine(), ...refunds, ...others].map(async (raw) => about(await pay.notifications.open(raw))),
    );
    assert.deepEqual(opened, ['T1', 'R1', 'R1', 'R1', 'K1', 'C1', 'SOMETHING.NEW']);
  });

  it('headers may be in any case, as lists, and signed with an older key', async () => {
    const { headers, body } = genuine();
    const lower = Object.fromEntries(
      Object.entries(headers).map(([name, value]) => [name.toLowerCase(), [String(value)]]),
    );
    assert.equal((await pay.notifications.open({ headers: lower, body })).event_type, 'TRANSACTION.SUCCESS');

    const publicKeys = { PUB_KEY_ID_NEW: keys.publicPem(keys.merchant), [PUBLIC_KEY_ID]: keys.wechatPublic };
    const both = new WechatPay({ ...options(), publicKeys, clock: () => NOW });
    assert.equal((await both.notifications.open({ headers, body })).event_type, 'TRANSACTION.SUCCESS');
    const newer = signatureHeaders(body, { at: NOW, key: keys.merchant, serial: 'PUB_KEY_ID_NEW' });
    assert.equal((await both.notifications.open({ headers: newer, body })).event_type, 'TRANSACTION.SUCCESS');
  });

  it('a probe is forged', async () => {
    const { headers, body } = genuine();
    await rejects({ headers: { ...headers, 'Wechatpay-Signature': PROBE }, body }, 'forged');
  });

  it('one changed byte, one stripped or doubled header, or the key of somebody else is forged', async () => {
    const { headers, body } = genuine();
    for (let i = 0; i < body.length; i += 37) {
      const changed = Buffer.from(body);
      changed[i] = (changed[i] ?? 0) ^ 1;
      await rejects({ headers, body: changed }, 'forged');
    }
    for (const name of [
      'Wechatpay-Timestamp',
      'Wechatpay-Nonce',
      'Wechatpay-Serial',
      'Wechatpay-Signature',
    ]) {
      await rejects({ headers: { ...headers, [name]: undefined }, body }, 'forged');
      await rejects({ headers: { ...headers, [name]: '' }, body }, 'forged');
      await rejects(
        { headers: { ...headers, [name]: [String(headers[name]), String(headers[name])] }, body },
        'forged',
      );
      await rejects({ headers: { ...headers, [name.toLowerCase()]: 'another' }, body }, 'forged');
    }
    await rejects(
      { headers: { ...headers, 'Wechatpay-Signature-Type': 'WECHATPAY2-SM2-WITH-SM3' }, body },
      'forged',
    );
    await rejects({ headers: signatureHeaders(body, { at: NOW, key: keys.merchant }), body }, 'forged');
    await rejects({ headers: signatureHeaders(body, { at: NOW, serial: 'PUB_KEY_ID_9' }), body }, 'forged');
    await rejects({ headers: {}, body: Buffer.alloc(0) }, 'forged');
  });

  it('printing a parsed body again breaks the signature, and the error says to keep the raw bytes', async () => {
    const { headers, body } = genuine();
    const printed = Buffer.from(JSON.stringify(JSON.parse(body.toString()), null, 1));
    await assert.rejects(pay.notifications.open({ headers, body: printed }), /raw bytes/);
    const parsed = JSON.parse(body.toString());
    await assert.rejects(pay.notifications.open({ headers, body: parsed }), TypeError);
    for (const answer of [
      () => pay.notifications.accepted({ body: parsed }),
      () => pay.notifications.refused({ body: parsed }, 'x'),
    ])
      assert.throws(answer, { name: 'TypeError', message: /raw bytes/ });
  });

  it('five minutes of difference are stale, on both sides; a second less is not', async () => {
    const at = (seconds: number) => notification('TRANSACTION.SUCCESS', ORDER, { at: NOW + seconds * 1000 });
    for (const seconds of [-300, 300, -86_400, 86_400]) await rejects(at(seconds), 'stale');
    for (const seconds of [-299, 299])
      assert.equal((await pay.notifications.open(at(seconds))).event_type, 'TRANSACTION.SUCCESS');
  });

  it('an old forgery is forged, not stale', async () => {
    const { body } = genuine();
    await rejects(
      { headers: signatureHeaders(body, { at: NOW - 86_400_000, key: keys.merchant }), body },
      'forged',
    );
  });

  it('another APIv3 key makes it undecryptable', async () => {
    await rejects(
      notification('TRANSACTION.SUCCESS', ORDER, { at: NOW, apiV3Key: 'x'.repeat(32) }),
      'undecryptable',
    );
  });

  it('a genuine body that is no notification is undecryptable, never a crash', async () => {
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
    for (const value of wrong) await rejects(signedBody(value), 'undecryptable');
  });

  it('a resource without the fields that decide is undecryptable', async () => {
    for (const resource of [
      {},
      [],
      null,
      'text',
      { ...ORDER, trade_state: 1 },
      { ...ORDER, out_trade_no: undefined },
    ]) {
      await rejects(notification('TRANSACTION.SUCCESS', resource, { at: NOW }), 'undecryptable');
    }
    await rejects(
      notification('REFUND.SUCCESS', { ...REFUND, refund_status: undefined }, { at: NOW }),
      'undecryptable',
    );
    await rejects(notification('SOMETHING.NEW', 'text', { at: NOW }), 'undecryptable');
    await rejects(notification('SOMETHING.NEW', [], { at: NOW }), 'undecryptable');
    await rejects(notification('COMPLAINT.CREATE', { complaint_id: 'C1' }, { at: NOW }), 'undecryptable');
    for (const combined of [{ combine_out_trade_no: 'K1' }, { combine_out_trade_no: 7, sub_orders: [] }]) {
      await rejects(notification('TRANSACTION.SUCCESS', combined, { at: NOW }), 'undecryptable');
    }
  });

  it('a huge body is refused before anything is computed over it', async () => {
    const { headers } = genuine();
    await rejects({ headers, body: Buffer.alloc(1024 * 1024 + 1) }, 'forged');
    await rejects(signedBody({ pad: 'x'.repeat(1024 * 1024) }), 'forged');
  });

  it('missing associated data is empty associated data', async () => {
    const raw = notification('REFUND.SUCCESS', REFUND, { at: NOW, originalType: '' });
    const envelope = JSON.parse(raw.body.toString());
    delete envelope.resource.associated_data;
    assert.deepEqual((await pay.notifications.open(signedBody(envelope))).resource, REFUND);
  });
});
