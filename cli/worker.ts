import { readEnvironment } from '../process/environment.ts';
import { createLogger } from '../process/logger.ts';
import { onShutdown } from '../process/shutdown.ts';
import { runWorker as startWorker, WORKER_VARIABLES } from '../worker/run.ts';
import { version } from './version.ts';

/** `paysaga worker`: ends with exit code 1 when the worker dies, so that whoever supervises it starts another. */
export async function runWorker(): Promise<void> {
  const environment = readEnvironment([...WORKER_VARIABLES]);
  const log = createLogger('worker', environment.LOG_LEVEL);
  const worker = await startWorker(environment, log, version());
  onShutdown(log, async () => {
    worker.stop();
    await worker.ended;
  });
  await worker.ended;
}
