import type { IncomingHttpHeaders } from 'node:http';
import {
  MAX_CLOCK_SKEW_SECONDS,
  parseAuthorization,
  requestMessage,
  verifyMessage,
} from '../../wechatpay/v3/signature.ts';
import { GatewayError, signError } from '../gateway-error.ts';
import type { Enrolment } from '../merchants/merchant.ts';
import type { World } from '../merchants/world.ts';

const SHOWN_MESSAGE_LENGTH = 128;

/** A request as it came over the wire. */
export interface RawRequest {
  method: string;
  /** Path and query exactly as sent; this is what the client signed. */
  url: string;
  headers: IncomingHttpHeaders;
  /** What the signature covers: the bytes of the body, or of an upload only its part `meta`. */
  body: Buffer;
}

/**
 * Checks 2 to 6 of the gateway, in its order: headers, form of `Authorization`, clock, serial number, signature (official pages
 * 4012365342 and 4012365334). Returns the caller.
 * @throws GatewayError that is answered unsigned, because the caller is not known yet.
 */
export function authenticate(request: RawRequest, world: Pick<World, 'find'>, now: number): Enrolment {
  if (!request.headers.accept || !request.headers['user-agent']) {
    throw new GatewayError(400, 'INVALID_REQUEST', 'Http头缺少Accept或User-Agent');
  }
  const authorization = parseAuthorization(request.headers.authorization);
  if (!authorization || !/^\d{10}$/.test(authorization.timestamp) || authorization.nonce.length > 32) {
    throw signError('Http头Authorization值格式错误，请参考《微信支付商户REST API签名规则》');
  }
  const { mchid, nonce, timestamp, serialNo, signature } = authorization;
  if (Math.abs(now / 1000 - Number(timestamp)) > MAX_CLOCK_SKEW_SECONDS) {
    throw signError('Http头Authorization中的timestamp与发起请求的时间不得超过5分钟');
  }
  const caller = world.find(mchid);
  if (serialNo.toUpperCase() !== caller?.merchant.serialNo) {
    throw signError('商户证书序列号有误。请使用签名私钥匹配的证书序列号');
  }
  const messageFor = (url: string) => {
    const head = requestMessage({ method: request.method, url, timestamp, nonce, body: '' }).slice(0, -1);
    // Bytes, not text: decoding and encoding again would change a body that is not valid UTF-8.
    return Buffer.concat([Buffer.from(head), request.body, Buffer.from('\n')]);
  };
  const message = messageFor(request.url);
  if (verifyMessage(message, signature, caller.merchantPublicKey)) return caller;
  // Some clients sign the URL without the lone `?` that they then send.
  if (
    request.url.endsWith('?') &&
    verifyMessage(messageFor(request.url.slice(0, -1)), signature, caller.merchantPublicKey)
  ) {
    return caller;
  }
  throw signError('错误的签名，验签失败', {
    detail: { issue: 'sign not match' },
    field: 'signature',
    location: 'authorization',
    sign_information: {
      method: request.method,
      sign_message_length: message.length,
      truncated_sign_message: message.toString('utf8').slice(0, SHOWN_MESSAGE_LENGTH),
      url: request.url,
    },
  });
}
