import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { request } from 'undici';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { Timers } from '../../../simulator/time/timers.ts';
import { control, orderBody, RawClient } from './client.ts';

describe('simulator: what clients do wrong, and what it survives', () => {
  let simulator: Simulator;
  let client: RawClient;

  before(async () => {
    simulator = await startSimulator({ refundDelayMs: Number.POSITIVE_INFINITY });
    client = new RawClient(simulator);
  });
  beforeEach(() => simulator.gateway.reset());
  after(async () => {
    await client.close();
    await simulator.close();
  });

  const open = async (): Promise<Socket> => {
    const { hostname, port } = new URL(simulator.baseUrl);
    const socket = connect(Number(port), hostname);
    socket.on('error', () => {});
    await once(socket, 'connect');
    return socket;
  };
  /** What comes back until the simulator closes the connection. */
  const exchange = async (sent: string | Buffer): Promise<string> => {
    const socket = await open();
    const chunks: Buffer[] = [];
    socket.on('data', (chunk: Buffer) => chunks.push(chunk));
    socket.write(sent);
    await once(socket, 'close');
    return Buffer.concat(chunks).toString('utf8');
  };
  const statusOf = (answer: string) => Number(answer.split(' ', 2)[1]);
  const get = (target: string, headers = 'Host: a\r\n') =>
    `GET ${target} HTTP/1.1\r\n${headers}Connection: close\r\n\r\n`;

  afterEach('still answers', async () => {
    assert.equal((await control(simulator, 'GET', '/state')).status, 200);
  });

  describe('HTTP', () => {
    const MALFORMED: [string, string, number][] = [
      ['bytes of TLS on the plain port', '\x16\x03\x01\x02\r\n\r\n', 400],
      ['no host', get('/v3/certificates', ''), 400],
      [
        'two lengths',
        'POST /pay/orderquery HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n',
        400,
      ],
      [
        'a chunk without a length',
        'POST /pay/orderquery HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n\r\n',
        400,
      ],
      ['headers of 40 KB', get('/v3/certificates', `Host: a\r\nX: ${'x'.repeat(40_000)}\r\n`), 431],
      ['no path', get('*'), 404],
      ['the address of a proxy', get('http://api.mch.weixin.qq.com/v3/certificates'), 404],
      ['dots after the prefix of the control API', get('/_simulator/../v3/certificates'), 404],
      ['dots before it', get('/v3/../_simulator/state'), 404],
      ['two slashes', get('//_simulator/state'), 404],
      ['an encoded slash', get('/%2F_simulator/state'), 404],
      ['half an escape', get('/_simulator/orders/%E0%A4'), 400],
      ['a byte that no path has', get('/_simulator/orders/%00'), 404],
    ];
    for (const [name, sent, status] of MALFORMED) {
      it(`${name}: ${status}`, async () => assert.equal(statusOf(await exchange(sent)), status));
    }

    it('a tunnel is not opened', async () => {
      assert.equal(
        await exchange('CONNECT api.mch.weixin.qq.com:443 HTTP/1.1\r\nHost: a\r\n\r\n'),
        '',
        'the connection is closed',
      );
    });

    it('a body of 6 MB is 413', async () => {
      const head = 'POST /v3/pay/transactions/native HTTP/1.1\r\nHost: a\r\nContent-Length: 6000000\r\n\r\n';
      const answer = await exchange(Buffer.concat([Buffer.from(head), Buffer.alloc(6_000_000, ' ')]));
      assert.equal(statusOf(answer), 413);
    });

    it('404 and 405 have an empty body', async () => {
      for (const [method, path, status] of [
        ['GET', '/v3/nothing', 404],
        ['PUT', '/v3/pay/transactions/native', 405],
      ] as const) {
        const answer = await request(simulator.baseUrl + path, { method });
        assert.deepEqual([answer.statusCode, answer.headers['content-length']], [status, '0']);
        assert.equal(await answer.body.text(), '');
      }
    });

    it('who leaves in the middle of a body, or sends half a head, holds nobody up', async () => {
      const leaving = await open();
      leaving.write('POST /v3/pay/transactions/native HTTP/1.1\r\nHost: a\r\nContent-Length: 200\r\n\r\n{');
      const slow = await open();
      slow.write('GET /v3/certif');
      leaving.destroy();
      assert.equal((await client.order('SLOW001')).status, 200);
      slow.destroy();
    });

    it('two hundred connections at once are all answered', async () => {
      const sockets = await Promise.all(Array.from({ length: 200 }, open));
      const answers = sockets.map(async (socket) => {
        const [chunk] = (await once(socket, 'data')) as [Buffer];
        return statusOf(chunk.toString());
      });
      for (const socket of sockets) socket.write(get('/v3/certificates'));
      assert.deepEqual(new Set(await Promise.all(answers)), new Set([400]));
      for (const socket of sockets) socket.destroy();
    });

    it('the first of two Authorization, Host or Content-Type headers counts, as servers do', async () => {
      const answer = await exchange(
        get(
          '/v3/certificates',
          'Host: a\r\nHost: b\r\nAccept: */*\r\nUser-Agent: t\r\nAuthorization: a\r\nAuthorization: b\r\n',
        ),
      );
      assert.equal(statusOf(answer), 401);
    });
  });

  describe('bodies', () => {
    it('a value that is deep or long is refused and not told back', async () => {
      const deep = `${'['.repeat(500_000)}1${']'.repeat(500_000)}`;
      const body = JSON.stringify(orderBody(simulator, 'DEEP001')).replace('"Tea set"', deep);
      const long = orderBody(simulator, 'DEEP001', { description: 'x'.repeat(1_000_000) });
      for (const sent of [body, long]) {
        const { status, json } = await client.post('/v3/pay/transactions/native', sent);
        assert.deepEqual([status, json.code, json.detail.field], [400, 'PARAM_ERROR', '/description']);
        assert.ok(!('value' in json.detail));
      }
      const short = await client.order('DEEP001', { description: 7 });
      assert.equal(short.json.detail.value, 7);
    });

    it('bytes that are no UTF-8, an array, null and nothing are no JSON object', async () => {
      const noText = Buffer.concat([Buffer.from('{"a":"'), Buffer.from([0xff]), Buffer.from('"}')]);
      for (const body of [noText, '[]', 'null', '', '{', '"x"']) {
        const { status, json } = await client.send('POST', '/v3/pay/transactions/native', body);
        assert.deepEqual([status, json.code, json.detail.field], [400, 'PARAM_ERROR', ''], String(body));
      }
    });

    it('fields that every object has are unknown fields', async () => {
      for (const name of ['constructor', 'toString', '__proto__']) {
        const text = JSON.stringify(orderBody(simulator, 'PROTO01')).replace('{', `{"${name}":1,`);
        const { status, json } = await client.post('/v3/pay/transactions/native', text);
        assert.deepEqual([status, json.detail.field, json.detail.issue], [400, `/${name}`, 'unknown field']);
      }
    });

    it('an immediate response may have an id that every object has', async () => {
      await client.order('TALK001');
      simulator.gateway.pay('TALK001');
      const { complaint_id } = simulator.gateway.complaints.complain({
        out_trade_no: 'TALK001',
        need_immediate_service: true,
      });
      for (const idempotent_id of ['constructor', '__proto__']) {
        const say = () =>
          client.post(`/v3/merchant-service/complaints-v2/${complaint_id}/response-immediate-service`, {
            complainted_mchid: simulator.merchant.mchid,
            idempotent_id,
            message: { blocks: [] },
          });
        const { json } = await say();
        assert.match(json.log_id, /^3002\d+$/);
        assert.deepEqual((await say()).json, json, 'said once');
      }
    });

    it('what follows a second question mark belongs to the query', async () => {
      const { mchid } = simulator.merchant;
      const { status, json } = await client.get(`/v3/pay/transactions/out-trade-no/QUERY01?mchid=${mchid}?`);
      assert.deepEqual([status, json.detail.field, json.detail.value], [400, 'mchid', `${mchid}?`]);
    });
  });

  describe('the control API', () => {
    const REFUSED: [string, string, unknown][] = [
      ['POST', '/faults', { operation: `${'*'.repeat(60)}x`, kind: 'slow' }],
      ['POST', '/faults', { operation: 'o*r*e*r*e*r*e*r*e*r*e*r*e*', kind: 'slow' }],
      ['POST', '/faults', { operation: 'constructor', kind: 'slow' }],
      ['POST', '/faults', { operation: '*', kind: 'constructor' }],
      ['POST', '/faults', null],
      ['POST', '/replay', { faults: [{ operation: 'constructor', call: 1, kind: 'slow' }] }],
      ['POST', '/replay', { faults: [{ operation: '__proto__', call: 1, kind: 'slow' }] }],
      ['POST', '/clock', { advance_ms: 1e15 }],
      ['POST', '/clock', { set: 'tomorrow' }],
      ['POST', '/orders/NOBODY1/pay', { coupon: { amount: -1 } }],
    ];
    for (const [method, path, body] of REFUSED) {
      it(`${path} ${JSON.stringify(body)} is 400`, async () => {
        const { status, json } = await control(simulator, method, path, body);
        assert.equal(status, 400);
        assert.equal(typeof json.error, 'string');
      });
    }

    it('merchants hear of refunds over HTTP only', async () => {
      const path = `/merchants/${simulator.merchant.mchid}/refund-notify-url`;
      for (const url of ['javascript:alert(1)', 'file:///etc/hosts', 'ftp://a.example.com/']) {
        assert.equal((await control(simulator, 'POST', path, { url })).status, 400, url);
      }
    });

    it('a body that is no JSON, or no text, is 400; an unknown method is 404', async () => {
      for (const body of ['{"operation":', Buffer.from([0xff, 0xfe])]) {
        const answer = await request(`${simulator.controlUrl}/faults`, { method: 'POST', body });
        assert.equal(answer.statusCode, 400);
        await answer.body.dump();
      }
      assert.equal((await control(simulator, 'PATCH', '/faults')).status, 404);
    });
  });

  it('an address that is given out to a client of HTTP/1.0, which names no host, is where it came to', async () => {
    await client.order('BILL001');
    simulator.gateway.pay('BILL001');
    simulator.gateway.bills.arrangements.set({ available: 'immediately' });
    const today = new Date(Date.now() + 8 * 3600_000).toISOString().slice(0, 10);
    const url = `/v3/bill/tradebill?bill_date=${today}`;
    const head = Object.entries(client.headers('GET', url)).map(([name, value]) => `${name}: ${value}\r\n`);
    const answer = await exchange(`GET ${url} HTTP/1.0\r\n${head.join('')}\r\n`);
    assert.equal(statusOf(answer), 200, answer);
    assert.match(answer, new RegExp(`"download_url":"${simulator.baseUrl}/v3/billdownload/file`));
  });

  it('an order that is ordered over and over again remembers its newest twenty codes', async () => {
    const codes: string[] = [];
    for (let count = 0; count < 25; count += 1) codes.push((await client.order('AGAIN01')).json.code_url);
    const scans = codes.map((code) => simulator.gateway.scan(code).status);
    assert.deepEqual(scans, [
      ...Array.from({ length: 5 }, () => 'unknown'),
      ...Array.from({ length: 19 }, () => 'dead'),
      'payable',
    ]);
  });

  it('the fault log keeps the newest hundred thousand, the state a thousand of them', () => {
    simulator.gateway.addFault({ operation: 'order.query', kind: 'unsigned', times: null });
    for (let call = 0; call < 100_010; call += 1) simulator.gateway.fireFault('order.query', {}, () => true);
    const { faultBook } = simulator.gateway;
    const log = faultBook.log();
    assert.deepEqual([log.length, log[0]?.sequence, log.at(-1)?.sequence], [100_000, 11, 100_010]);
    const { fault_log } = simulator.gateway.state();
    assert.deepEqual([fault_log.length, fault_log.at(-1)?.sequence], [1000, 100_010]);
    simulator.gateway.reset();
    simulator.gateway.addFault({ operation: 'order.query', kind: 'unsigned' });
    simulator.gateway.fireFault('order.query', {}, () => true);
    assert.deepEqual(
      faultBook.log().map(({ sequence }) => sequence),
      [1],
    );
  });

  it('an error in what waits is told, and what comes after happens', async () => {
    const timers = new Timers();
    const warned = once(process, 'warning');
    const happened: string[] = [];
    timers.at(timers.now() + 10, () => {
      throw new Error('a bug in a timer');
    });
    timers.at(timers.now() + 20, () => happened.push('next'));
    assert.equal(await timers.advance(30), 2);
    assert.deepEqual(happened, ['next']);
    const [warning] = (await warned) as [Error];
    assert.equal(warning.message, 'a bug in a timer');
    timers.close();
  });
});

describe('simulator: a restart without the merchants of the last scenario', () => {
  let directory: string;
  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'simulator-'));
  });
  after(() => rm(directory, { recursive: true }));

  it('lets what is theirs rest, and goes on with it when they are back', async () => {
    const mchid = '1900099999';
    const scenario = { merchants: [{ mchid, appid: 'wx00000000000000aa' }] };
    const options = { dataDir: directory, seed: 3, notifyDelayMs: 60_000, refundDelayMs: 60_000 };
    const first = await startSimulator({ ...options, scenario });
    const { merchant } = first.world.get(mchid);
    const client = new RawClient(first, { merchant });
    const notify_url = 'http://127.0.0.1:9/nobody';
    await client.order('GONE001', { mchid, appid: merchant.appid, notify_url });
    first.gateway.pay('GONE001');
    await client.order('GONE002', { mchid, appid: merchant.appid, notify_url });
    assert.equal((await client.refund('GONE001', 'R1', 100)).status, 200);
    await client.close();
    await first.close();

    const without = await startSimulator(options);
    await without.gateway.moveClock({ advance_ms: 10 * 60_000 });
    assert.equal(without.gateway.refund('R1').status, 'PROCESSING');
    assert.equal(without.gateway.notifications()[0]?.status, 'pending');
    const [{ id = '' } = {}] = without.gateway.notifications();
    for (const [path, body] of [
      ['/orders/GONE002/pay', {}],
      ['/refunds/R1/finish', { status: 'SUCCESS' }],
      [`/notifications/${id}/redeliver`, undefined],
    ] as const) {
      assert.equal((await control(without, 'POST', path, body)).status, 409, path);
    }
    await without.close();

    const again = await startSimulator({ ...options, scenario });
    await again.gateway.moveClock({ advance_ms: 10 * 60_000 });
    assert.equal(again.gateway.refund('R1').status, 'SUCCESS');
    await again.close();
  });
});

describe('simulator: a second port that is taken', () => {
  it('leaves the first one free', async () => {
    const portOf = ({ baseUrl }: Simulator) => Number(new URL(baseUrl).port);
    const [other, free] = [await startSimulator(), await startSimulator()];
    const port = portOf(free);
    await free.close();
    const both = startSimulator({ port, tls: true, tlsPort: portOf(other) });
    await assert.rejects(both, { code: 'EADDRINUSE' });
    const again = await startSimulator({ port });
    assert.equal(portOf(again), port);
    await again.close();
    await other.close();
  });
});
