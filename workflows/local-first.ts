import {
  type ActivityOptions,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

/** One attempt of a step at the database. */
const AT_DATABASE = '3 seconds';
/**
 * One attempt of a step at the gateway: longer than the client's time-out, so that it has ended when the durable one begins, and shorter than
 * the 8 seconds after which a workflow task of 10 asks for more time.
 */
export const AT_GATEWAY = '7 seconds';

/** The patience of settling from a stored notification: what cannot be settled so is left to polling. */
export const FROM_NOTIFICATION = {
  startToCloseTimeout: '20 seconds',
  scheduleToCloseTimeout: '10 minutes',
  retry: { initialInterval: '1 second', maximumInterval: '30 seconds' },
  summary: 'settle from the notification',
} as const satisfies ActivityOptions;

/**
 * Runs a step inside of the workflow task, once and briefly: one event in the history where a normal activity writes three and needs a
 * workflow task more. If that does not work out (database or gateway away or slow, the worker dies), the same step is a normal activity with
 * its own patience, so that an outage does not hold workflow tasks. Only for steps that change nothing when repeated.
 */
export async function localFirst<Step extends keyof Activities>(
  step: Step,
  input: Parameters<Activities[Step]>[0],
  durable: ActivityOptions,
  patience: typeof AT_DATABASE | typeof AT_GATEWAY = AT_DATABASE,
): Promise<Awaited<ReturnType<Activities[Step]>>> {
  const summary = durable.summary === undefined ? {} : { summary: durable.summary };
  // The proxies' own types are too clever for a step that is a type parameter.
  const local = proxyLocalActivities({
    startToCloseTimeout: patience,
    scheduleToCloseTimeout: patience,
    retry: { maximumAttempts: 1 },
    ...summary,
  }) as unknown as Record<Step, Activity<Step>>;
  try {
    return await local[step](input);
  } catch (error) {
    if (isCancellation(error)) throw error;
    return await (proxyActivities(durable) as unknown as typeof local)[step](input);
  }
}

type Activity<Step extends keyof Activities> = (
  input: Parameters<Activities[Step]>[0],
) => Promise<Awaited<ReturnType<Activities[Step]>>>;
