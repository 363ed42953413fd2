import { proxyActivities } from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';
import type { SyncResult } from './messages.ts';
import type { LookAgainInput } from './start.ts';

/**
 * Asks WeChat Pay once after an order that has ended without money, because the customer came back and may have paid. Money that has come is recorded, and
 * has a workflow of its own.
 */
export async function lookAgain(order: LookAgainInput): Promise<SyncResult> {
  const { settleByQuery, settleCombinedByQuery } = proxyActivities<Activities>({
    startToCloseTimeout: '8 seconds',
    scheduleToCloseTimeout: '9 seconds',
    retry: { initialInterval: '500 milliseconds', maximumAttempts: 2 },
    summary: 'the customer came back: ask WeChat Pay whether it is paid after all',
  });
  try {
    return await ('combinedId' in order ? settleCombinedByQuery(order) : settleByQuery(order));
  } catch {
    return { kind: 'unanswered' };
  }
}
