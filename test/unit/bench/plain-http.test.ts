import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { PlainConnection } from '../../../bench/plain-http.ts';

describe('HTTP of the load generators', () => {
  let server: Server;
  let sockets: Socket[];
  let connection: PlainConnection;
  /** What the server does with each request. */
  let answer: (socket: Socket, request: string) => unknown;

  beforeEach(async () => {
    sockets = [];
    server = createServer((socket) => {
      sockets.push(socket);
      socket.on('data', (chunk) => answer(socket, chunk.toString()));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as { port: number };
    connection = new PlainConnection(`http://127.0.0.1:${port}`);
  });

  afterEach(() => {
    connection.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });

  it('makes one request after the other on one connection', async () => {
    const requests: string[] = [];
    answer = (socket, request) => {
      requests.push(request);
      socket.write(`HTTP/1.1 200 OK\r\nX-Turn: ${requests.length}\r\nContent-Length: 6\r\n\r\n支付`);
    };
    const first = await connection.post('/a', { 'X-One': '1' }, '好');
    const second = await connection.post('/b', {});
    assert.deepEqual([first.status, first.headers.get('x-turn'), first.body], [200, '1', '支付']);
    assert.deepEqual([second.headers.get('x-turn'), sockets.length], ['2', 1]);
    assert.match(
      requests[0] ?? '',
      /^POST \/a HTTP\/1\.1\r\nHost: .*\r\nContent-Length: 3\r\nX-One: 1\r\n\r\n好$/,
    );
  });

  it('puts together an answer that comes in pieces', async () => {
    answer = async (socket) => {
      for (const piece of ['HTTP/1.1 204 No', ' Content\r\nContent-Le', 'ngth: 4\r\n\r\nab', 'cd']) {
        await new Promise((resolve) => socket.write(piece, resolve));
        await setImmediate();
      }
    };
    const { status, body } = await connection.post('/', {});
    assert.deepEqual([status, body], [204, 'abcd']);
  });

  it('fails when the answer has no length, and when the connection ends', async () => {
    answer = (socket) => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n');
    await assert.rejects(connection.post('/', {}), /no Content-Length/);
    const { port } = server.address() as { port: number };
    connection = new PlainConnection(`http://127.0.0.1:${port}`);
    answer = (socket) => socket.end();
    await assert.rejects(connection.post('/', {}), /closed/);
  });
});
