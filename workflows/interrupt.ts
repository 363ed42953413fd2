import { CancellationScope, condition } from '@temporalio/workflow';

/**
 * Runs an activity until it answers or fails, or until `interrupted` is true; then it is cancelled.
 * @returns the answer, or undefined when there was none. A failure is no answer: whoever waits goes on to the next means.
 */
export async function untilInterrupted<Answer>(
  work: () => Promise<Answer>,
  interrupted: () => boolean,
): Promise<Answer | undefined> {
  const scope = new CancellationScope();
  let answer: Answer | undefined;
  let ended = false;
  const running = scope
    .run(work)
    .then(
      (value) => {
        answer = value;
      },
      () => {},
    )
    .then(() => {
      ended = true;
    });
  await condition(() => ended || interrupted());
  scope.cancel();
  await running;
  return answer;
}
