import { signFields, type V2SignType } from '../../wechatpay/v2/signature.ts';
import { buildXml, type V2Fields } from '../../wechatpay/v2/xml.ts';

/** Whose answer it is, and how it is signed. */
export interface V2Signer {
  mchid: string;
  appid: string | undefined;
  subMchid?: string | undefined;
  subAppid?: string | undefined;
  key: string;
  signType: V2SignType;
  nonce: string;
}

/** The elements with which everything begins that v2 says about a merchant. */
export function identity({
  appid,
  mchid,
  subAppid,
  subMchid,
  nonce,
}: Omit<V2Signer, 'key' | 'signType'>): V2Fields {
  return present({
    return_code: 'SUCCESS',
    return_msg: 'OK',
    appid,
    mch_id: mchid,
    sub_appid: subAppid,
    sub_mch_id: subMchid,
    nonce_str: nonce,
  });
}

/** Elements with their signature. */
export function signed(elements: V2Fields, { key, signType }: Pick<V2Signer, 'key' | 'signType'>): V2Fields {
  const values = printable(elements);
  return { ...values, sign: signFields(values, key, signType) };
}

/** As XML. */
export function toXml(elements: V2Fields): string {
  return buildXml(printable(elements));
}

/** Elements without those that are undefined or empty, numbers as text. */
export function present(elements: Record<string, string | number | undefined>): V2Fields {
  return Object.fromEntries(
    Object.entries(elements).flatMap(([name, value]) =>
      value === undefined || value === '' ? [] : [[name, String(value)]],
    ),
  );
}

/** Whatever an order was named by other APIs: what XML cannot hold becomes a blank. */
function printable(elements: V2Fields): V2Fields {
  return Object.fromEntries(
    Object.entries(elements).map(([name, value]) => [
      name,
      value
        .replace(/[^\t\n\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, ' ')
        .replaceAll('<!', '< !'),
    ]),
  );
}
