import assert from 'node:assert/strict';
import { constants, privateDecrypt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import {
  ConfigurationError,
  NotificationError,
  OutcomeUnknownError,
  RequestRejectedError,
  WechatPay,
  WechatPayError,
} from '../../../wechatpay/index.ts';
import { certificateList, type PlatformCertificate, platformCertificate } from './platform-certificate.ts';
import {
  keys,
  notification,
  options,
  PUBLIC_KEY_ID,
  type Received,
  SigningGateway,
  signatureHeaders,
} from './signing-gateway.ts';

const CERTIFICATES = '/v3/certificates';
const PAID = { out_trade_no: 'T1', trade_state: 'SUCCESS' };
const START = Date.parse('2026-03-01T12:00:00+08:00');
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

const serial = (n: number) => `5A1BC0D9E1F2A4C6E8D0B1A3C5E7F9${String(n).padStart(10, '0')}`;

describe('the keys that verify WeChat Pay', () => {
  const gateway = new SigningGateway();
  let baseUrl: string;
  let pay: WechatPay;
  const opened: WechatPay[] = [];
  let now: number;
  /** What WeChat Pay signs with, and what it says its certificates are. */
  let signing: Signer;
  let list: (response: ServerResponse) => void;
  let first: PlatformCertificate;
  let second: PlatformCertificate;
  let old: PlatformCertificate;

  type Signer = Pick<PlatformCertificate, 'serial' | 'privateKey'>;
  const publicKey: Signer = { serial: PUBLIC_KEY_ID, privateKey: keys.wechat };

  before(async () => {
    baseUrl = await gateway.listen();
    old = await platformCertificate(serial(0), new Date(START - 5 * YEAR), new Date(START - HOUR));
    first = await platformCertificate(serial(1), new Date(START - YEAR));
    second = await platformCertificate(serial(2), new Date(START - HOUR));
  });
  after(() => gateway.close());

  beforeEach(() => {
    now = START;
    signing = first;
    list = answers(certificateList([first]));
    gateway.received.length = 0;
    gateway.answer = (response, { target }) =>
      target === CERTIFICATES ? list(response) : reply(response, PAID, signing);
    pay = client({ publicKeys: {}, downloadCertificates: true });
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((client) => client.close()));
  });

  function client(overrides: Partial<ConstructorParameters<typeof WechatPay>[0]>): WechatPay {
    const made = new WechatPay({ ...options(baseUrl), clock: () => now, ...overrides });
    opened.push(made);
    return made;
  }

  function reply(response: ServerResponse, body: unknown, by: Signer = signing): void {
    const text = JSON.stringify(body);
    response.writeHead(200, signatureHeaders(text, { at: now, key: by.privateKey, serial: by.serial }));
    response.end(text);
  }

  /** The certificate endpoint says this, signed with the current key. */
  function answers(body: unknown, by?: Signer): (response: ServerResponse) => void {
    return (response) => reply(response, body, by ?? signing);
  }

  function refuses(status: number, body: string): (response: ServerResponse) => void {
    return (response) => {
      response.writeHead(status);
      response.end(body);
    };
  }

  const downloads = () => gateway.received.filter(({ target }) => target === CERTIFICATES);
  const query = () => pay.orders.queryByOutTradeNo('T1');
  /** A notification that these keys signed. */
  const notified = ({ privateKey: key, serial }: Signer) => {
    const { body } = notification('TRANSACTION.SUCCESS', PAID);
    return { headers: signatureHeaders(body, { at: now, key, serial }), body };
  };
  const unbelievable = (call: Promise<unknown>) =>
    assert.rejects(call, { outcome: 'unknown', code: 'BAD_SIGNATURE' });

  async function failure(call: Promise<unknown>): Promise<WechatPayError> {
    try {
      await call;
    } catch (error) {
      assert.ok(error instanceof WechatPayError, String(error));
      return error;
    }
    throw new Error('the call succeeded');
  }

  describe('with a public key', () => {
    beforeEach(() => {
      pay = client({});
      signing = publicKey;
    });

    it('certificates are never asked for, whatever serial numbers arrive', async () => {
      await query();
      await pay.notifications.open(notified(publicKey));
      await pay.sensitive.encrypt('secret');
      await pay.security.echo('x').catch(() => {});
      for (const unknown of [first, second, { ...first, serial: 'PUB_KEY_ID_9' }, { ...first, serial: '' }]) {
        signing = unknown;
        await unbelievable(query());
        await assert.rejects(pay.notifications.open(notified(unknown)), { verdict: 'forged' });
      }
      now += 12 * HOUR;
      signing = publicKey;
      await query();
      assert.equal(downloads().length, 0);
    });

    it('every request names it, the first one too', async () => {
      await query();
      await pay.orders.close('T1').catch(() => {});
      await pay.refunds.query('R1').catch(() => {});
      assert.deepEqual(serials(gateway.received), [PUBLIC_KEY_ID, PUBLIC_KEY_ID, PUBLIC_KEY_ID]);
    });

    it('a merchant without certificates who asks for them all the same is told that there are none', async () => {
      list = refuses(404, JSON.stringify({ code: 'RESOURCE_NOT_EXISTS', message: '无可用的平台证书' }));
      const error = await failure(pay.certificates.list());
      assert.ok(error instanceof RequestRejectedError);
      assert.equal(error.code, 'RESOURCE_NOT_EXISTS');
    });
  });

  describe('with platform certificates', () => {
    it('the first call downloads them, though nothing is known yet that could verify the download', async () => {
      assert.deepEqual(await query(), PAID);
      assert.deepEqual(
        gateway.received.map(({ target }) => target.split('?')[0]),
        ['/v3/pay/transactions/out-trade-no/T1', CERTIFICATES],
      );
      assert.ok(gateway.received.every(({ signed }) => signed));
    });

    it('as long as none is known, requests name none; then they name it', async () => {
      await query();
      await query();
      assert.deepEqual(serials(gateway.received), [undefined, undefined, first.serial]);
    });

    it('they are downloaded once for all that are waiting for them', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, query));
      assert.equal(answers.length, 50);
      assert.equal(downloads().length, 1);
    });

    it('a notification may be the first thing that needs them', async () => {
      assert.equal((await pay.notifications.open(notified(first))).event_type, 'TRANSACTION.SUCCESS');
      assert.equal(downloads().length, 1);
    });

    it('a field to encrypt may be the first thing that needs them', async () => {
      const { ciphertext, serial } = await pay.sensitive.encrypt('secret');
      assert.equal(serial, first.serial);
      assert.equal(decrypted(ciphertext, first), 'secret');
      assert.equal(downloads().length, 1);
    });

    it('for eleven hours they are not asked for again', async () => {
      await query();
      for (const at of [MINUTE, HOUR, 10 * HOUR, 11 * HOUR]) {
        now = START + at;
        await query();
      }
      assert.equal(downloads().length, 1);
    });

    it('after eleven hours they are refreshed without anybody waiting', async () => {
      await query();
      now = START + 11 * HOUR + 1;
      // The download is not answered, and the call is.
      const asked = new Promise<ServerResponse>((resolve) => {
        list = resolve;
      });
      assert.deepEqual(await query(), PAID);
      const waiting = await asked;
      reply(waiting, certificateList([first, second]));
      // Whether or not that has been read by now: it is what this answer waits for.
      signing = second;
      assert.deepEqual(await query(), PAID);
      assert.equal(downloads().length, 2);
    });

    it('a refresh that fails in the background disturbs nobody, and is tried again a minute later', async () => {
      await query();
      now = START + 12 * HOUR;
      list = refuses(503, '');
      // Nobody is told that the background has finished, so it is asked until it has.
      const until = async (count: number) => {
        while (downloads().length < count) assert.deepEqual(await query(), PAID);
      };
      await until(2);
      now += MINUTE - 1;
      await query();
      assert.equal(downloads().length, 2);
      now += 1;
      list = answers(certificateList([first, second]));
      await until(3);
      signing = second;
      assert.deepEqual(await query(), PAID);
      assert.equal(downloads().length, 3);
    });

    it('a serial number that is not known yet refreshes them, and its answer is believed', async () => {
      await query();
      now += MINUTE;
      signing = second;
      list = answers(certificateList([first, second]));
      assert.deepEqual(await query(), PAID);
      assert.equal((await pay.notifications.open(notified(first))).kind, 'transaction');
      assert.equal(downloads().length, 2);
    });

    it('fifty answers under a new serial number at once make one refresh, and all are believed', async () => {
      await query();
      now += MINUTE;
      signing = second;
      list = answers(certificateList([first, second]));
      const answered = await Promise.all(Array.from({ length: 50 }, query));
      assert.ok(answered.every(({ trade_state }) => trade_state === 'SUCCESS'));
      assert.equal(downloads().length, 2);
    });

    it('a refresh that failed is tried again after a minute, and then the same call succeeds', async () => {
      list = refuses(500, JSON.stringify({ code: 'SYSTEM_ERROR', message: 'x' }));
      await unbelievable(query());
      list = answers(certificateList([first]));
      now += MINUTE - 1;
      await unbelievable(query());
      assert.equal(downloads().length, 1);
      now += 1;
      assert.deepEqual(await query(), PAID);
      assert.equal(downloads().length, 2);
    });

    it('why there are no certificates is told to everybody who needs them, within the minute too', async () => {
      list = refuses(404, JSON.stringify({ code: 'RESOURCE_NOT_EXISTS', message: '无可用的平台证书' }));
      for (let i = 0; i < 2; i++) {
        const error = await failure(query());
        assert.equal(error.code, 'BAD_SIGNATURE');
        assert.match(error.message, /RESOURCE_NOT_EXISTS/);
        assert.equal((await failure(pay.sensitive.encrypt('secret'))).code, 'RESOURCE_NOT_EXISTS');
      }
      assert.equal(downloads().length, 1);
    });

    it('a flood of unknown serial numbers makes one download a minute, and the known keys go on working', async () => {
      await query();
      for (let minute = 1; minute <= 5; minute++) {
        for (const at of [0, 1, MINUTE / 2, MINUTE - 1]) {
          now = START + minute * MINUTE + at;
          const flood = Array.from({ length: 20 }, (_, i) =>
            pay.notifications.open(notified({ ...second, serial: serial(1000 * minute + i) })),
          );
          for (const result of await Promise.allSettled(flood)) {
            assert.equal(result.status, 'rejected');
            assert.ok(result.reason instanceof NotificationError);
            assert.equal(result.reason.verdict, 'forged');
          }
          await query();
        }
        assert.equal(downloads().length, 1 + minute);
      }
    });

    it('the name of a public key never makes a download', async () => {
      await query();
      now += HOUR;
      const forged = pay.notifications.open(notified({ ...second, serial: 'PUB_KEY_ID_0119' }));
      await assert.rejects(forged, { verdict: 'forged' });
      assert.equal(downloads().length, 1);
    });

    it('what was signed with another certificate’s key is not believed', async () => {
      await query();
      signing = { serial: first.serial, privateKey: second.privateKey };
      await unbelievable(query());
    });
  });

  describe('during the switch from certificates to the public key', () => {
    beforeEach(() => {
      pay = client({ downloadCertificates: true });
      signing = publicKey;
    });

    it('both are believed, side by side', async () => {
      await query();
      assert.equal((await pay.notifications.open(notified(first))).kind, 'transaction');
      assert.equal((await pay.notifications.open(notified(publicKey))).kind, 'transaction');
      signing = first;
      await query();
      assert.equal(downloads().length, 1);
    });

    it('requests name the public key, and fields are encrypted with it', async () => {
      await query();
      await pay.notifications.open(notified(first));
      await query();
      assert.deepEqual(serials(gateway.received), [PUBLIC_KEY_ID, PUBLIC_KEY_ID, PUBLIC_KEY_ID]);
      const { ciphertext, serial } = await pay.sensitive.encrypt('secret');
      assert.equal(serial, PUBLIC_KEY_ID);
      assert.equal(decrypted(ciphertext, publicKey), 'secret');
    });

    it('a certificate that was put in by hand needs no download', async () => {
      pay = client({ publicKeys: { [PUBLIC_KEY_ID]: keys.wechatPublic, [first.serial]: first.pem } });
      assert.equal((await pay.notifications.open(notified(first))).kind, 'transaction');
      assert.equal((await pay.notifications.open(notified(publicKey))).kind, 'transaction');
      assert.equal(downloads().length, 0);
    });
  });

  describe('of several certificates', () => {
    it('the newest in effect is named and encrypts, in whatever order they come', async () => {
      for (const certificates of [
        [first, second],
        [second, first, old],
        [old, first, second],
      ]) {
        pay = client({ publicKeys: {}, downloadCertificates: true });
        list = answers(certificateList(certificates));
        await query();
        await query();
        assert.equal(gateway.last.headers['wechatpay-serial'], second.serial);
        const { ciphertext, serial } = await pay.sensitive.encrypt('secret');
        assert.equal(serial, second.serial);
        assert.equal(decrypted(ciphertext, second), 'secret');
      }
    });

    it('one that is not in effect yet waits until it is; what it signed is believed before', async () => {
      const next = await platformCertificate(serial(3), new Date(START + HOUR));
      list = answers(certificateList([next, first]));
      await query();
      assert.equal((await pay.sensitive.encrypt('x')).serial, first.serial);
      signing = next;
      await query();
      assert.equal(gateway.last.headers['wechatpay-serial'], first.serial);
      now = START + HOUR;
      assert.equal((await pay.sensitive.encrypt('x')).serial, next.serial);
    });

    it('one that has expired is neither named nor used to encrypt', async () => {
      const ending = await platformCertificate(serial(4), new Date(START - 60_000), new Date(START + HOUR));
      list = answers(certificateList([ending, first]));
      await query();
      now = START + HOUR - 1;
      assert.equal((await pay.sensitive.encrypt('x')).serial, ending.serial);
      now = START + HOUR;
      assert.equal((await pay.sensitive.encrypt('x')).serial, first.serial);
      await query();
      assert.equal(gateway.last.headers['wechatpay-serial'], first.serial);
    });

    it('when none is in effect, nothing is encrypted, and the error says to look at the clock', async () => {
      list = answers(certificateList([old]), old);
      const error = await failure(pay.sensitive.encrypt('x'));
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /in effect/);
      assert.match(error.fix, /clock/);
      signing = old;
      await query();
      assert.equal(gateway.last.headers['wechatpay-serial'], undefined);
    });
  });

  describe('a list of certificates that cannot be believed', () => {
    const tampered = () => {
      const { data } = certificateList([first, second]);
      for (const { encrypt_certificate: encrypted } of data)
        encrypted.ciphertext = `A${encrypted.ciphertext.slice(1)}`;
      return { data };
    };
    const withField = (field: string, value: unknown) => {
      const { data } = certificateList([second]);
      return { data: data.map((entry) => ({ ...entry, [field]: value })) };
    };
    const textInPlace = () =>
      certificateList([{ ...second, pem: '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n' }]);

    const lists: [string, 'UNEXPECTED_ANSWER' | 'BAD_SIGNATURE', () => (response: ServerResponse) => void][] =
      [
        [
          'under another APIv3 key',
          'UNEXPECTED_ANSWER',
          () => answers(certificateList([second], { apiV3Key: 'x'.repeat(32) })),
        ],
        ['with a changed cipher text', 'UNEXPECTED_ANSWER', () => answers(tampered())],
        ['with something else than certificates inside', 'UNEXPECTED_ANSWER', () => answers(textInPlace())],
        ['without a list', 'UNEXPECTED_ANSWER', () => answers({})],
        ['with an empty list', 'UNEXPECTED_ANSWER', () => answers({ data: [] })],
        ['with a list of nothing', 'UNEXPECTED_ANSWER', () => answers({ data: [null] })],
        ['with an object for a list', 'UNEXPECTED_ANSWER', () => answers({ data: { a: 1 } })],
        ['that is a list itself', 'UNEXPECTED_ANSWER', () => answers([])],
        ['without serial numbers', 'UNEXPECTED_ANSWER', () => answers(withField('serial_no', undefined))],
        ['whose serial number is a number', 'UNEXPECTED_ANSWER', () => answers(withField('serial_no', 7))],
        ['without times', 'UNEXPECTED_ANSWER', () => answers(withField('effective_time', undefined))],
        ['with times that are none', 'UNEXPECTED_ANSWER', () => answers(withField('expire_time', 'soon'))],
        [
          'without cipher text',
          'UNEXPECTED_ANSWER',
          () => answers(withField('encrypt_certificate', { algorithm: 'AEAD_AES_256_GCM' })),
        ],
        [
          'under another algorithm',
          'UNEXPECTED_ANSWER',
          () =>
            answers(
              withField('encrypt_certificate', {
                ...certificateList([second]).data[0]?.encrypt_certificate,
                algorithm: 'AEAD_SM4_GCM',
              }),
            ),
        ],
        ['that is a page of HTML', 'UNEXPECTED_ANSWER', () => refuses(200, '<html>Login</html>')],
        ['that is empty', 'UNEXPECTED_ANSWER', () => refuses(200, '')],
        [
          'without a signature',
          'BAD_SIGNATURE',
          () => refuses(200, JSON.stringify(certificateList([second]))),
        ],
        [
          'signed by nobody known',
          'BAD_SIGNATURE',
          () => answers(certificateList([second]), { serial: serial(9), privateKey: keys.merchant }),
        ],
        [
          'signed with another key than it says',
          'BAD_SIGNATURE',
          () => answers(certificateList([second]), { serial: second.serial, privateKey: keys.merchant }),
        ],
        [
          'signed with another key than the known one it names',
          'BAD_SIGNATURE',
          () => answers(certificateList([second]), { serial: first.serial, privateKey: second.privateKey }),
        ],
        [
          'that is an hour old',
          'BAD_SIGNATURE',
          () => (response) => {
            const text = JSON.stringify(certificateList([second]));
            const { privateKey: key, serial } = first;
            response.writeHead(200, signatureHeaders(text, { at: now - HOUR, key, serial }));
            response.end(text);
          },
        ],
      ];

    for (const [which, code, answered] of lists) {
      it(`${which} is a typed error, and the keys at hand stay`, async () => {
        await query();
        now += MINUTE;
        list = answered();
        const error = await failure(pay.certificates.list());
        assert.ok(error instanceof OutcomeUnknownError);
        assert.equal(error.code, code);
        assert.equal(error.httpStatus, 200);
        assert.equal(error.request?.url, baseUrl + CERTIFICATES);

        await assert.rejects(pay.notifications.open(notified(second)), { verdict: 'forged' });
        assert.equal(downloads().length, 3);
        await query();
        assert.equal(gateway.last.headers['wechatpay-serial'], first.serial);
        assert.equal((await pay.sensitive.encrypt('x')).serial, first.serial);
      });
    }

    it('on the very first download leaves nothing behind that could be believed', async () => {
      for (const [, , answered] of lists) {
        pay = client({ publicKeys: {}, downloadCertificates: true });
        list = answered();
        signing = first;
        await unbelievable(query());
        assert.ok((await failure(pay.sensitive.encrypt('x'))) instanceof OutcomeUnknownError);
        signing = second;
        await unbelievable(query());
      }
    });
  });

  function serials(received: Received[]): (string | string[] | undefined)[] {
    return received.map(({ headers }) => headers['wechatpay-serial']);
  }

  function decrypted(ciphertext: string, { privateKey: key }: Signer): string {
    const field = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
    return privateDecrypt(field, Buffer.from(ciphertext, 'base64')).toString();
  }
});
