import assert from 'node:assert/strict';
import { once } from 'node:events';
import { type Server, request as send } from 'node:http';
import type { AddressInfo } from 'node:net';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import proto from '@temporalio/proto';
import { encryptingCodec } from '../../../codec/payload-codec.ts';
import { createCodecServer } from '../../../codec/server.ts';

const UI = 'http://127.0.0.1:8233';
const TOKEN = 'a-token-of-more-than-thirty-two-characters';
const codec = encryptingCodec([{ id: 'k1', key: Buffer.alloc(32, 1) }]);
const plain = defaultPayloadConverter.toPayload({ amount: 2590 }) as Payload;

const wire = proto.temporal.api.common.v1.Payload;
const toJson = (payload: Payload) => wire.toObject(wire.fromObject(payload), { bytes: String });
const fromJson = (json: object) => defaultPayloadConverter.fromPayload(wire.fromObject(json));

interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of JSON
  body: any;
}

describe('codec server', () => {
  let server: Server;
  const requests: object[] = [];
  const start = async (token?: string) => {
    requests.length = 0;
    server = createCodecServer({
      codec,
      uiOrigins: [UI],
      token,
      onRequest: (request) => requests.push(request),
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
  };
  afterEach(() => {
    server.closeAllConnections();
    server.close();
  });

  /** Not with fetch: that one does not let a caller say which page it is. */
  const call = (
    method: string,
    path: string,
    headers: Record<string, string> = {},
    body = '',
  ): Promise<Answer> =>
    new Promise((resolve, reject) => {
      // A connection of its own: one that is kept alive may just be closing.
      const agent = false;
      const { port } = server.address() as AddressInfo;
      const request = send({ host: '127.0.0.1', port, method, path, headers, agent }, (response) => {
        let text = '';
        response.setEncoding('utf8').on('data', (chunk) => {
          text += chunk;
        });
        response.on('end', () =>
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: text === '' ? undefined : JSON.parse(text),
          }),
        );
      });
      request.on('error', reject).end(body);
    });
  const post = (path: string, payloads: unknown, headers: Record<string, string> = {}) =>
    call('POST', path, { 'content-type': 'application/json', ...headers }, JSON.stringify({ payloads }));

  it('encodes and decodes in the words of Temporal’s protocol', async () => {
    await start();
    const encoded = await post('/encode', [toJson(plain)], { 'x-namespace': 'default' });
    assert.equal(encoded.status, 200);
    const [stored] = encoded.body.payloads;
    assert.equal(Buffer.from(stored.metadata.encoding, 'base64').toString(), 'binary/encrypted');
    const decoded = await post('/decode', [stored, toJson(plain)], { origin: UI });
    assert.deepEqual(decoded.body.payloads.map(fromJson), [{ amount: 2590 }, { amount: 2590 }]);
    assert.deepEqual(requests, [
      { operation: 'encode', status: 200, payloads: 1, namespace: 'default' },
      { operation: 'decode', status: 200, payloads: 2, namespace: undefined },
    ]);
  });

  it('lets pages of the UI ask, and no other page', async () => {
    await start();
    const preflight = await call('OPTIONS', '/decode', {
      origin: UI,
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'content-type,x-namespace',
    });
    assert.equal(preflight.status, 204);
    assert.equal(preflight.headers['access-control-allow-origin'], UI);
    assert.match(String(preflight.headers['access-control-allow-headers']), /X-Namespace/);
    const allowed = await post('/decode', [], { origin: UI });
    assert.equal(allowed.headers['access-control-allow-origin'], UI);
    assert.equal(allowed.headers.vary, 'Origin');
    // A page that has its own name point to this machine says its own name too.
    for (const origin of ['https://evil.example', 'http://127.0.0.1:8234', 'null']) {
      for (const method of ['OPTIONS', 'POST']) {
        const refused = await call(
          method,
          '/decode',
          { origin, 'content-type': 'application/json' },
          '{"payloads":[]}',
        );
        assert.equal(refused.status, 403, `${method} ${origin}`);
        assert.equal(refused.headers['access-control-allow-origin'], undefined);
      }
    }
  });

  it('with a token, nobody reads without it; a preflight cannot bring one', async () => {
    await start(TOKEN);
    for (const authorization of ['', 'Bearer wrong', TOKEN, `bearer ${TOKEN}`]) {
      const refused = await post('/decode', [], { authorization });
      assert.equal(refused.status, 401, authorization);
      assert.equal(refused.headers['www-authenticate'], 'Bearer');
    }
    assert.equal((await post('/decode', [], { authorization: `Bearer ${TOKEN}` })).status, 200);
    assert.equal((await call('OPTIONS', '/decode', { origin: UI })).status, 204);
    assert.equal((await call('GET', '/healthz')).status, 200);
  });

  it('a payload of a key it does not have: 422 with the name of the key', async () => {
    await start();
    const stored = await encryptingCodec([{ id: 'k0', key: Buffer.alloc(32, 9) }]).encode([plain]);
    const refused = await post('/decode', stored.map(toJson));
    assert.equal(refused.status, 422);
    assert.match(refused.body.message, /"k0"/);
    assert.deepEqual(requests, [{ operation: 'decode', status: 422, payloads: 1, namespace: undefined }]);
  });

  it('no payloads are an empty object to Temporal’s command line', async () => {
    await start();
    const answer = await call('POST', '/decode', { 'content-type': 'application/json' }, '{}');
    assert.equal(answer.status, 200);
    assert.deepEqual(answer.body, { payloads: [] });
  });

  it('says what is wrong with a request', async () => {
    await start();
    for (const payloads of [
      null,
      'x',
      [1],
      [null],
      [{ data: 1 }],
      [{ metadata: 'x' }],
      [{ metadata: { a: 1 } }],
    ]) {
      assert.equal((await post('/decode', payloads)).status, 400, JSON.stringify(payloads));
    }
    assert.equal(
      (await call('POST', '/decode', { 'content-type': 'application/json' }, '{"payl')).status,
      400,
    );
    assert.equal(
      (await call('POST', '/decode', { 'content-type': 'text/plain' }, '{"payloads":[]}')).status,
      400,
    );
    assert.equal((await post('/decode', ['x'.repeat(9_000_000)])).status, 413);
    assert.equal((await call('GET', '/decode')).status, 404);
  });
});
