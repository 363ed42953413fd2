import { condition, defineSignal, defineUpdate, proxyActivities, setHandler } from '@temporalio/workflow';
import type { BaselineActivities } from './baseline-worker.ts';

/** Answers with the code_url. */
export const prepay = defineUpdate<string>('prepay');
/** The money has arrived. */
export const notified = defineSignal('notified');

const { createOrder, settle } = proxyActivities<BaselineActivities>({ startToCloseTimeout: '15 seconds' });

/** The shape of a payment and nothing else: order, wait with a deadline, signal, settle. 25 events. */
export async function barePayment(): Promise<void> {
  let codeUrl: string | undefined;
  let paid = false;
  setHandler(notified, () => {
    paid = true;
  });
  setHandler(prepay, async () => {
    await condition(() => codeUrl !== undefined);
    return codeUrl as string;
  });
  codeUrl = await createOrder();
  await condition(() => paid, '2 hours');
  await settle();
}
