import assert from 'node:assert/strict';
import type { ServerResponse } from 'node:http';
import { OutcomeUnknownError, type WechatPay, WechatPayError } from '../../../wechatpay/index.ts';
import { CERTIFICATES, CertificateGateway, START, serial } from './certificate-gateway.ts';
import { certificateList, type PlatformCertificate, platformCertificate } from './platform-certificate.ts';
import { keys, signatureHeaders } from './signing-gateway.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

describe('a list of platform certificates that cannot be believed', () => {
  const gateway = new CertificateGateway();
  let pay: WechatPay;
  let first: PlatformCertificate;
  let second: PlatformCertificate;

  before(async () => {
    await gateway.listen();
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

  const lists: [string, 'UNEXPECTED_ANSWER' | 'BAD_SIGNATURE', () => (response: ServerResponse) => void][] = [
    [
      'under another APIv3 key',
      'UNEXPECTED_ANSWER',
      () => gateway.answers(certificateList([second], { apiV3Key: 'x'.repeat(32) })),
    ],
    ['with a changed cipher text', 'UNEXPECTED_ANSWER', () => gateway.answers(tampered())],
    [
      'with something else than certificates inside',
      'UNEXPECTED_ANSWER',
      () => gateway.answers(textInPlace()),
    ],
    ['without a list', 'UNEXPECTED_ANSWER', () => gateway.answers({})],
    ['with an empty list', 'UNEXPECTED_ANSWER', () => gateway.answers({ data: [] })],
    ['with a list of nothing', 'UNEXPECTED_ANSWER', () => gateway.answers({ data: [null] })],
    ['with an object for a list', 'UNEXPECTED_ANSWER', () => gateway.answers({ data: { a: 1 } })],
    ['that is a list itself', 'UNEXPECTED_ANSWER', () => gateway.answers([])],
    ['without serial numbers', 'UNEXPECTED_ANSWER', () => gateway.answers(withField('serial_no', undefined))],
    [
      'whose serial number is a number',
      'UNEXPECTED_ANSWER',
      () => gateway.answers(withField('serial_no', 7)),
    ],
    ['without times', 'UNEXPECTED_ANSWER', () => gateway.answers(withField('effective_time', undefined))],
    [
      'with times that are none',
      'UNEXPECTED_ANSWER',
      () => gateway.answers(withField('expire_time', 'soon')),
    ],
    [
      'without cipher text',
      'UNEXPECTED_ANSWER',
      () => gateway.answers(withField('encrypt_certificate', { algorithm: 'AEAD_AES_256_GCM' })),
    ],
    [
      'under another algorithm',
      'UNEXPECTED_ANSWER',
      () =>
        gateway.answers(
          withField('encrypt_certificate', {
            ...certificateList([second]).data[0]?.encrypt_certificate,
            algorithm: 'AEAD_SM4_GCM',
          }),
        ),
    ],
    ['that is a page of HTML', 'UNEXPECTED_ANSWER', () => gateway.refuses(200, '<html>Login</html>')],
    ['that is empty', 'UNEXPECTED_ANSWER', () => gateway.refuses(200, '')],
    [
      'without a signature',
      'BAD_SIGNATURE',
      () => gateway.refuses(200, JSON.stringify(certificateList([second]))),
    ],
    [
      'signed by nobody known',
      'BAD_SIGNATURE',
      () => gateway.answers(certificateList([second]), { serial: serial(9), privateKey: keys.merchant }),
    ],
    [
      'signed with another key than it says',
      'BAD_SIGNATURE',
      () => gateway.answers(certificateList([second]), { serial: second.serial, privateKey: keys.merchant }),
    ],
    [
      'signed with another key than the known one it names',
      'BAD_SIGNATURE',
      () =>
        gateway.answers(certificateList([second]), { serial: first.serial, privateKey: second.privateKey }),
    ],
    [
      'that is an hour old',
      'BAD_SIGNATURE',
      () => (response) => {
        const text = JSON.stringify(certificateList([second]));
        const { privateKey: key, serial } = first;
        response.writeHead(200, signatureHeaders(text, { at: gateway.now - HOUR, key, serial }));
        response.end(text);
      },
    ],
  ];

  for (const [which, code, answered] of lists) {
    it(`${which} is a typed error, and the keys at hand stay`, async () => {
      await query();
      gateway.now += MINUTE;
      gateway.list = answered();
      const error = await failure(pay.certificates.list());
      assert.ok(error instanceof OutcomeUnknownError);
      assert.equal(error.code, code);
      assert.equal(error.httpStatus, 200);
      assert.match(error.request?.url ?? '', new RegExp(`${CERTIFICATES}$`));

      await assert.rejects(pay.notifications.open(gateway.notified(second)), { verdict: 'forged' });
      assert.equal(gateway.downloads, 3);
      await query();
      assert.equal(gateway.last.headers['wechatpay-serial'], first.serial);
      assert.equal((await pay.sensitive.encrypt('x')).serial, first.serial);
    });
  }

  it('on the very first download leaves nothing behind that could be believed', async () => {
    for (const [, , answered] of lists) {
      pay = gateway.client();
      gateway.list = answered();
      gateway.signing = first;
      await unbelievable(query());
      assert.ok((await failure(pay.sensitive.encrypt('x'))) instanceof OutcomeUnknownError);
      gateway.signing = second;
      await unbelievable(query());
    }
  });
});
