import {
  type ActivityOptions,
  isCancellation,
  proxyActivities,
  proxyLocalActivities,
} from '@temporalio/workflow';
import type { Activities } from '../activities/index.ts';

/** One attempt, shorter than a workflow task (10 s) may last. */
const LOCAL_ATTEMPT = '3 seconds';

/**
 * Runs a step inside of the workflow task, once and briefly: one event in the history where a normal activity writes three and needs a
 * workflow task more. If that does not work out (the database is away, the worker dies), the same step is a normal activity with its own
 * patience, so that an outage does not hold workflow tasks. Both may run at once when the first was given up: only for steps that lock
 * the row they change and change nothing when repeated, and never for the gateway, whose time-outs are longer.
 */
export async function localFirst<Step extends keyof Activities>(
  step: Step,
  input: Parameters<Activities[Step]>[0],
  durable: ActivityOptions,
): Promise<Awaited<ReturnType<Activities[Step]>>> {
  const summary = durable.summary === undefined ? {} : { summary: durable.summary };
  // The proxies' own types are too clever for a step that is a type parameter.
  const local = proxyLocalActivities({
    startToCloseTimeout: LOCAL_ATTEMPT,
    scheduleToCloseTimeout: LOCAL_ATTEMPT,
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
