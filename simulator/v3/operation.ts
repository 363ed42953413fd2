import type { FireFaults } from '../faults/book.ts';
import type { ApplicationFault, BillFault, Race, Subject } from '../faults/fault.ts';
import type { Gateway } from '../gateway.ts';
import { GatewayError, paramError } from '../gateway-error.ts';
import { isBound, type SimulatedMerchant, type SimulatedSubMerchant } from '../merchants/merchant.ts';
import type { Order } from '../orders/order.ts';
import { parseJson } from './request-body.ts';

/** An authenticated request. */
export interface Call {
  gateway: Gateway;
  /** Who signed. */
  caller: SimulatedMerchant;
  /** Path without query. */
  path: string;
  /** Named groups of the path, decoded. */
  parameters: Record<string, string>;
  query: URLSearchParams;
  /** `Host` of the request: addresses that the gateway gives out are on the host it was called by. */
  host: string;
  /** Whether it came over HTTPS. */
  secure: boolean;
  /** `Wechatpay-Serial` of the request, with which sensitive fields were encrypted. */
  serial: string | undefined;
  body: Buffer;
  /** `Content-Type` of the request. */
  contentType: string;
}

/** An answer that is not a JSON body: a file, which WeChat Pay does not sign. */
export interface FileReply {
  contentType: string;
  headers?: Record<string, string>;
  content: Buffer | AsyncIterable<Buffer>;
  /** The text that is signed in place of the body; files have none. */
  signedText?: string;
}

/** What an operation answers: a JSON object with 200, nothing with 204, or a file. */
export type Reply = object | FileReply | undefined;

/** A call whose fields were found right: what it is about, and what it does. */
export interface CheckedCall {
  subject: Subject;
  /** The order whose payment can race with the call, when it is not the subject's. */
  order?: Order | undefined;
  /**
   * Takes effect and answers, later when there is much to compute. `lagging` answers a query as a gateway does that has not seen the payment
   * yet; `fireFaults` asks for faults that only the call itself can place.
   * @throws GatewayError for a business refusal.
   */
  run(lagging: boolean, fireFaults: FireFaults): Reply | Promise<Reply>;
}

/** One endpoint of the gateway. */
export interface Operation {
  /** As faults name it: `native.create`. Endpoints that do the same have the same name. */
  name: string;
  method: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path: RegExp;
  /** Faults that make sense only here. */
  faults?: readonly (Race | ApplicationFault | BillFault)[];
  /** What the signature of the request covers, where that is not the whole body. */
  signedPart?(body: Buffer, contentType: string): Buffer;
  /** @throws GatewayError 400 for the mchid or a field. */
  check(call: Call): CheckedCall;
}

/** Whether an answer is a file. */
export function isFile(reply: object | undefined): reply is FileReply {
  return reply !== undefined && 'content' in reply && 'contentType' in reply;
}

/** The body of a call that names its merchant (`mchid`, or a service provider's `sp_mchid`): check 7 comes before the fields. */
export function ownBody(
  { body, caller }: Call,
  field: 'mchid' | 'sp_mchid' | 'combine_mchid' = 'mchid',
): Record<string, unknown> {
  const value = parseJson(body);
  const named = value[field];
  if (typeof named === 'string' && named !== caller.mchid) {
    throw new GatewayError(400, 'PARAM_ERROR', 'http header中的mchid与post payload中的mchid不匹配', {
      internalCode: 268447843,
    });
  }
  return value;
}

/**
 * The sub-merchant of a service provider.
 * @throws GatewayError 400 INVALID_REQUEST when the two have nothing to do with each other.
 */
export function subMerchant(caller: SimulatedMerchant, mchid: string): SimulatedSubMerchant {
  if (mchid === caller.mchid) {
    throw new GatewayError(400, 'INVALID_REQUEST', '子商户号不能与服务商商户号相同', {
      internalCode: 268443705,
    });
  }
  const found = caller.subMerchants.find((one) => one.mchid === mchid);
  if (found) return found;
  throw new GatewayError(400, 'INVALID_REQUEST', '受理关系不存在', { internalCode: 268443701 });
}

/**
 * For whom a refund is: the sub-merchant that a service provider must name, nobody else for a merchant.
 * @throws GatewayError 400 PARAM_ERROR when it is missing, 404 MCH_NOT_EXISTS for a mchid of nobody's.
 */
export function refundOwner(
  { caller, gateway }: Pick<Call, 'caller' | 'gateway'>,
  subMchid: string | undefined,
  location: 'body' | 'query' = 'body',
): string | undefined {
  if (subMchid === undefined) {
    if (caller.role === 'merchant') return undefined;
    const field = location === 'body' ? '/sub_mchid' : 'sub_mchid';
    throw paramError({ field, issue: 'required', location }, { internalCode: 268443704 });
  }
  if (!gateway.world.knows(subMchid)) throw new GatewayError(404, 'MCH_NOT_EXISTS', '商户号不存在');
  return subMerchant(caller, subMchid).mchid;
}

/** @throws GatewayError 500 INVALID_TRANSACTIONID for what cannot be a number of WeChat Pay's. */
export function wellFormed(transactionId: string | undefined): void {
  if (transactionId === undefined || /^\d{28}$/.test(transactionId)) return;
  throw new GatewayError(500, 'INVALID_TRANSACTIONID', '订单号非法');
}

/** @throws GatewayError 400 APPID_MCHID_NOT_MATCH unless the appid is bound to the merchant. */
export function boundAppid(appid: string, owner: { appid: string; otherAppids?: string[] }): void {
  if (isBound(appid, owner)) return;
  throw new GatewayError(400, 'APPID_MCHID_NOT_MATCH', 'appid和mchid不匹配', { internalCode: 268445527 });
}
