import type { Pool } from '../database/pool.ts';
import { insertPayout } from '../database/refund-payouts.ts';
import type { Refund } from '../database/refunds.ts';
import type { Merchants } from './merchants.ts';
import type { Payout } from './payment-gateway.ts';

/**
 * Stores the request that sends the money of an abnormal refund elsewhere: a bank card is encrypted for WeChat Pay and sealed before anything
 * else happens to it.
 * @returns the id under which the refund's workflow finds it.
 * @throws WechatPayError when WeChat Pay's key for the card cannot be had.
 */
export async function storePayout(
  { pool, merchants }: { pool: Pool; merchants: Merchants },
  refund: Refund,
  payout: Payout,
): Promise<string> {
  const request = await (await merchants.for(refund)).serializePayout(refund, payout);
  return await insertPayout(pool, merchants.vault, {
    tenantId: refund.tenantId,
    refundId: refund.id,
    attempt: refund.attempt,
    type: payout.type,
    request,
  });
}
