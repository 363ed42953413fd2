import type { Payment } from '../database/payments.ts';
import { type Prepaid, prepayExpiresAt } from '../domain/product.ts';
import { rfc3339 } from '../domain/time.ts';
import type { Merchants } from '../gateway/merchants.ts';

/** What the front end needs to open WeChat's cashier. */
export interface Cashier {
  /** Native: to be shown as a QR code. */
  code_url: string | null;
  /** H5: to redirect the browser to; the way back is appended already. */
  h5_url: string | null;
  /** JSAPI, mini program, app: what WeChat's own function takes. */
  invocation: object | null;
  /** When that dies. RFC 3339. */
  prepay_expires_at: string | null;
}

/** What the cashier is opened for: a payment, or a combined one. */
export type Opened = Prepaid &
  Pick<
    Payment,
    | 'merchantId'
    | 'product'
    | 'status'
    | 'timeExpire'
    | 'h5RedirectUrl'
    | 'appid'
    | 'subAppid'
    | 'payerSubOpenid'
  >;

export const NOTHING: Cashier = { code_url: null, h5_url: null, invocation: null, prepay_expires_at: null };

/**
 * What the front end needs now: nothing unless the customer can still pay with it. Invocation parameters are signed afresh at every reading
 * and never stored.
 */
export async function cashierOf(
  payment: Opened,
  { merchants, clock }: { merchants: Merchants; clock: () => number },
): Promise<Cashier> {
  const expiresAt = payment.status === 'PENDING' ? prepayExpiresAt(payment) : null;
  if (expiresAt === null) return NOTHING;
  const open = { ...NOTHING, prepay_expires_at: rfc3339(expiresAt) };
  if (expiresAt.getTime() <= clock()) return open;

  const { codeUrl, prepayId, h5Url, h5RedirectUrl } = payment;
  if (codeUrl !== null) return { ...open, code_url: codeUrl };
  const { invocation } = (await merchants.get(payment.merchantId)).wechat;
  if (h5Url !== null) {
    const way = h5RedirectUrl === null ? {} : { redirectUrl: h5RedirectUrl };
    return { ...open, h5_url: invocation.h5(h5Url, way) };
  }
  if (prepayId === null) return open;
  const front = { appId: appIdOf(payment) };
  switch (payment.product) {
    case 'JSAPI':
      return { ...open, invocation: invocation.jsapi(prepayId, front) };
    case 'MINI_PROGRAM':
      return { ...open, invocation: invocation.miniProgram(prepayId, front) };
    default:
      return { ...open, invocation: invocation.app(prepayId, front) };
  }
}

/**
 * Whose page, mini program or app it is: the sub-merchant's where it knows the customer, or an app's where the order names its appid; else
 * the appid of the order.
 */
function appIdOf({ product, appid, subAppid, payerSubOpenid }: Opened): string {
  const ofSubMerchant = product === 'APP' ? subAppid !== null : payerSubOpenid !== null;
  return (ofSubMerchant ? subAppid : appid) ?? '';
}
