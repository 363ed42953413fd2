import { readFileSync } from 'node:fs';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { answerMessage, verificationKey, verifyMessage } from '../wechatpay/v3/signature.ts';
import { answerQuestions } from './protocol-child.ts';
import type { Await, MerchantSetUp, Received, ReceiverReady } from './simulator-wire.ts';

/** Who is notified: counts, and answers 200. */

/** One notification in so many has its signature verified, so that nobody is fast by signing nothing. */
const VERIFY_EVERY = 50;

let received = 0;
let forged = 0;
let waiting: { notifications: number; done: () => void } | undefined;

async function start({ credentials }: MerchantSetUp): Promise<ReceiverReady> {
  const key = verificationKey(readFileSync(join(credentials, 'pub_key.pem'), 'utf8'));
  const isGenuine = (headers: IncomingHttpHeaders, body: Buffer) => {
    const header = (name: string) => String(headers[name]);
    const message = answerMessage(header('wechatpay-timestamp'), header('wechatpay-nonce'), body);
    return verifyMessage(message, header('wechatpay-signature'), key);
  };
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      response.writeHead(200).end();
      received += 1;
      if (received % VERIFY_EVERY === 1 && !isGenuine(request.headers, Buffer.concat(chunks))) forged += 1;
      if (waiting && received >= waiting.notifications) waiting.done();
    });
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { notifyUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/notify` };
}

answerQuestions<MerchantSetUp | Await>(async (question) => {
  if ('credentials' in question) return start(question);
  const { notifications } = question;
  if (received < notifications) {
    await new Promise<void>((resolve) => {
      waiting = { notifications, done: resolve };
    });
  }
  return { notifications: received, forged } satisfies Received;
});
