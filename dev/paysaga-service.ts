import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, failure } from './child.ts';
import { type CommandOptions, startPaysaga } from './paysaga-command.ts';
import type { StackFolder } from './stack-folder.ts';
import type { Service } from './supervisor.ts';

/** How long a process may take until it is ready; a loaded machine compiles slowly. */
export const READY_TIMEOUT_MS = 90_000;

/** A `paysaga` process that is kept alive. */
export function paysagaService(
  name: string,
  folder: StackFolder,
  { ready, ...command }: CommandOptions & { ready: (child: Child) => Promise<unknown> },
): Service<Child> {
  return {
    name,
    async start(signal) {
      const child = await startPaysaga({ ...command, logFile: folder.logFile(name), signal });
      try {
        await ready(child);
      } catch (error) {
        await child.stop();
        throw error;
      }
      return child;
    },
  };
}

/** Resolves once the address answers 200; rejects with the process's last lines when it ends before. */
export async function answersReady(child: Child, url: string): Promise<void> {
  const deadline = Date.now() + READY_TIMEOUT_MS;
  for (;;) {
    const status = await fetch(url, { signal: AbortSignal.timeout(5_000) }).then(
      (response) => response.status,
      () => 0,
    );
    if (!child.running()) throw new Error(failure(child.name, await child.exited, child.tail()));
    if (status === 200) return;
    if (Date.now() > deadline)
      throw new Error(`${child.name} is not ready: ${url} answers ${status}\n${child.tail()}`);
    await sleep(100);
  }
}
