import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Agent, type Dispatcher, MockAgent } from 'undici';
import { WechatPayGlobal } from '../../../wechatpay/global/client.ts';
import { OutcomeUnknownError, WechatPay, type WechatPayOptions } from '../../../wechatpay/index.ts';
import { parseAuthorization } from '../../../wechatpay/v3/signature.ts';
import { BILL, BILL_ADDRESS } from './cases/fields.ts';
import { options, SigningGateway, signatureHeaders, signed, unsigned } from './signing-gateway.ts';

const ORDER = {
  description: 'Tea set 茶具',
  out_trade_no: 'T20260301A000017',
  notify_url: 'https://pay.example.com/wx',
  amount: { total: 2590 },
};
const CODE_URL = { code_url: 'weixin://wxpay/bizpayurl?pr=Kq7Rt2Zzz' };
const MAIN = 'https://api.mch.weixin.qq.com';
const BACKUP = 'https://api2.mch.weixin.qq.com';

/** An error as Node raises it when no connection comes about. */
const connecting = (code: string) =>
  Object.assign(new Error(`connect ${code}`), { code, syscall: 'connect' });

describe('wechatpay fail-over', () => {
  const main = new SigningGateway();
  const backup = new SigningGateway();
  const opened: WechatPay[] = [];
  let mainUrl: string;
  let backupUrl: string;
  /** An address where nobody listens. */
  let nowhere: string;

  before(async () => {
    mainUrl = await main.listen();
    backupUrl = await backup.listen();
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, '127.0.0.1', resolve));
    nowhere = `http://127.0.0.1:${(closed.address() as { port: number }).port}`;
    await new Promise((resolve) => closed.close(resolve));
  });
  after(() => Promise.all([main.close(), backup.close()]));
  beforeEach(() => {
    for (const gateway of [main, backup]) {
      gateway.received.length = 0;
      gateway.answer = signed(200, CODE_URL);
    }
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map((client) => client.close()));
  });

  function client(overrides: Partial<WechatPayOptions>): WechatPay {
    const made = new WechatPay({ ...options(nowhere), backupUrl, ...overrides });
    opened.push(made);
    return made;
  }

  /** A dispatcher that remembers what it was asked to send. */
  function recording() {
    const agent = new Agent();
    const attempts: Dispatcher.DispatchOptions[] = [];
    const dispatcher = agent.compose((dispatch) => (attempt, handler) => {
      attempts.push(attempt);
      return dispatch(attempt, handler);
    });
    return { dispatcher, attempts, close: () => agent.close() };
  }

  async function unknown(call: Promise<unknown>, code: string): Promise<OutcomeUnknownError> {
    try {
      await call;
    } catch (error) {
      assert.ok(error instanceof OutcomeUnknownError, String(error));
      assert.equal(error.code, code, error.message);
      assert.equal(error.retryable, true);
      return error;
    }
    throw new Error('the call succeeded');
  }

  it('a refused connection sends the request to the backup, exactly once', async () => {
    assert.deepEqual(await client({}).native.create(ORDER), CODE_URL);
    assert.equal(backup.received.length, 1);
    assert.ok(backup.last.signed);
    assert.equal(backup.last.target, '/v3/pay/transactions/native');
  });

  it('a host whose name does not resolve does so, too', async () => {
    assert.deepEqual(await client({ baseUrl: 'http://gateway.invalid' }).native.create(ORDER), CODE_URL);
    assert.equal(backup.received.length, 1);
  });

  it('the backup gets the same bytes under the same signature, and it is named by no header', async () => {
    const { dispatcher, attempts, close } = recording();
    await client({ dispatcher }).native.create(ORDER);
    const [first, second] = attempts;
    assert.equal(attempts.length, 2);
    assert.ok(first && second);
    const { origin: refused, ...sent } = first;
    const { origin: answered, ...sentAgain } = second;
    assert.deepEqual([refused, answered], [nowhere, backupUrl]);
    assert.deepEqual(sentAgain, sent);
    assert.equal((sent.headers as Record<string, string>).Authorization, backup.last.headers.authorization);
    assert.deepEqual(backup.last.body, Buffer.from(String(sent.body)));
    await close();
  });

  it('one call takes one nonce and one time, however often it is sent', async () => {
    let nonces = 0;
    const pay = client({ nonce: () => `N${++nonces}`, clock: () => Date.now() });
    await pay.native.create(ORDER);
    assert.equal(nonces, 1);
    assert.equal(parseAuthorization(backup.last.headers.authorization)?.nonce, 'N1');
  });

  it('the file of a bill comes from the backup as well', async () => {
    backup.answer = unsigned(200, BILL.toString());
    const file = await client({}).bills.download(BILL_ADDRESS);
    assert.deepEqual(await buffer(file), BILL);
    assert.equal(backup.received.length, 1);
    assert.ok(backup.last.signed);
  });

  it('the main host is tried first, each time', async () => {
    const pay = client({ baseUrl: mainUrl });
    await pay.native.create(ORDER);
    await pay.native.create(ORDER);
    assert.equal(main.received.length, 2);
    assert.equal(backup.received.length, 0);
  });

  describe('a request that may have arrived is never sent again', () => {
    it('when it is not answered in time', async () => {
      main.answer = () => {};
      await unknown(client({ baseUrl: mainUrl, timeoutMs: 500 }).native.create(ORDER), 'TIMEOUT');
      assert.equal(main.received.length, 1);
      assert.equal(backup.received.length, 0);
    });

    it('when the answer stops in the middle', async () => {
      main.answer = (response) => {
        response.writeHead(200, signatureHeaders(JSON.stringify(CODE_URL)));
        response.write('{');
      };
      await unknown(client({ baseUrl: mainUrl, timeoutMs: 500 }).native.create(ORDER), 'TIMEOUT');
      assert.equal(main.received.length, 1);
      assert.equal(backup.received.length, 0);
    });

    it('when the connection breaks before or within the answer', async () => {
      const pay = client({ baseUrl: mainUrl });
      main.answer = (response) => response.destroy();
      await unknown(pay.native.create(ORDER), 'CONNECTION');
      main.answer = (response) => {
        response.writeHead(200, { ...signatureHeaders('{}'), 'Content-Length': '100' });
        response.write('{', () => response.destroy());
      };
      await unknown(pay.native.create(ORDER), 'CONNECTION');
      assert.equal(main.received.length, 2);
      assert.equal(backup.received.length, 0);
    });

    for (const status of [500, 502, 503, 504]) {
      it(`when the main host answers ${status}`, async () => {
        main.answer = unsigned(status, '<html><body>no</body></html>');
        const error = await client({ baseUrl: mainUrl })
          .native.create(ORDER)
          .catch((error: OutcomeUnknownError) => error);
        assert.ok(error instanceof OutcomeUnknownError);
        assert.equal(error.httpStatus, status);
        assert.equal(main.received.length, 1);
        assert.equal(backup.received.length, 0);
      });
    }

    it('when the answer cannot be believed', async () => {
      main.answer = unsigned(200, JSON.stringify(CODE_URL));
      await unknown(client({ baseUrl: mainUrl }).native.create(ORDER), 'BAD_SIGNATURE');
      assert.equal(backup.received.length, 0);
    });

    it('when the backup had it', async () => {
      backup.answer = (response) => response.destroy();
      await unknown(client({}).native.create(ORDER), 'CONNECTION');
      assert.equal(backup.received.length, 1);
    });

    for (const code of ['ECONNRESET', 'EPIPE', 'UND_ERR_SOCKET', 'UND_ERR_HEADERS_TIMEOUT']) {
      it(`when sending ends with ${code}`, async () => {
        const { agent, dispatcher } = mocked();
        const failed = Object.assign(new Error(code), { code });
        intercept(agent, MAIN).replyWithError(failed);
        intercept(agent, BACKUP).reply(500, '');
        await unknown(official({ dispatcher }).native.create(ORDER), 'CONNECTION');
        assert.deepEqual(
          agent.pendingInterceptors().map(({ origin }) => origin),
          [BACKUP],
        );
        await agent.close();
      });
    }
  });

  it('when the backup is down as well, the outcome is unknown and the error names the main host', async () => {
    const error = await unknown(client({ backupUrl: nowhere }).native.create(ORDER), 'CONNECTION');
    assert.match(error.message, /ECONNREFUSED/);
    assert.deepEqual(error.request, { method: 'POST', url: `${nowhere}/v3/pay/transactions/native` });
  });

  it('without a backup nothing is sent twice', async () => {
    const { dispatcher, attempts, close } = recording();
    for (const without of [{ backupUrl: false as const }, {}]) {
      const { backupUrl: _, ...rest } = options(nowhere) as WechatPayOptions;
      const pay = new WechatPay({ ...rest, ...without, dispatcher });
      await unknown(pay.native.create(ORDER), 'CONNECTION');
    }
    assert.deepEqual(
      attempts.map(({ origin }) => origin),
      [nowhere, nowhere],
    );
    await close();
  });

  describe('through a dispatcher of the caller', () => {
    for (const code of [
      'ECONNREFUSED',
      'ENOTFOUND',
      'EAI_AGAIN',
      'UND_ERR_CONNECT_TIMEOUT',
      'ETIMEDOUT',
      'EHOSTUNREACH',
      'ENETUNREACH',
    ]) {
      it(`${code} while connecting to the official host turns to its documented backup`, async () => {
        const { agent, dispatcher } = mocked();
        const text = JSON.stringify(CODE_URL);
        intercept(agent, MAIN).replyWithError(connecting(code));
        intercept(agent, BACKUP).reply(200, text, { headers: signatureHeaders(text) });
        assert.deepEqual(await official({ dispatcher }).native.create(ORDER), CODE_URL);
        agent.assertNoPendingInterceptors();
        await agent.close();
      });
    }

    it('a host with several addresses turns to the backup when none of them can be connected to', async () => {
      const { agent, dispatcher } = mocked();
      const text = JSON.stringify(CODE_URL);
      const errors = [connecting('ENETUNREACH'), connecting('ETIMEDOUT')];
      // As net.connect raises it: without a syscall, with the code of the first.
      const every = Object.assign(new AggregateError(errors), { code: 'ENETUNREACH' });
      intercept(agent, MAIN).replyWithError(every);
      intercept(agent, BACKUP).reply(200, text, { headers: signatureHeaders(text) });
      assert.deepEqual(await official({ dispatcher }).native.create(ORDER), CODE_URL);
      agent.assertNoPendingInterceptors();
      await agent.close();
    });

    it('a backup that is switched off is not asked', async () => {
      const { agent, dispatcher } = mocked();
      intercept(agent, MAIN).replyWithError(connecting('ECONNREFUSED'));
      const pay = official({ dispatcher, backupUrl: false });
      await unknown(pay.native.create(ORDER), 'CONNECTION');
      agent.assertNoPendingInterceptors();
      await agent.close();
    });

    for (const baseUrl of ['https://api.wechatpay.cn', 'https://pay-proxy.example.com', BACKUP]) {
      it(`${baseUrl} has no backup that was not asked for`, async () => {
        const { agent, dispatcher } = mocked();
        intercept(agent, baseUrl).replyWithError(connecting('ECONNREFUSED'));
        // Any second request would find no interceptor and say so in another way.
        const error = await unknown(official({ dispatcher, baseUrl }).native.create(ORDER), 'CONNECTION');
        assert.match(error.message, /ECONNREFUSED/);
        await agent.close();
      });
    }

    it('the overseas host turns to the mainland one', async () => {
      const { agent, dispatcher } = mocked();
      const target = { path: '/v3/global/transactions/out-trade-no/T1/close', method: 'POST' };
      agent
        .get('https://apihk.mch.weixin.qq.com')
        .intercept(target)
        .replyWithError(connecting('ECONNREFUSED'));
      agent
        .get(MAIN)
        .intercept(target)
        .reply(204, '', { headers: signatureHeaders('') });
      const { baseUrl: _, ...rest } = options();
      await new WechatPayGlobal({ ...rest, dispatcher }).orders.close('T1');
      agent.assertNoPendingInterceptors();
      await agent.close();
    });
  });

  it('closing twice is closing once, and a caller’s dispatcher is left open', async () => {
    const { dispatcher, attempts, close } = recording();
    const pay = client({});
    await Promise.all([pay.close(), pay.close()]);
    await pay.close();
    const guest = client({ dispatcher });
    await guest.close();
    await guest.close();
    await guest.native.create(ORDER);
    assert.equal(attempts.length, 2);
    await close();
  });

  /** A client of the official host. */
  function official(overrides: Partial<WechatPayOptions>): WechatPay {
    const { baseUrl: _, ...rest } = options();
    const made = new WechatPay({ ...rest, ...overrides });
    opened.push(made);
    return made;
  }

  function mocked() {
    const agent = new MockAgent();
    agent.disableNetConnect();
    return { agent, dispatcher: agent };
  }

  function intercept(agent: MockAgent, origin: string) {
    return agent.get(origin).intercept({ path: '/v3/pay/transactions/native', method: 'POST' });
  }
});
