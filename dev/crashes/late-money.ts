import { setTimeout as sleep } from 'node:timers/promises';
import type { MerchantBackend, Resource } from '../tour/merchant-backend.ts';
import type { LatePlan, TwinsPlan } from './plan.ts';

/** Whose payment, and under which number. */
interface Names {
  backend: MerchantBackend;
  out_trade_no: string;
  description: string;
}

/** The gateway does what it was asked, and its answer is lost or cannot be believed. */
const PROCESSED = { processed: true, delay_ms: 200 };
const OPEN = ['CREATED', 'PENDING'];

/** A payment ends without money, and then the customer pays: all of it goes back. @returns the payment as the API knows it then. */
export async function playLate(
  { backend, out_trade_no, description }: Names,
  { amount, notificationFault, refundFault, ending }: LatePlan,
): Promise<Resource> {
  const fault = (operation: string, kind: string, more: object = {}) =>
    backend.simulator('POST', '/faults', { operation, kind, out_trade_no, ...more });
  if (notificationFault) {
    const more = { event_type: 'TRANSACTION.SUCCESS', ...(notificationFault === 'drop' && { times: null }) };
    await fault('notification', notificationFault, more);
  }
  if (refundFault) await fault('refund.create', refundFault, PROCESSED);
  const created = await backend.post('/payments', {
    description,
    out_trade_no,
    amount: { total: amount, currency: 'CNY' },
    ...(ending === 'expire' && { expires_in: 60 }),
  });
  const path = `/payments/${created.id}`;
  await backend.until(path, 'PENDING', 'CLOSED', 'FAILED');
  // Answered 202 or not at all, the close is noted or repeated.
  if (ending === 'close') await backend.post(`${path}/close`, { reason: 'crashes' });
  await backend.until(path, 'CLOSED', 'FAILED');
  await backend.simulator('POST', `/orders/${out_trade_no}/pay`, { late: true });
  // The customer comes back to the shop: what no notification tells is found by asking.
  if (notificationFault) await backend.post(`${path}/sync`, {});
  const late = await found(backend, path);
  await backend.until(`/late-payments/${late.id}`, 'REFUNDED');
  return await backend.get(path);
}

/** Waits for the late money of a payment. @param path of the payment. */
export async function found(backend: MerchantBackend, path: string): Promise<Resource> {
  const late = await backend.found(
    async () => (await backend.get<{ data: Resource[] }>(`${path}/late-payments`)).data[0],
    (first) => first !== undefined,
    () => `nobody has heard of the late money of ${path}`,
  );
  return late as Resource;
}

/** Two payments of one order are paid at once: one is kept, and all of the other one goes back. @returns both. */
export async function playTwins(
  { backend, out_trade_no, description }: Names,
  { amount, notificationFaults, refundFault, apartMs }: TwinsPlan,
): Promise<Resource[]> {
  const numbers = ['A', 'B'].map((letter) => `${out_trade_no}${letter}`);
  const twins = await Promise.all(
    numbers.map(async (number, index) => {
      const fault = (operation: string, kind: string, more: object = {}) =>
        backend.simulator('POST', '/faults', { operation, kind, out_trade_no: number, ...more });
      const kind = notificationFaults[index];
      if (kind) {
        const more = { event_type: 'TRANSACTION.SUCCESS', ...(kind === 'drop' && { times: null }) };
        await fault('notification', kind, more);
      }
      if (refundFault) await fault('refund.create', refundFault, PROCESSED);
      const created = await backend.post('/payments', {
        description,
        out_trade_no: number,
        order_reference: out_trade_no,
        amount: { total: amount, currency: 'CNY' },
      });
      await backend.until(`/payments/${created.id}`, 'PENDING', 'PAID');
      await sleep(index * apartMs);
      await backend.simulator('POST', `/orders/${number}/pay`, {});
      return created;
    }),
  );
  return await backend.found(
    () => Promise.all(twins.map(({ id }) => backend.get(`/payments/${id}`))),
    (now) =>
      !now.some(({ status }) => OPEN.includes(status)) &&
      now.filter(({ status }) => status === 'PAID').length <= 1,
    (now) => `${numbers} are ${now.map(({ status }) => status).join(' and ')}`,
  );
}
