import type { WorkflowHandle } from '@temporalio/client';
import type { Paysaga } from './fixture.ts';

/** Asks until the answer is right. @throws Error when it is not within 20 seconds. */
async function until<Answer>(
  what: string,
  ask: () => Promise<Answer>,
  right: (answer: Answer) => boolean,
): Promise<Answer> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (right(answer)) return answer;
    if (Date.now() > deadline) throw new Error(`${what}: it is ${JSON.stringify(answer)} after 20 s`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

/** Waits until the payment or refund at this path shows the reason to an operator, or, with null, needs none. */
export async function untilAttention(paysaga: Paysaga, path: string, reason: string | null): Promise<void> {
  await until(
    `attention of ${path}`,
    async () => (await paysaga.call('GET', path)).body.attention_reason,
    (shown) => shown === reason,
  );
}

/** Waits until a workflow has the search attribute, or has it no more. */
export async function untilSearchAttribute(
  handle: WorkflowHandle,
  name: string,
  value: string | undefined,
): Promise<void> {
  await until(
    `${name} of ${handle.workflowId}`,
    async () => {
      const { searchAttributes } = await handle.describe();
      return (searchAttributes[name] as (string | null)[] | undefined)?.[0] ?? undefined;
    },
    (shown) => shown === value,
  );
}

/** What the Temporal UI shows as current details: what the saga waits for. */
export async function currentDetails(handle: WorkflowHandle): Promise<string> {
  const { currentDetails: details } = await handle.query<{ currentDetails: string }>(
    '__temporal_workflow_metadata',
  );
  return details ?? '';
}
