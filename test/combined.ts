import { upsertMerchant } from '../database/merchants.ts';
import { openVault } from '../database/secrets.ts';
import { enrolment } from '../simulator/merchants/merchant.ts';
import type { Answer, Paysaga } from './fixture.ts';

/** A second merchant of the simulator's, whose money is collected under the first one's appid. */
export const SECOND_MCHID = '1900088001';

/** The simulator's option that enrols it. */
export function withSecondMerchant(): { scenario: { merchants: { mchid: string; appid: string }[] } } {
  return { scenario: { merchants: [{ mchid: SECOND_MCHID, appid: enrolment(1).merchant.appid }] } };
}

/** Enrols the second merchant with the service. @returns its id. */
export async function enrolSecond({
  pool,
  masterKey,
  tenantId,
  simulator,
}: Pick<Paysaga, 'pool' | 'masterKey' | 'tenantId' | 'simulator'>): Promise<string> {
  const { merchant } = simulator.world.get(SECOND_MCHID);
  const { id } = await upsertMerchant(pool, openVault(masterKey), tenantId, {
    mchid: merchant.mchid,
    appid: merchant.appid,
    serialNo: merchant.serialNo,
    privateKey: merchant.privateKeyPem,
    apiV3Key: merchant.apiV3Key,
    publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
    apiBaseUrl: simulator.baseUrl,
  });
  return id;
}

/** Two orders of the fixture's merchant; fields override the defaults. */
export function createCombined(
  paysaga: Paysaga,
  fields: Record<string, unknown> = {},
  headers: Record<string, string> = {},
): Promise<Answer> {
  return paysaga.call(
    'POST',
    '/v1/combined-payments',
    { merchant_id: paysaga.merchantId, sub_orders: [subOrder(1000), subOrder(1590)], ...fields },
    headers,
  );
}

/** A sub-order over this many fen. */
export function subOrder(total: number, fields: Record<string, unknown> = {}): Record<string, unknown> {
  return { description: 'Parcel', attach: 'parcel', amount: { total }, ...fields };
}

/** Lets the customer pay all sub-orders, by the number of one of them. */
export async function payCombined(paysaga: Paysaga, combined: Answer['body']): Promise<void> {
  const number = combined.sub_payments[0].out_trade_no;
  const { status, body } = await paysaga.control('POST', `/orders/${number}/pay`, {});
  if (status !== 200) throw new Error(`not paid: ${JSON.stringify(body)}`);
}

/** Waits until the combined payment has one of the statuses. */
export function untilCombined(
  paysaga: Paysaga,
  { id }: { id: string },
  ...statuses: string[]
): Promise<Answer['body']> {
  return paysaga.until(`/v1/combined-payments/${id}`, ...statuses);
}

/** Statuses of its sub-orders, in their order. */
export const subStatuses = (combined: Answer['body']): string[] =>
  combined.sub_payments.map(({ status }: { status: string }) => status);

export const combinedId = (combined: Answer['body']): string =>
  `combined/${combined.mchid}/${combined.combine_out_trade_no}`;

/** Types of the events of the combined payment itself, oldest first. */
export async function combinedEvents({ pool }: Paysaga, id: string): Promise<string[]> {
  const { rows } = await pool.query('select type from events where combined_id = $1 order by sequence', [id]);
  return rows.map(({ type }) => type);
}
