import { createPrivateKey, generateKeyPairSync } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { answerMessage, randomNonce, SIGNATURE_SCHEME, signMessage } from '../wechatpay/v3/signature.ts';
import type { BillsMade } from './reconciliation-books.ts';

const PUBLIC_KEY_ID = 'PUB_KEY_ID_0000000000000000000000000000000001';

/** A gateway that has two bills and nothing else: files that were made before, so that making them is not measured. */
export interface BillGateway {
  baseUrl: string;
  /** How WeChat Pay signs, for the merchant's credentials. */
  publicKeys: Record<string, string>;
  offer(bills: BillsMade): void;
  stop(): Promise<void>;
}

/** Starts it on a free port. */
export async function startBillGateway(): Promise<BillGateway> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', {
    modulusLength: 2048,
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    publicKeyEncoding: { type: 'spki', format: 'pem' },
  });
  const key = createPrivateKey(privateKey);
  let bills: BillsMade | undefined;
  let baseUrl = '';
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://gateway');
    const kind = pathname === '/v3/bill/tradebill' ? 'trade' : 'fundFlow';
    if (!bills) {
      response.writeHead(404).end();
    } else if (pathname === '/v3/billdownload/file') {
      response.writeHead(200, { 'Content-Type': 'application/x-gzip' });
      createReadStream(bills[searchParams.get('token') === 'trade' ? 'trade' : 'fundFlow'].path).pipe(
        response,
      );
    } else {
      const body = JSON.stringify({
        hash_type: 'SHA1',
        hash_value: bills[kind].sha1,
        download_url: `${baseUrl}/v3/billdownload/file?token=${kind}`,
      });
      const timestamp = String(Math.floor(Date.now() / 1000));
      const nonce = randomNonce();
      response
        .writeHead(200, {
          'Content-Type': 'application/json',
          'Wechatpay-Nonce': nonce,
          'Wechatpay-Serial': PUBLIC_KEY_ID,
          'Wechatpay-Signature': signMessage(answerMessage(timestamp, nonce, body), key),
          'Wechatpay-Signature-Type': SIGNATURE_SCHEME,
          'Wechatpay-Timestamp': timestamp,
        })
        .end(body);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    baseUrl,
    publicKeys: { [PUBLIC_KEY_ID]: publicKey },
    offer(made) {
      bills = made;
    },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}
