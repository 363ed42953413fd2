import { API_VARIABLES, runApi as startApi } from '../api/run.ts';
import { readEnvironment } from '../process/environment.ts';
import { createLogger } from '../process/logger.ts';
import { onShutdown } from '../process/shutdown.ts';

/** `paysaga api` */
export async function runApi(): Promise<void> {
  const environment = readEnvironment([...API_VARIABLES]);
  const log = createLogger('api', environment.LOG_LEVEL);
  const api = await startApi(environment, log);
  onShutdown(log, api.stop);
}
