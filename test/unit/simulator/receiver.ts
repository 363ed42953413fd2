import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A notification that arrived, headers in lower case. */
export interface Delivery {
  headers: Record<string, string>;
  body: string;
}

/** A merchant's notification address. */
export interface Receiver {
  url: string;
  deliveries: Delivery[];
  /** How the next ones are answered. */
  answer: (response: ServerResponse, count: number) => void;
  /** The delivery with this number, counted from 1, as soon as it is there. */
  delivery(number: number): Promise<Delivery>;
  close(): Promise<void>;
}

export async function startReceiver(): Promise<Receiver> {
  const waiting: (() => void)[] = [];
  const receiver: Receiver = {
    url: '',
    deliveries: [],
    answer: (response) => response.writeHead(204).end(),
    async delivery(number) {
      for (;;) {
        const delivery = receiver.deliveries[number - 1];
        if (delivery) return delivery;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
  const server = createServer((request, response) => {
    void (async () => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const body = Buffer.concat(chunks).toString('utf8');
      receiver.deliveries.push({ headers: request.headers as Record<string, string>, body });
      receiver.answer(response, receiver.deliveries.length);
      for (const resolve of waiting.splice(0)) resolve();
    })();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  receiver.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/notify`;
  return receiver;
}
