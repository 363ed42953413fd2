import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { killAllChildren } from './child.ts';
import { type Stack, type StackOptions, startStack } from './stack.ts';
import { deleteStackFolder } from './stack-folder.ts';

/**
 * How the stack must run: most of the time is not to be spent waiting, and while a process is dead, nobody else may find its port where people
 * look for one.
 */
export const HASTE = {
  pollingSpeed: 30,
  longestRestartMs: 500,
  durable: false,
  ports: { api: 0, checkout: 0, temporal: 0, temporalUi: 0, simulator: 0, postgres: 0 },
} as const;

/**
 * A program that tortures a stack of its own, in a folder that is emptied first: starts it, does its work until it is done or interrupted, writes the
 * report, and stops what it has started whatever happens.
 * @param work returns the report
 * @returns undefined when it did not come to an end; why is printed.
 */
export async function runOnStack<Report>(
  {
    data,
    json,
    ...options
  }: { data: string; json?: string | undefined } & Pick<StackOptions, 'scenario' | 'variables'>,
  work: (stack: Stack, say: (line: string) => void) => Promise<Report>,
): Promise<Report | undefined> {
  const say = (line: string) => console.log(`  ${line}`);
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const)
    process.once(signal, () => abort.abort(new Error('interrupted')));
  let stack: Stack | undefined;
  try {
    const dir = resolve(data);
    deleteStackFolder(dir);
    stack = await startStack({ dir, say, signal: abort.signal, ...HASTE, ...options });
    const interrupted = new Promise<never>((_, reject) =>
      abort.signal.addEventListener('abort', () => reject(abort.signal.reason)),
    );
    const report = await Promise.race([work(stack, say), interrupted]);
    if (json) writeFileSync(json, `${JSON.stringify(report, null, 2)}\n`);
    return report;
  } catch (error) {
    console.error(`\n${(error as Error).message}`);
    return undefined;
  } finally {
    await stack?.stop();
    killAllChildren();
  }
}
