import { endpoints } from '../endpoint.ts';

/** The host of the face payment terminal's own call. */
export const FACE_HOST = 'payapp.weixin.qq.com';

/** Every call of the v2 API, by its name on the client. Facepay's query and reversal are orderquery and reverse under other paths. */
export const V2_ENDPOINTS = endpoints({
  'v2.unifiedOrder': { method: 'POST', path: '/pay/unifiedorder' },
  'v2.orderQuery': { method: 'POST', path: '/pay/orderquery' },
  'v2.closeOrder': { method: 'POST', path: '/pay/closeorder' },
  'v2.refund': {
    method: 'POST',
    path: '/secapi/pay/refund',
    clientCertificate: true,
    rateLimit: { requests: 150, perSeconds: 1, failing: 6 },
    rateLimitedMayHaveHappened: true,
  },
  'v2.refundQuery': {
    method: 'POST',
    path: '/pay/refundquery',
    rateLimit: { requests: 300, perSeconds: 1 },
  },
  'v2.refundV2': {
    method: 'POST',
    path: '/secapi/pay/refundv2',
    clientCertificate: true,
    rateLimitedMayHaveHappened: true,
  },
  'v2.refundQueryV2': { method: 'POST', path: '/pay/refundqueryv2' },
  'v2.micropay': { method: 'POST', path: '/pay/micropay', rateLimit: { requests: 33, perSeconds: 1 } },
  'v2.reverse': { method: 'POST', path: '/secapi/pay/reverse', clientCertificate: true },
  'v2.facepay': { method: 'POST', path: '/pay/facepay' },
  'v2.facepayQuery': { method: 'POST', path: '/pay/facepayquery' },
  'v2.facepayReverse': { method: 'POST', path: '/secapi/pay/facepayreverse', clientCertificate: true },
  'v2.getWxpayfaceAuthinfo': { method: 'POST', path: '/face/get_wxpayface_authinfo', host: FACE_HOST },
  'v2.downloadBill': { method: 'POST', path: '/pay/downloadbill' },
  'v2.downloadFundFlow': { method: 'POST', path: '/pay/downloadfundflow', clientCertificate: true },
  'v2.authCodeToOpenid': { method: 'POST', path: '/tools/authcodetoopenid' },
  'v2.report': { method: 'POST', path: '/payitil/report' },
  'v2.getSignKey': { method: 'POST', path: '/xdc/apiv2getsignkey/sign/getsignkey' },
});

/** The name of a v2 call. */
export type V2Call = keyof typeof V2_ENDPOINTS;

/** Calls that refuse MD5. */
export const HMAC_ONLY: ReadonlySet<V2Call> = new Set(['v2.facepay', 'v2.downloadFundFlow']);

/** Calls whose answer carries no signature. The bills have none either; they are not XML. */
export const UNSIGNED_ANSWERS: ReadonlySet<V2Call> = new Set(['v2.report', 'v2.getSignKey']);

/** Calls that say everything with `return_code`. */
export const WITHOUT_RESULT_CODE: ReadonlySet<V2Call> = new Set(['v2.getWxpayfaceAuthinfo', 'v2.getSignKey']);

/** Where the calls of `/pay/` and `/secapi/pay/` are repeated without money (official v2 chapter on the sandbox). */
const SANDBOX = '/xdc/apiv2sandbox';

/** The path of a call; the sandbox has those of payments and refunds, and asks for no client certificate. */
export function pathOf(
  call: V2Call,
  { sandbox }: { sandbox: boolean },
): { path: string; certified: boolean } {
  const { path, clientCertificate: certified = false } = V2_ENDPOINTS[call];
  const tested = sandbox && /^(\/secapi)?\/pay\//.test(path);
  return tested ? { path: SANDBOX + path.replace(/^\/secapi/, ''), certified: false } : { path, certified };
}
