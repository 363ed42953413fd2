import assert from 'node:assert/strict';
import { constants, publicEncrypt } from 'node:crypto';
import { WechatPayGlobal } from '../../../wechatpay/global/client.ts';
import {
  ConfigurationError,
  OutcomeUnknownError,
  RequestRejectedError,
  WechatPay,
  WechatPayPartner,
} from '../../../wechatpay/index.ts';
import {
  COMPLAINT_ENDPOINTS,
  GLOBAL_COMPLAINT_ENDPOINTS,
} from '../../../wechatpay/v3/complaint-endpoints.ts';
import type { ComplaintRefundProgress, ComplaintResponse } from '../../../wechatpay/v3/complaint-replies.ts';
import { requestMessage, verifyMessage } from '../../../wechatpay/v3/signature.ts';
import type { EndpointCase } from './cases/case.ts';
import {
  COMPLAINT,
  COMPLAINT_CASES,
  COMPLAINT_ID,
  type ComplaintsClient,
  GLOBAL_COMPLAINT_CASES,
} from './cases/complaints.ts';
import { authorizationOf, fileAnswer, readMultipart } from './file-exchange.ts';
import {
  keys,
  options,
  PUBLIC_KEY_ID,
  type Received,
  SigningGateway,
  signed,
  unsigned,
} from './signing-gateway.ts';

/** Status, code, class, whether repeating the same request can help. */
const DOCUMENTED_ERRORS = [
  [400, 'PARAM_ERROR', RequestRejectedError, false],
  [400, 'INVALID_REQUEST', RequestRejectedError, false],
  [401, 'SIGN_ERROR', ConfigurationError, false],
  [403, 'NO_AUTH', ConfigurationError, false],
  [403, 'RULE_LIMIT', RequestRejectedError, false],
  [404, 'RESOURCE_NOT_EXISTS', RequestRejectedError, false],
  [429, 'FREQUENCY_LIMITED', RequestRejectedError, true],
  [500, 'SYSTEM_ERROR', OutcomeUnknownError, true],
  [503, 'SERVICE_UNAVAILABLE', OutcomeUnknownError, true],
] as const;

describe('wechatpay complaints', () => {
  const gateway = new SigningGateway();
  let baseUrl: string;
  let pay: WechatPay;
  let overseas: WechatPayGlobal;

  before(async () => {
    baseUrl = await gateway.listen();
    pay = new WechatPay(options(baseUrl));
    overseas = new WechatPayGlobal(options(baseUrl));
  });
  after(async () => {
    await Promise.all([pay.close(), overseas.close()]);
    await gateway.close();
  });
  beforeEach(() => {
    gateway.received.length = 0;
  });

  /** What arrived, as a case describes it: of an upload, the part that is signed. */
  async function arrived({ method, target, headers, body, signed: isSigned }: Received) {
    if (!headers['content-type']?.startsWith('multipart/')) {
      const json = body.length === 0 ? undefined : JSON.parse(body.toString());
      assert.equal(headers['content-type'], json && 'application/json');
      return { method, target, body: json, signed: isSigned };
    }
    const { meta } = await readMultipart({ headers, body });
    const authorization = authorizationOf(headers);
    const message = requestMessage({ ...authorization, method, url: target, body: meta });
    const signedMeta = verifyMessage(message, authorization.signature, keys.merchantPublic);
    return { method, target, body: JSON.parse(meta), signed: signedMeta && !isSigned };
  }

  for (const [cases, client] of [
    [COMPLAINT_CASES, () => pay],
    [GLOBAL_COMPLAINT_CASES, () => overseas],
  ] as [EndpointCase<ComplaintsClient>[], () => ComplaintsClient][]) {
    for (const { call, name, run, method, target, body, status, answer, result = answer } of cases) {
      it(`${call}: ${name}`, async () => {
        const isFile = Buffer.isBuffer(answer);
        gateway.answer = isFile ? fileAnswer(answer) : signed(status, answer);
        assert.deepEqual(await run(client()), result);
        assert.equal(gateway.received.length, 1);
        assert.deepEqual(await arrived(gateway.last), { method, target, body, signed: true });
        const { accept, 'user-agent': userAgent, 'wechatpay-serial': serial } = gateway.last.headers;
        assert.equal(accept, isFile ? '*/*' : 'application/json');
        assert.match(userAgent ?? '', /./);
        assert.equal(serial, PUBLIC_KEY_ID);
      });
    }
  }

  it('every endpoint has a case, and every case an endpoint of its method and path', () => {
    for (const [table, cases] of [
      [COMPLAINT_ENDPOINTS, COMPLAINT_CASES],
      [GLOBAL_COMPLAINT_ENDPOINTS, GLOBAL_COMPLAINT_CASES],
    ] as const) {
      assert.deepEqual(new Set(cases.map(({ call }) => call)), new Set(Object.keys(table)));
      for (const { call, method, target } of cases) {
        const endpoint = new Map(Object.entries(table)).get(call);
        const pattern = endpoint?.path.replaceAll(/\{\w+\}/g, '[^/]+');
        assert.equal(endpoint?.method, method, call);
        assert.match(target, new RegExp(`^${pattern}(?:[?].*)?$`), call);
      }
    }
  });

  it('the documented limits per minute are data', () => {
    const perMinute = Object.entries(COMPLAINT_ENDPOINTS).flatMap(([name, { rateLimit }]) =>
      rateLimit ? [[name, (rateLimit.requests * 60) / rateLimit.perSeconds]] : [],
    );
    assert.deepEqual(Object.fromEntries(perMinute), {
      'complaints.list': 200,
      'complaints.negotiationHistory': 200,
      'complaints.respond': 60,
      'complaints.complete': 1500,
      'complaints.uploadImage': 60,
    });
  });

  for (const { call, run } of COMPLAINT_CASES.filter(
    (row, i, all) => all.findIndex(({ call }) => call === row.call) === i,
  )) {
    it(`${call}: every documented error keeps its code and says what is known`, async () => {
      for (const [status, code, type, retryable] of DOCUMENTED_ERRORS) {
        const headers = { 'Request-ID': '08B3F1-268435461', 'Content-Type': 'application/json' };
        gateway.answer = unsigned(status, JSON.stringify({ code, message: '错误' }), headers);
        await assert.rejects(run(pay), (error) => {
          assert.ok(error instanceof type, `${status} ${code}: ${error}`);
          const { httpStatus, requestId, outcome } = error;
          assert.deepEqual(
            { code: error.code, httpStatus, requestId, outcome, retryable: error.retryable },
            {
              code,
              httpStatus: status,
              requestId: '08B3F1-268435461',
              outcome: type === OutcomeUnknownError ? 'unknown' : 'rejected',
              retryable,
            },
          );
          return true;
        });
      }
    });
  }

  for (const { call, run } of COMPLAINT_CASES.filter(
    ({ status, answer }) => status === 200 && !Buffer.isBuffer(answer),
  )) {
    it(`${call}: an unsigned success is not believed`, async () => {
      gateway.answer = unsigned(200, JSON.stringify(COMPLAINT));
      await assert.rejects(run(pay), { outcome: 'unknown', code: 'BAD_SIGNATURE' });
    });
  }

  it('a service provider asks the same way', async () => {
    const partner = new WechatPayPartner(options(baseUrl));
    for (const { run, status, answer, target } of COMPLAINT_CASES) {
      gateway.answer = Buffer.isBuffer(answer) ? fileAnswer(answer) : signed(status, answer);
      await run(partner);
      assert.equal(gateway.last.target, target);
    }
    await partner.close();
  });

  it('the telephone number of a complaint is decrypted with the merchant key', async () => {
    const payer_phone = publicEncrypt(
      { key: keys.merchantPublic, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha1' },
      Buffer.from('13812345678'),
    ).toString('base64');
    gateway.answer = signed(200, { ...COMPLAINT, payer_phone });
    const complaint = await pay.complaints.get(COMPLAINT_ID);
    assert.equal(complaint.payer_phone, payer_phone);
    assert.equal(pay.sensitive.decrypt(complaint.payer_phone ?? ''), '13812345678');
  });

  it('an answer about another complaint is not taken', async () => {
    gateway.answer = signed(200, { ...COMPLAINT, complaint_id: '200201820260301080076619999' });
    await assert.rejects(pay.complaints.get(COMPLAINT_ID), { outcome: 'unknown', code: 'UNEXPECTED_ANSWER' });
  });

  describe('refused before anything is sent', () => {
    const response = (change: Partial<ComplaintResponse>): ComplaintResponse => ({
      complainted_mchid: '1900012345',
      response_content: '您好',
      ...change,
    });
    const respond = (change: Partial<ComplaintResponse>) => () =>
      pay.complaints.respond(COMPLAINT_ID, response(change));
    const decide = (progress: object) => () =>
      pay.complaints.updateRefundProgress(COMPLAINT_ID, progress as ComplaintRefundProgress);
    const list = (change: object) => () =>
      pay.complaints.list({ begin_date: '2026-03-01', end_date: '2026-03-02', ...change });
    const history = (change: object) => () => pay.complaints.negotiationHistory(COMPLAINT_ID, change);

    const refused: [name: string, field: string, run: () => Promise<unknown>][] = [
      ['a response of 501 characters', 'response_content', respond({ response_content: '好'.repeat(501) })],
      ['an empty response', 'response_content', respond({ response_content: '' })],
      ['a response with emoji', 'response_content', respond({ response_content: '🍵' })],
      ['a response to nobody', 'complainted_mchid', respond({ complainted_mchid: '' })],
      ['five images', 'response_images', respond({ response_images: ['1', '2', '3', '4', '5'] })],
      ['a link of 513 characters', 'jump_url', respond({ jump_url: `https://a.example/${'x'.repeat(495)}` })],
      [
        'words of 11 characters for a link',
        'jump_url_text',
        respond({ jump_url_text: '一二三四五六七八九十一' }),
      ],
      ['null', 'jump_url', respond({ jump_url: null as unknown as string })],
      ['a rejection without a reason', 'reject_reason', decide({ action: 'REJECT' })],
      ['a rejection with an empty reason', 'reject_reason', decide({ action: 'REJECT', reject_reason: '' })],
      [
        'a reason of 201 characters',
        'reject_reason',
        decide({ action: 'REJECT', reject_reason: 'x'.repeat(201) }),
      ],
      [
        'five pieces of evidence',
        'reject_media_list',
        decide({ action: 'REJECT', reject_reason: 'r', reject_media_list: ['1', '2', '3', '4', '5'] }),
      ],
      ['a remark of 201 characters', 'remark', decide({ action: 'APPROVE', remark: 'x'.repeat(201) })],
      ['half a day', 'launch_refund_day', decide({ action: 'APPROVE', launch_refund_day: 0.5 })],
      ['another decision', 'action', decide({ action: 'MAYBE' })],
      [
        'a message without an id of its own',
        'idempotent_id',
        () =>
          pay.complaints.respondImmediately(COMPLAINT_ID, {
            complainted_mchid: '1900012345',
            idempotent_id: '',
            message: {},
          }),
      ],
      [
        'completing for nobody',
        'complainted_mchid',
        () => pay.complaints.complete(COMPLAINT_ID, { complainted_mchid: '' }),
      ],
      ['an empty address', 'url', () => pay.complaints.notificationUrl.create('')],
      ['a complaint of another path', 'complaint_id', () => pay.complaints.get('../images/upload')],
      ['a page of 51 complaints', 'limit', list({ limit: 51 })],
      ['a page of none', 'limit', list({ limit: 0 })],
      ['a negative offset', 'offset', list({ offset: -1 })],
      ['a history of 301', 'limit', history({ limit: 301 })],
      ['half an offset', 'offset', history({ offset: 0.5 })],
      ['32 days', 'end_date', list({ end_date: '2026-04-01' })],
      ['an end before the beginning', 'end_date', list({ end_date: '2026-02-28' })],
      ['a date of no calendar', 'begin_date', list({ begin_date: '2026-02-30' })],
      ['a date that is a time', 'begin_date', list({ begin_date: '2026-03-01T00:00:00+08:00' })],
      ['no date', 'end_date', list({ end_date: undefined })],
    ];
    for (const [name, field, run] of refused) {
      it(`${name}: ${field}`, async () => {
        await assert.rejects(run(), {
          name: 'RequestRejectedError',
          code: 'PARAM_ERROR',
          outcome: 'rejected',
          field,
        });
        assert.equal(gateway.received.length, 0);
      });
    }

    it('nothing of what is just within the limits', async () => {
      gateway.answer = signed(204, undefined);
      await respond({
        response_content: '好'.repeat(500),
        response_images: ['1', '2', '3', '4'],
        jump_url: `https://a.example/${'x'.repeat(494)}`,
        jump_url_text: '一二三四五六七八九十',
      })();
      await decide({ action: 'REJECT', reject_reason: 'x'.repeat(200), remark: 'x'.repeat(200) })();
      gateway.answer = signed(200, { data: [], limit: 50, offset: 0, total_count: 0 });
      await list({ limit: 50, offset: 0, begin_date: '2024-02-29', end_date: '2024-03-29' })();
      await history({ limit: 300 })();
      assert.equal(gateway.received.length, 4);
    });
  });
});
