import assert from 'node:assert/strict';
import { constants, privateDecrypt } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import {
  ConfigurationError,
  NotificationError,
  RequestRejectedError,
  type WechatPay,
  WechatPayError,
} from '../../../wechatpay/index.ts';
import {
  CERTIFICATES,
  CertificateGateway,
  PAID,
  publicKey,
  type Signer,
  START,
  serial,
} from './certificate-gateway.ts';
import { certificateList, type PlatformCertificate, platformCertificate } from './platform-certificate.ts';
import { keys, PUBLIC_KEY_ID } from './signing-gateway.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

describe('the keys that verify WeChat Pay', () => {
  const gateway = new CertificateGateway();
  let pay: WechatPay;
  let first: PlatformCertificate;
  let second: PlatformCertificate;
  let old: PlatformCertificate;

  before(async () => {
    await gateway.listen();
    old = await platformCertificate(serial(0), new Date(START - 5 * YEAR), new Date(START - HOUR));
    first = await platformCertificate(serial(1), new Date(START - YEAR));
    second = await platformCertificate(serial(2), new Date(START - HOUR));
  });
  after(() => gateway.close());
  beforeEach(() => {
    gateway.reset(first);
    pay = gateway.client();
  });
  afterEach(() => gateway.closeClients());

  const query = () => pay.orders.queryByOutTradeNo('T1');
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
      pay = gateway.client({});
      gateway.signing = publicKey;
    });

    it('certificates are never asked for, whatever serial numbers arrive', async () => {
      await query();
      await pay.notifications.open(gateway.notified(publicKey));
      await pay.sensitive.encrypt('secret');
      await pay.security.echo('x').catch(() => {});
      for (const unknown of [first, second, { ...first, serial: 'PUB_KEY_ID_9' }, { ...first, serial: '' }]) {
        gateway.signing = unknown;
        await unbelievable(query());
        await assert.rejects(pay.notifications.open(gateway.notified(unknown)), { verdict: 'forged' });
      }
      gateway.now += 12 * HOUR;
      gateway.signing = publicKey;
      await query();
      assert.equal(gateway.downloads, 0);
    });

    it('every request names it, the first one too', async () => {
      await query();
      await pay.orders.close('T1').catch(() => {});
      await pay.refunds.query('R1').catch(() => {});
      assert.deepEqual(gateway.named, [PUBLIC_KEY_ID, PUBLIC_KEY_ID, PUBLIC_KEY_ID]);
    });

    it('a merchant without certificates who asks for them all the same is told that there are none', async () => {
      gateway.list = gateway.refuses(
        404,
        JSON.stringify({ code: 'RESOURCE_NOT_EXISTS', message: '无可用的平台证书' }),
      );
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
      assert.deepEqual(gateway.named, [undefined, undefined, first.serial]);
    });

    it('they are downloaded once for all that are waiting for them', async () => {
      const answers = await Promise.all(Array.from({ length: 50 }, query));
      assert.equal(answers.length, 50);
      assert.equal(gateway.downloads, 1);
    });

    it('a notification may be the first thing that needs them', async () => {
      assert.equal((await pay.notifications.open(gateway.notified(first))).event_type, 'TRANSACTION.SUCCESS');
      assert.equal(gateway.downloads, 1);
    });

    it('a field to encrypt may be the first thing that needs them', async () => {
      const { ciphertext, serial } = await pay.sensitive.encrypt('secret');
      assert.equal(serial, first.serial);
      assert.equal(decrypted(ciphertext, first), 'secret');
      assert.equal(gateway.downloads, 1);
    });

    it('for eleven hours they are not asked for again', async () => {
      await query();
      for (const at of [MINUTE, HOUR, 10 * HOUR, 11 * HOUR]) {
        gateway.now = START + at;
        await query();
      }
      assert.equal(gateway.downloads, 1);
    });

    it('after eleven hours they are refreshed without anybody waiting', async () => {
      await query();
      gateway.now = START + 11 * HOUR + 1;
      // The download is not answered, and the call is.
      const asked = new Promise<ServerResponse>((resolve) => {
        gateway.list = resolve;
      });
      assert.deepEqual(await query(), PAID);
      const waiting = await asked;
      gateway.reply(waiting, certificateList([first, second]));
      // Whether or not that has been read by now: it is what this answer waits for.
      gateway.signing = second;
      assert.deepEqual(await query(), PAID);
      assert.equal(gateway.downloads, 2);
    });

    it('a refresh that fails in the background disturbs nobody, and is tried again a minute later', async () => {
      await query();
      gateway.now = START + 12 * HOUR;
      gateway.list = gateway.refuses(503, '');
      // Nobody is told that the background has finished, so it is asked until it has.
      const until = async (count: number) => {
        while (gateway.downloads < count) assert.deepEqual(await query(), PAID);
      };
      await until(2);
      gateway.now += MINUTE - 1;
      await query();
      assert.equal(gateway.downloads, 2);
      gateway.now += 1;
      gateway.list = gateway.answers(certificateList([first, second]));
      await until(3);
      gateway.signing = second;
      assert.deepEqual(await query(), PAID);
      assert.equal(gateway.downloads, 3);
    });

    it('a serial number that is not known yet refreshes them, and its answer is believed', async () => {
      await query();
      gateway.now += MINUTE;
      gateway.signing = second;
      gateway.list = gateway.answers(certificateList([first, second]));
      assert.deepEqual(await query(), PAID);
      assert.equal((await pay.notifications.open(gateway.notified(first))).kind, 'transaction');
      assert.equal(gateway.downloads, 2);
    });

    it('fifty answers under a new serial number at once make one refresh, and all are believed', async () => {
      await query();
      gateway.now += MINUTE;
      gateway.signing = second;
      gateway.list = gateway.answers(certificateList([first, second]));
      const answered = await Promise.all(Array.from({ length: 50 }, query));
      assert.ok(answered.every(({ trade_state }) => trade_state === 'SUCCESS'));
      assert.equal(gateway.downloads, 2);
    });

    it('a refresh that failed is tried again after a minute, and then the same call succeeds', async () => {
      gateway.list = gateway.refuses(500, JSON.stringify({ code: 'SYSTEM_ERROR', message: 'x' }));
      await unbelievable(query());
      gateway.list = gateway.answers(certificateList([first]));
      gateway.now += MINUTE - 1;
      await unbelievable(query());
      assert.equal(gateway.downloads, 1);
      gateway.now += 1;
      assert.deepEqual(await query(), PAID);
      assert.equal(gateway.downloads, 2);
    });

    it('why there are no certificates is told to everybody who needs them, within the minute too', async () => {
      gateway.list = gateway.refuses(
        404,
        JSON.stringify({ code: 'RESOURCE_NOT_EXISTS', message: '无可用的平台证书' }),
      );
      for (let i = 0; i < 2; i++) {
        const error = await failure(query());
        assert.equal(error.code, 'BAD_SIGNATURE');
        assert.match(error.message, /RESOURCE_NOT_EXISTS/);
        assert.equal((await failure(pay.sensitive.encrypt('secret'))).code, 'RESOURCE_NOT_EXISTS');
      }
      assert.equal(gateway.downloads, 1);
    });

    it('a flood of unknown serial numbers makes one download a minute, and the known keys go on working', async () => {
      await query();
      for (let minute = 1; minute <= 5; minute++) {
        for (const at of [0, 1, MINUTE / 2, MINUTE - 1]) {
          gateway.now = START + minute * MINUTE + at;
          const flood = Array.from({ length: 20 }, (_, i) =>
            pay.notifications.open(gateway.notified({ ...second, serial: serial(1000 * minute + i) })),
          );
          for (const result of await Promise.allSettled(flood)) {
            assert.equal(result.status, 'rejected');
            assert.ok(result.reason instanceof NotificationError);
            assert.equal(result.reason.verdict, 'forged');
          }
          await query();
        }
        assert.equal(gateway.downloads, 1 + minute);
      }
    });

    it('the name of a public key never makes a download', async () => {
      await query();
      gateway.now += HOUR;
      const forged = pay.notifications.open(gateway.notified({ ...second, serial: 'PUB_KEY_ID_0119' }));
      await assert.rejects(forged, { verdict: 'forged' });
      assert.equal(gateway.downloads, 1);
    });

    it('what was signed with another certificate’s key is not believed', async () => {
      await query();
      gateway.signing = { serial: first.serial, privateKey: second.privateKey };
      await unbelievable(query());
    });
  });

  describe('during the switch from certificates to the public key', () => {
    beforeEach(() => {
      pay = gateway.client({ downloadCertificates: true });
      gateway.signing = publicKey;
    });

    it('both are believed, side by side', async () => {
      await query();
      assert.equal((await pay.notifications.open(gateway.notified(first))).kind, 'transaction');
      assert.equal((await pay.notifications.open(gateway.notified(publicKey))).kind, 'transaction');
      gateway.signing = first;
      await query();
      assert.equal(gateway.downloads, 1);
    });

    it('requests name the public key, and fields are encrypted with it', async () => {
      await query();
      await pay.notifications.open(gateway.notified(first));
      await query();
      assert.deepEqual(gateway.named, [PUBLIC_KEY_ID, PUBLIC_KEY_ID, PUBLIC_KEY_ID]);
      const { ciphertext, serial } = await pay.sensitive.encrypt('secret');
      assert.equal(serial, PUBLIC_KEY_ID);
      assert.equal(decrypted(ciphertext, publicKey), 'secret');
    });

    it('a certificate that was put in by hand needs no download', async () => {
      pay = gateway.client({ publicKeys: { [PUBLIC_KEY_ID]: keys.wechatPublic, [first.serial]: first.pem } });
      assert.equal((await pay.notifications.open(gateway.notified(first))).kind, 'transaction');
      assert.equal((await pay.notifications.open(gateway.notified(publicKey))).kind, 'transaction');
      assert.equal(gateway.downloads, 0);
    });
  });

  describe('of several certificates', () => {
    it('the newest in effect is named and encrypts, in whatever order they come', async () => {
      for (const certificates of [
        [first, second],
        [second, first, old],
        [old, first, second],
      ]) {
        pay = gateway.client();
        gateway.list = gateway.answers(certificateList(certificates));
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
      gateway.list = gateway.answers(certificateList([next, first]));
      await query();
      assert.equal((await pay.sensitive.encrypt('x')).serial, first.serial);
      gateway.signing = next;
      await query();
      assert.equal(gateway.last.headers['wechatpay-serial'], first.serial);
      gateway.now = START + HOUR;
      assert.equal((await pay.sensitive.encrypt('x')).serial, next.serial);
    });

    it('one that has expired is neither named nor used to encrypt', async () => {
      const ending = await platformCertificate(serial(4), new Date(START - 60_000), new Date(START + HOUR));
      gateway.list = gateway.answers(certificateList([ending, first]));
      await query();
      gateway.now = START + HOUR - 1;
      assert.equal((await pay.sensitive.encrypt('x')).serial, ending.serial);
      gateway.now = START + HOUR;
      assert.equal((await pay.sensitive.encrypt('x')).serial, first.serial);
      await query();
      assert.equal(gateway.last.headers['wechatpay-serial'], first.serial);
    });

    it('when none is in effect, nothing is encrypted, and the error says to look at the clock', async () => {
      gateway.list = gateway.answers(certificateList([old]), old);
      const error = await failure(pay.sensitive.encrypt('x'));
      assert.ok(error instanceof ConfigurationError);
      assert.match(error.message, /in effect/);
      assert.match(error.fix, /clock/);
      gateway.signing = old;
      await query();
      assert.equal(gateway.last.headers['wechatpay-serial'], undefined);
    });
  });

  function decrypted(ciphertext: string, { privateKey: key }: Signer): string {
    const field = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' };
    return privateDecrypt(field, Buffer.from(ciphertext, 'base64')).toString();
  }
});
