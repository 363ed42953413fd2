import type { IncomingHttpHeaders } from 'node:http';
import { parseAuthorization } from '../../../wechatpay/v3/signature.ts';
import type { SigningGateway } from './signing-gateway.ts';

/** An upload as it arrived, read by an independent parser: undici's. */
export async function readMultipart({ headers, body }: { headers: IncomingHttpHeaders; body: Buffer }) {
  const contentType = headers['content-type'] ?? '';
  const form = await new Response(body, { headers: { 'Content-Type': contentType } }).formData();
  const meta = form.get('meta');
  const file = form.get('file');
  if (typeof meta !== 'string' || !(file instanceof File)) throw new Error('the parts are not text and file');
  return {
    names: [...form.keys()],
    meta,
    filename: file.name,
    contentType: file.type,
    bytes: Buffer.from(await file.arrayBuffer()),
  };
}

/** The parts of the header Authorization. */
export function authorizationOf(headers: IncomingHttpHeaders) {
  const authorization = parseAuthorization(headers.authorization);
  if (!authorization) throw new Error('there is no Authorization');
  return authorization;
}

/** Answers bytes without a signature, as WeChat Pay answers files. */
export function fileAnswer(bytes: Buffer | string, contentType = 'image/png'): SigningGateway['answer'] {
  return (response) => {
    response.writeHead(200, { 'Content-Type': contentType });
    response.end(bytes);
  };
}
