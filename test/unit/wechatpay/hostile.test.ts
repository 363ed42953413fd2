import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  NotificationError,
  type NotificationVerdict,
  WechatPay,
  WechatPayPartner,
} from '../../../wechatpay/index.ts';
import { encryptResource } from '../../../wechatpay/v3/aead.ts';
import { PAID, REFUND_ANSWER } from './cases/fields.ts';
import { API_V3_KEY, APPID, keys, MCHID, options, signatureHeaders } from './signing-gateway.ts';

const NOW = Date.parse('2026-03-01T12:03:12+08:00');
const MEGABYTE = 1024 * 1024;

/** What each kind of notification carries, every documented field of it, and which of them decide. */
interface Kind {
  name: string;
  kind: string;
  eventType: string;
  originalType: string;
  partner?: true;
  resource: Record<string, unknown>;
  decides: string[];
}

const COMBINED = {
  combine_appid: APPID,
  combine_mchid: MCHID,
  combine_out_trade_no: 'K20260301000001',
  scene_info: { device_id: 'POS7' },
  sub_orders: [
    {
      mchid: MCHID,
      trade_type: 'JSAPI',
      trade_state: 'SUCCESS',
      bank_type: 'OTHERS',
      attach: 'a',
      amount: { total_amount: 1000, payer_amount: 1000, currency: 'CNY', payer_currency: 'CNY' },
      success_time: '2026-03-01T12:03:11.120+08:00',
      transaction_id: PAID.transaction_id,
      out_trade_no: 'K01-0001',
      promotion_detail: [],
    },
  ],
  combine_payer_info: { openid: 'oA1b' },
};

const REFUNDED = {
  out_trade_no: PAID.out_trade_no,
  transaction_id: PAID.transaction_id,
  out_refund_no: REFUND_ANSWER.out_refund_no,
  refund_id: REFUND_ANSWER.refund_id,
  refund_status: 'SUCCESS',
  success_time: '2026-03-02T09:02:40+08:00',
  user_received_account: '支付用户零钱',
  amount: { total: 2590, refund: 1000, payer_total: 2390, payer_refund: 923 },
};

const KINDS: Kind[] = [
  {
    name: 'a payment',
    kind: 'transaction',
    eventType: 'TRANSACTION.SUCCESS',
    originalType: 'transaction',
    resource: { appid: APPID, mchid: MCHID, ...PAID, payer: { openid: 'oA1b' } },
    decides: ['out_trade_no', 'trade_state'],
  },
  {
    name: 'a payment to a sub-merchant',
    kind: 'transaction',
    eventType: 'TRANSACTION.SUCCESS',
    originalType: 'transaction',
    partner: true,
    resource: {
      sp_appid: APPID,
      sp_mchid: MCHID,
      sub_appid: 'wxSUB',
      sub_mchid: '1900031111',
      ...PAID,
      payer: { sp_openid: 'oA1b', sub_openid: 'oB1b' },
    },
    decides: ['out_trade_no', 'trade_state'],
  },
  {
    name: 'a combined payment',
    kind: 'combined',
    eventType: 'TRANSACTION.SUCCESS',
    originalType: 'transaction',
    resource: COMBINED,
    decides: ['combine_out_trade_no', 'sub_orders'],
  },
  ...['SUCCESS', 'ABNORMAL', 'CLOSED'].map((end) => ({
    name: `a refund that is ${end}`,
    kind: 'refund',
    eventType: `REFUND.${end}`,
    originalType: 'refund',
    resource: { mchid: MCHID, ...REFUNDED, refund_status: end },
    decides: ['out_refund_no', 'refund_status'],
  })),
  {
    name: 'a refund of a sub-merchant',
    kind: 'refund',
    eventType: 'REFUND.SUCCESS',
    originalType: 'refund',
    partner: true,
    resource: { sp_mchid: MCHID, sub_mchid: '1900031111', ...REFUNDED },
    decides: ['out_refund_no', 'refund_status'],
  },
  ...['CREATE', 'STATE_CHANGE'].map((event) => ({
    name: `a complaint (${event})`,
    kind: 'complaint',
    eventType: `COMPLAINT.${event}`,
    originalType: 'complaint',
    resource: { complaint_id: '200201820260301080076610000', action_type: 'CREATE_COMPLAINT' },
    decides: ['complaint_id', 'action_type'],
  })),
];

/** Fields of the envelope without which nothing can be done, the resource's among them. */
const ENVELOPE_DECIDES = ['id', 'event_type', 'resource'];
const RESOURCE_DECIDES = ['algorithm', 'ciphertext', 'nonce', 'associated_data'];

/** What may stand where a text is expected. Large enough to matter, and small enough to be let in. */
const WRONG: [string, unknown][] = [
  ['missing', undefined],
  ['null', null],
  ['a number', 7],
  ['a list', ['x']],
  ['an object', { toString: 'x' }],
  ['a boolean', true],
  ['empty', ''],
];
const HUGE = 'x'.repeat(600_000);

describe('hostile notifications', () => {
  const merchant = new WechatPay({ ...options(), clock: () => NOW });
  const partner = new WechatPayPartner({ ...options(), clock: () => NOW });
  after(() => Promise.all([merchant.close(), partner.close()]));

  /** Signed by WeChat Pay, whatever it says. */
  function genuine(body: Buffer | string, at = NOW) {
    const bytes = Buffer.from(body as string);
    return { headers: signatureHeaders(bytes, { at }), body: bytes };
  }

  function envelope({ eventType, originalType, resource }: Kind, plaintext = JSON.stringify(resource)) {
    return {
      id: '3b9e61c2-7a40-5d18-9c2f-60d1e4a7b853',
      create_time: '2026-03-01T12:03:12+08:00',
      resource_type: 'encrypt-resource',
      event_type: eventType,
      summary: '支付成功',
      resource: {
        original_type: originalType,
        ...encryptResource(plaintext, {
          apiV3Key: API_V3_KEY,
          nonce: 'q7Zt0aVb9LkX',
          associatedData: originalType,
        }),
      } as Record<string, unknown>,
    } as Record<string, unknown> & { resource: Record<string, unknown> };
  }

  const clientOf = ({ partner: isPartner }: Pick<Kind, 'partner'>) => (isPartner ? partner : merchant);
  const open = (kind: Pick<Kind, 'partner'>, value: unknown) =>
    clientOf(kind).notifications.open(genuine(JSON.stringify(value)));

  async function refused(opening: Promise<unknown>, verdict: NotificationVerdict, about: string) {
    const error = await opening.then(
      () => undefined,
      (error: unknown) => error,
    );
    assert.ok(error instanceof NotificationError, `${about}: ${error}`);
    assert.equal(error.verdict, verdict, `${about}: ${error.message}`);
    assert.equal(error.outcome, 'rejected');
    // It may end up in a log.
    assert.ok(error.message.length < 2000, `${about}: ${error.message.length} characters`);
  }

  for (const kind of KINDS) {
    describe(kind.name, () => {
      it('opens as it was sent', async () => {
        const opened = await open(kind, envelope(kind));
        assert.equal(opened.kind, kind.kind);
        assert.equal(opened.event_type, kind.eventType);
        assert.deepEqual(opened.resource, kind.resource);
      });

      for (const [what, value] of WRONG) {
        it(`a field of the envelope that is ${what} is refused where it decides, and harmless elsewhere`, async () => {
          for (const field of Object.keys(envelope(kind))) {
            const about = `${field} is ${what}`;
            const opening = open(kind, { ...envelope(kind), [field]: value });
            if (ENVELOPE_DECIDES.includes(field)) {
              await refused(opening, 'undecryptable', about);
              continue;
            }
            const opened = await opening;
            assert.deepEqual(opened.resource, kind.resource, about);
            // Whoever reads it was promised a text.
            assert.equal((opened as unknown as Record<string, unknown>)[field], '', about);
          }
        });

        it(`a field of the encrypted resource that is ${what} is refused where it decides`, async () => {
          const whole = envelope(kind);
          for (const field of Object.keys(whole.resource)) {
            const about = `resource.${field} is ${what}`;
            const opening = open(kind, { ...whole, resource: { ...whole.resource, [field]: value } });
            if (RESOURCE_DECIDES.includes(field)) await refused(opening, 'undecryptable', about);
            else assert.deepEqual((await opening).resource, kind.resource, about);
          }
        });

        it(`a field of what was encrypted that is ${what} is refused where it decides, and kept elsewhere`, async () => {
          for (const field of Object.keys(kind.resource)) {
            const about = `${field} is ${what}`;
            const resource = { ...kind.resource, [field]: value };
            const opening = open(kind, envelope({ ...kind, resource }));
            // A list of orders is a list, whatever is in it.
            const isList = field === 'sub_orders' && Array.isArray(value);
            if (kind.decides.includes(field) && !isList) {
              await refused(opening, 'undecryptable', about);
              continue;
            }
            const opened = await opening;
            assert.equal(opened.kind, kind.kind, about);
            assert.deepEqual(opened.resource, JSON.parse(JSON.stringify(resource)), about);
          }
        });
      }

      it('a huge text in any field is opened or refused, and never an exception of another kind', async () => {
        const whole = envelope(kind);
        for (const field of Object.keys(whole)) {
          const opening = open(kind, { ...whole, [field]: HUGE });
          if (field === 'resource') await refused(opening, 'undecryptable', field);
          else assert.equal((await opening).kind, field === 'event_type' ? 'other' : kind.kind);
        }
        for (const field of Object.keys(whole.resource)) {
          const opening = open(kind, { ...whole, resource: { ...whole.resource, [field]: HUGE } });
          if (RESOURCE_DECIDES.includes(field)) await refused(opening, 'undecryptable', field);
          else assert.equal((await opening).kind, kind.kind);
        }
        for (const field of Object.keys(kind.resource)) {
          const opening = open(kind, envelope({ ...kind, resource: { ...kind.resource, [field]: HUGE } }));
          if (field === 'sub_orders') await refused(opening, 'undecryptable', field);
          else assert.equal(((await opening).resource as Record<string, unknown>)[field], HUGE);
        }
      });

      it('a body of more than a megabyte is refused before its signature is looked at', async () => {
        const whole = envelope(kind);
        const huge = 'x'.repeat(MEGABYTE);
        for (const field of Object.keys(whole))
          await refused(open(kind, { ...whole, [field]: huge }), 'forged', field);
        await refused(
          open(kind, envelope({ ...kind, resource: { ...kind.resource, huge } })),
          'forged',
          'huge',
        );
      });

      it('every truncation of its cipher text is refused', async () => {
        const small = Object.fromEntries(kind.decides.map((field) => [field, kind.resource[field]]));
        const whole = envelope({ ...kind, resource: small });
        assert.equal((await open(kind, whole)).kind, kind.kind);
        const bytes = Buffer.from(String(whole.resource.ciphertext), 'base64');
        for (let length = 0; length < bytes.length; length++) {
          for (const cut of [bytes.subarray(0, length), bytes.subarray(bytes.length - length)]) {
            const ciphertext = cut.toString('base64');
            const opening = open(kind, { ...whole, resource: { ...whole.resource, ciphertext } });
            await refused(opening, 'undecryptable', `${length} of ${bytes.length} bytes`);
          }
        }
      });

      it('one changed bit of cipher text or tag, another nonce, and other associated data are refused', async () => {
        const whole = envelope(kind);
        const bytes = Buffer.from(String(whole.resource.ciphertext), 'base64');
        const changed = [0, 1, bytes.length - 17, bytes.length - 16, bytes.length - 1].map((at) => {
          const copy = Buffer.from(bytes);
          copy[at] = (copy[at] ?? 0) ^ 0x80;
          return { ciphertext: copy.toString('base64') };
        });
        for (const change of [
          ...changed,
          { nonce: 'q7Zt0aVb9LkY' },
          { nonce: 'q7Zt0aVb9Lk' },
          { associated_data: '' },
          { associated_data: `${kind.originalType} ` },
          { associated_data: 'certificate' },
          { algorithm: 'AEAD_SM4_GCM' },
          { algorithm: 'aead_aes_256_gcm' },
        ]) {
          const opening = open(kind, { ...whole, resource: { ...whole.resource, ...change } });
          await refused(opening, 'undecryptable', JSON.stringify(change));
        }
      });

      it('five minutes from our clock it is stale, before and after; one second less it is not', async () => {
        const body = JSON.stringify(envelope(kind));
        for (const seconds of [-301, -300, 300, 301])
          await refused(
            clientOf(kind).notifications.open(genuine(body, NOW + seconds * 1000)),
            'stale',
            `${seconds} s`,
          );
        for (const seconds of [-299, 299])
          assert.equal(
            (await clientOf(kind).notifications.open(genuine(body, NOW + seconds * 1000))).kind,
            kind.kind,
          );
      });

      it('text that decrypts to no object is refused', async () => {
        for (const plaintext of ['', 'null', '7', '"text"', '[]', '[{}]', '{', '{}', '\u0000', '{"a":1}x']) {
          await refused(open(kind, envelope(kind, plaintext)), 'undecryptable', plaintext);
        }
      });

      it('names that every object has are fields like others', async () => {
        const whole = JSON.stringify(envelope(kind));
        const polluted = whole.replace(
          '{',
          '{"__proto__":{"id":"x","kind":"other"},"constructor":1,"toString":2,',
        );
        const opened = await clientOf(kind).notifications.open(genuine(polluted));
        assert.equal(opened.kind, kind.kind);
        assert.equal(({} as Record<string, unknown>).kind, undefined);
        assert.equal(Object.getPrototypeOf(opened), Object.prototype);
        for (const event_type of ['constructor', '__proto__', 'toString', 'hasOwnProperty'])
          assert.equal((await open(kind, { ...envelope(kind), event_type })).kind, 'other');
      });
    });
  }

  it('random bytes that nobody signed are forged', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        const body = Buffer.from(bytes);
        fc.pre(body[0] !== 0x3c && !/^\s*</.test(body.toString().replace('\ufeff', '')));
        const headers = signatureHeaders(body, { at: NOW, key: keys.merchant });
        await refused(merchant.notifications.open({ headers, body }), 'forged', 'random');
        await refused(merchant.notifications.open({ headers: {}, body }), 'forged', 'random');
      }),
      { numRuns: 100 },
    );
  });

  it('random bytes under a genuine signature are refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ maxLength: 2000 }), async (bytes) => {
        const body = Buffer.from(bytes);
        fc.pre(!/^\s*</.test(body.toString().replace('\ufeff', '')));
        await refused(merchant.notifications.open(genuine(body)), 'undecryptable', body.toString('hex'));
      }),
      { numRuns: 200 },
    );
  });

  it('random JSON under a genuine signature is refused', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        await refused(merchant.notifications.open(genuine(text)), 'undecryptable', text);
      }),
      { numRuns: 200 },
    );
  });

  it('random headers are forged, and never an exception of another kind', async () => {
    const body = Buffer.from(JSON.stringify(envelope(KINDS[0] as Kind)));
    const name = fc.constantFrom(...Object.keys(signatureHeaders(body)));
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(fc.string()),
      fc.constant(undefined),
      fc.base64String(),
    );
    await fc.assert(
      fc.asyncProperty(name, value, async (header, wrong) => {
        const headers = signatureHeaders(body, { at: NOW });
        fc.pre(wrong !== headers[header]);
        // A type that is missing is the usual one.
        fc.pre(header !== 'Wechatpay-Signature-Type' || (typeof wrong === 'string' && wrong !== ''));
        const opening = merchant.notifications.open({ headers: { ...headers, [header]: wrong }, body });
        await refused(opening, 'forged', `${header}: ${wrong}`);
      }),
      { numRuns: 300 },
    );
  });

  it('whatever is encrypted under a genuine signature opens as what it says or is refused', async () => {
    const eventType = fc.oneof(fc.constantFrom(...KINDS.map((kind) => kind.eventType)), fc.string());
    const fields = [...new Set(KINDS.flatMap(({ resource }) => Object.keys(resource)))];
    const resource = fc.oneof(
      fc.jsonValue(),
      fc.dictionary(fc.constantFrom(...fields), fc.oneof(fc.jsonValue(), fc.string({ minLength: 1 }))),
    );
    await fc.assert(
      fc.asyncProperty(eventType, resource, async (event_type, value) => {
        const sent = envelope({ ...(KINDS[0] as Kind), eventType: event_type }, JSON.stringify(value));
        const opening = open({}, sent);
        const opened = await opening.catch((error: unknown) => {
          assert.ok(error instanceof NotificationError, String(error));
          assert.equal(error.verdict, 'undecryptable');
          return undefined;
        });
        if (!opened) return;
        assert.deepEqual(opened.resource, JSON.parse(JSON.stringify(value)));
        const decides = KINDS.find(({ kind }) => kind === opened.kind)?.decides ?? [];
        for (const field of decides) assert.ok((opened.resource as Record<string, unknown>)[field], field);
      }),
      { numRuns: 400 },
    );
  });

  it('nesting deeper than any stack is refused', async () => {
    for (const text of [
      '['.repeat(500_000),
      '{"a":'.repeat(150_000),
      `${'['.repeat(200_000)}${']'.repeat(200_000)}`,
    ]) {
      await refused(merchant.notifications.open(genuine(text)), 'undecryptable', 'nested');
      const inside = envelope(KINDS[0] as Kind, text.slice(0, 400_000));
      await refused(open({}, inside), 'undecryptable', 'nested inside');
    }
  });
});
