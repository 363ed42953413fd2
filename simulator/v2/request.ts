import { isUtf8 } from 'node:buffer';
import type { X509Certificate } from 'node:crypto';
import { signFields, type V2SignType } from '../../wechatpay/v2/signature.ts';
import { parseXml, type V2Fields, XmlError } from '../../wechatpay/v2/xml.ts';
import type { Enrolment } from '../merchants/merchant.ts';
import type { World } from '../merchants/world.ts';
import { lacking } from './elements.ts';
import { V2Error } from './error.ts';

const MAX_BYTES = 256 * 1024;
const NONCE_LENGTH = 32;

/** A request whose signature fits. */
export interface SignedRequest {
  enrolment: Enrolment;
  /** Every element that is not empty. */
  fields: V2Fields;
  signType: V2SignType;
}

/**
 * Reads the elements of a request, whatever its `Content-Type` says; empty ones do not count.
 * @throws V2Error REQUIRE_POST_METHOD, POST_DATA_EMPTY, NOT_UTF8 or XML_FORMAT_ERROR, a document type or an entity included.
 */
export function readElements(method: string | undefined, body: Buffer): V2Fields {
  if (method !== 'POST') throw new V2Error('REQUIRE_POST_METHOD');
  if (body.length === 0) throw new V2Error('POST_DATA_EMPTY');
  if (!isUtf8(body)) throw new V2Error('NOT_UTF8');
  try {
    const fields = parseXml(body, { maxBytes: MAX_BYTES });
    return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== ''));
  } catch (error) {
    if (error instanceof XmlError) throw new V2Error('XML_FORMAT_ERROR');
    throw error;
  }
}

/**
 * Finds out who signed.
 * @param keyOf the key of a merchant: its APIv2 key, or in the sandbox that of the sandbox.
 * @throws V2Error LACK_PARAMS, PARAM_ERROR, MCHID_NOT_EXIST or SIGNERROR.
 */
export function authenticate(
  fields: V2Fields,
  {
    world,
    required,
    signTypes,
    keyOf,
  }: {
    world: World;
    required: readonly string[];
    /** The first is what an absent `sign_type` means. */
    signTypes: readonly V2SignType[];
    keyOf: (enrolment: Enrolment) => string;
  },
): SignedRequest {
  for (const name of [...required, 'mch_id', 'nonce_str', 'sign']) {
    if (!fields[name]) throw lacking(name);
  }
  const { mch_id = '', nonce_str = '', sign } = fields;
  if (nonce_str.length > NONCE_LENGTH) throw new V2Error('PARAM_ERROR', '参数错误:nonce_str长度不能超过32');
  const signType = signTypes.find((one) => one === (fields.sign_type ?? signTypes[0]));
  if (!signType) throw new V2Error('PARAM_ERROR', `参数错误:sign_type必须为${signTypes.join('或')}`);
  const enrolment = world.find(mch_id);
  if (!enrolment) throw new V2Error('MCHID_NOT_EXIST');
  if (sign !== signFields(fields, keyOf(enrolment), signType)) throw new V2Error('SIGNERROR', '签名失败');
  return { enrolment, fields, signType };
}

/**
 * Whether a connection showed the merchant's certificate: its serial number, and the key that the connection proved to hold.
 * @throws V2Error otherwise. The texts are not documented.
 */
export function requireCertificate(
  { merchant, merchantPublicKey }: Enrolment,
  certificate: X509Certificate | undefined,
): void {
  if (!certificate) throw new V2Error('NOAUTH', '请求未携带证书，请携带证书后重试');
  if (certificate.serialNumber === merchant.serialNo && certificate.publicKey.equals(merchantPublicKey))
    return;
  throw new V2Error('NOAUTH', '证书与商户号不匹配，请使用该商户的API证书');
}
