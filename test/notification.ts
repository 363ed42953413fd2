import { randomUUID } from 'node:crypto';
import { enrolment } from '../simulator/merchants/merchant.ts';
import { encryptResource } from '../wechatpay/v3/aead.ts';
import { answerMessage, signMessage } from '../wechatpay/v3/signature.ts';
import type { Paysaga } from './fixture.ts';

/** What only WeChat Pay can sign, with the keys of its side in a simulator of this seed. */
export function gatewayOf(seed: number) {
  const { merchant, platformPrivateKey } = enrolment(seed);
  return { success, notify };

  /** A success as WeChat Pay tells of it, by default about the simulator's first merchant and ¥25.90. */
  function success(outTradeNo: string, fields: object = {}): object {
    return {
      appid: merchant.appid,
      mchid: merchant.mchid,
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

  /** Posts a genuine notification of a payment. @returns the status of the answer. */
  async function notify(
    { apiUrl, merchantId }: Pick<Paysaga, 'apiUrl' | 'merchantId'>,
    resource: object,
    id = randomUUID(),
  ): Promise<number> {
    const nonce = 'q7Zt0aVb9LkX';
    const associatedData = 'transaction';
    const body = JSON.stringify({
      id,
      create_time: '2026-03-01T12:03:12+08:00',
      resource_type: 'encrypt-resource',
      event_type: 'TRANSACTION.SUCCESS',
      summary: '支付成功',
      resource: {
        original_type: associatedData,
        ...encryptResource(JSON.stringify(resource), { apiV3Key: merchant.apiV3Key, nonce, associatedData }),
      },
    });
    const timestamp = String(Math.floor(Date.now() / 1000));
    const answer = await fetch(`${apiUrl}/v1/notifications/${merchantId}`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'wechatpay-timestamp': timestamp,
        'wechatpay-nonce': nonce,
        'wechatpay-signature': signMessage(answerMessage(timestamp, nonce, body), platformPrivateKey),
        'wechatpay-serial': merchant.publicKeyId,
        'wechatpay-signature-type': 'WECHATPAY2-SHA256-RSA2048',
      },
      body,
    });
    return answer.status;
  }
}

export const { success, notify } = gatewayOf(1);
