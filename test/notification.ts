import { randomUUID } from 'node:crypto';
import { encryptResource } from '../wechatpay/v3/aead.ts';
import { answerMessage, signMessage } from '../wechatpay/v3/signature.ts';
import type { Paysaga } from './fixture.ts';

/** A success as WeChat Pay tells of it, by default about the merchant of the fixture and ¥25.90. */
export function success(
  { simulator }: Pick<Paysaga, 'simulator'>,
  outTradeNo: string,
  fields: object = {},
): object {
  const { appid, mchid } = simulator.merchant;
  return {
    appid,
    mchid,
    out_trade_no: outTradeNo,
    transaction_id: `4200002088202603${String(Date.now()).padStart(12, '0')}`,
    trade_type: 'NATIVE',
    trade_state: 'SUCCESS',
    success_time: '2026-03-01T12:03:11+08:00',
    payer: { openid: 'oA1b' },
    amount: { total: 2590, payer_total: 2590, currency: 'CNY', payer_currency: 'CNY' },
    ...fields,
  };
}

/** What a notification is about, and for whom it is; a success for the merchant of the fixture unless told. */
export interface Told {
  id?: string;
  eventType?: string;
  merchantId?: string;
  mchid?: string;
  flaws?: Flaws;
}

/** What differs from a genuine notification. */
export interface Flaws {
  /** Shift of the signed timestamp, in seconds. */
  ageSeconds?: number;
  signature?: string;
  serial?: string;
  apiV3Key?: string;
  /** Replaces the envelope before it is signed. */
  envelope?: (envelope: Record<string, unknown>) => unknown;
  /** Changes the bytes after they were signed. */
  tamper?: (body: string) => string;
  /** Headers to leave out. */
  without?: string[];
}

/** Posts what only WeChat Pay can encrypt and sign. @returns how it is acknowledged. */
export async function notify(
  { apiUrl, simulator, ...paysaga }: Pick<Paysaga, 'apiUrl' | 'merchantId' | 'mchid' | 'simulator'>,
  resource: object,
  {
    id = randomUUID(),
    eventType = 'TRANSACTION.SUCCESS',
    merchantId = paysaga.merchantId,
    mchid = paysaga.mchid,
    flaws = {},
  }: Told = {},
): Promise<{ status: number; text: string }> {
  const { merchant, platformPrivateKey } = simulator.world.get(mchid);
  const nonce = 'q7Zt0aVb9LkX';
  const associatedData = eventType.startsWith('REFUND') ? 'refund' : 'transaction';
  const apiV3Key = flaws.apiV3Key ?? merchant.apiV3Key;
  const envelope = {
    id,
    create_time: '2026-03-01T12:03:12+08:00',
    resource_type: 'encrypt-resource',
    event_type: eventType,
    summary: '支付成功',
    resource: {
      original_type: associatedData,
      ...encryptResource(JSON.stringify(resource), { apiV3Key, nonce, associatedData }),
    },
  };
  const body = JSON.stringify(flaws.envelope ? flaws.envelope(envelope) : envelope);
  const timestamp = String(Math.floor(Date.now() / 1000) - (flaws.ageSeconds ?? 0));
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'wechatpay-timestamp': timestamp,
    'wechatpay-nonce': nonce,
    'wechatpay-signature':
      flaws.signature ?? signMessage(answerMessage(timestamp, nonce, body), platformPrivateKey),
    'wechatpay-serial': flaws.serial ?? merchant.publicKeyId,
    'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
  };
  for (const name of flaws.without ?? []) delete headers[name];
  const answer = await fetch(`${apiUrl}/v1/notifications/${merchantId}`, {
    method: 'POST',
    headers,
    body: flaws.tamper ? flaws.tamper(body) : body,
  });
  return { status: answer.status, text: await answer.text() };
}
