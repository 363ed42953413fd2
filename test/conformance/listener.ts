import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

const PATIENCE_MS = 10_000;

/** What a handler made of a notification, and what it answers; a handler that throws has refused it. */
export interface Handled<Notice> {
  notice: Notice;
  status: number;
  body?: string;
}

export type Handler<Notice> = (headers: IncomingHttpHeaders, body: string) => Promise<Handled<Notice>>;

/** A merchant's address for notifications. */
export interface Listener<Notice> {
  url: string;
  /** The first notification that fits, whether it has come or is still to come. @throws when the handler refused one, or none comes. */
  received(fits: (notice: Notice) => boolean): Promise<Notice>;
  close(): Promise<void>;
}

/** Listens on this machine and hands every notification to a handler that the client under test provides. */
export async function listen<Notice>(handler: Handler<Notice>): Promise<Listener<Notice>> {
  const notices: Notice[] = [];
  let refused: Error | undefined;
  const waiting = new Set<() => void>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      handler(request.headers, Buffer.concat(chunks).toString('utf8'))
        .then(({ notice, status, body }) => {
          notices.push(notice);
          response.writeHead(status).end(body);
        })
        .catch((error: unknown) => {
          refused = error instanceof Error ? error : new Error(String(error));
          response.writeHead(500).end(JSON.stringify({ code: 'FAIL', message: refused.message }));
        })
        .finally(() => {
          for (const look of waiting) look();
        });
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/notify`,
    received: (fits) =>
      new Promise((resolve, reject) => {
        const stop = () => {
          clearTimeout(deadline);
          waiting.delete(look);
        };
        const deadline = setTimeout(() => {
          stop();
          reject(new Error('no such notification came'));
        }, PATIENCE_MS);
        const look = () => {
          const notice = notices.find(fits);
          if (notice === undefined && refused === undefined) return;
          stop();
          if (notice !== undefined) resolve(notice);
          else reject(refused);
        };
        waiting.add(look);
        look();
      }),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}
