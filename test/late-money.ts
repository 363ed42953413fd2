import { randomUUID } from 'node:crypto';
import { WorkflowNotFoundError } from '@temporalio/client';
import { type Activities, createActivities } from '../activities/index.ts';
import { balances } from '../database/ledger.ts';
import { openVault } from '../database/secrets.ts';
import type { AccountCode } from '../domain/ledger.ts';
import { openMerchants } from '../gateway/merchants.ts';
import { WechatPay } from '../wechatpay/index.ts';
import { eventually } from './eventually.ts';
import type { Answer, Paysaga } from './fixture.ts';

/** Waits until so much late money of a payment is recorded, and returns it, oldest first. */
export async function latePayments(
  paysaga: Paysaga,
  paymentId: string,
  count = 1,
): Promise<Answer['body'][]> {
  return await eventually(`${count} late payments of ${paymentId}`, async () => {
    const { body } = await paysaga.call('GET', `/v1/payments/${paymentId}/late-payments`);
    return body.data.length >= count && body.data;
  });
}

/** Waits until late money has one of the statuses. */
export const untilLate = (paysaga: Paysaga, { id }: { id: string }, ...statuses: string[]) =>
  paysaga.until(`/v1/late-payments/${id}`, ...statuses);

/** Waits until late money waits for a person. */
export async function untilUndecided(paysaga: Paysaga, { id }: { id: string }): Promise<Answer['body']> {
  return await eventually(`${id} needs an operator`, async () => {
    const { body } = await paysaga.call('GET', `/v1/late-payments/${id}`);
    return body.attention === 'needs_operator' && body;
  });
}

/** A payment that is closed, unpaid. */
export async function closed(paysaga: Paysaga, fields: object = {}): Promise<Answer['body']> {
  const { body } = await paysaga.createPayment({ ...fields });
  await paysaga.call('POST', `/v1/payments/${body.id}/close`, { reason: 'cart emptied' });
  const payment = await paysaga.until(`/v1/payments/${body.id}`, 'CLOSED');
  await paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${body.out_trade_no}`).result();
  return payment;
}

/** The customer pays an order that is closed or expired, as it happens in production. */
export const payLate = (paysaga: Paysaga, { out_trade_no }: { out_trade_no: string }) =>
  paysaga.control('POST', `/orders/${out_trade_no}/pay`, { late: true });

/** Sends an operator's decision, as soon as there is somebody to send it to. */
export async function decide(
  paysaga: Paysaga,
  late: { transaction_id: string },
  decision: object,
): Promise<unknown> {
  const handle = lateWorkflow(paysaga, late);
  return await eventually('the workflow of the late money', async () => {
    try {
      return await handle.executeUpdate<unknown, [object]>('decide', { args: [decision] });
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return undefined;
      throw error;
    }
  });
}

/** A transaction that the gateway knows, and we do not: another one that might pay an order of ours. */
export async function otherTransaction({ simulator, control }: Paysaga, total = 2590): Promise<string> {
  const { merchant } = simulator;
  const wechat = new WechatPay({
    mchid: merchant.mchid,
    appid: merchant.appid,
    serialNo: merchant.serialNo,
    privateKey: merchant.privateKeyPem,
    apiV3Key: merchant.apiV3Key,
    publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
    baseUrl: simulator.baseUrl,
  });
  const out_trade_no = `OTHER${randomUUID().replaceAll('-', '').slice(0, 20)}`;
  try {
    const notify_url = 'http://127.0.0.1:9/nobody';
    await wechat.native.create({ description: 'Tea set', out_trade_no, notify_url, amount: { total } });
    await control('POST', `/orders/${out_trade_no}/pay`, {});
    return (await control('GET', `/orders/${out_trade_no}`)).body.transaction_id;
  } finally {
    await wechat.close();
  }
}

/** How the accounts have changed since, as far as they have. */
export async function booksSince(
  { pool, merchantId }: Paysaga,
  before: Record<AccountCode, number>,
): Promise<Partial<Record<AccountCode, number>>> {
  const now = await balances(pool, merchantId);
  return Object.fromEntries(
    (Object.keys(now) as AccountCode[])
      .map((code) => [code, now[code] - before[code]] as const)
      .filter(([, change]) => change !== 0),
  );
}

/** What the gateway has refunded of a transaction, oldest first. */
export async function gatewayRefunds({ control }: Paysaga, transactionId: string): Promise<Answer['body'][]> {
  const { body } = await control('GET', '/refunds?limit=10000');
  return body.refunds.filter((refund: Answer['body']) => refund.transaction_id === transactionId).reverse();
}

/** The steps of a worker without one: what they leave is what a worker leaves that dies before it can report. */
export function withoutWorker({ pool, masterKey, apiUrl }: Paysaga): {
  activities: Activities;
  close: () => Promise<void>;
} {
  const merchants = openMerchants({ pool, vault: openVault(masterKey) });
  const activities = createActivities({ pool, merchants, publicUrl: apiUrl, clock: Date.now });
  return { activities, close: () => merchants.close() };
}

/** What the ledger has posted about a payment, in its order. */
export async function postedSteps({ pool }: Paysaga, paymentId: string): Promise<string[]> {
  const { rows } = await pool.query<{ step: string }>(
    'select step from ledger_transactions where payment_id = $1 order by sequence',
    [paymentId],
  );
  return rows.map(({ step }) => step);
}

/** The workflow of late money. */
export const lateWorkflow = ({ client, mchid }: Paysaga, { transaction_id }: { transaction_id: string }) =>
  client.workflow.getHandle(`late-payment/${mchid}/${transaction_id}`);
