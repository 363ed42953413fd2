import { createLogger } from '../process/logger.ts';
import { onShutdown } from '../process/shutdown.ts';
import { startSimulator } from '../simulator/index.ts';

/** `paysaga simulator`: prints one line when it is ready. */
export async function runSimulator(options: {
  port: number;
  host: string;
  seed: number;
  credentials?: string;
  data?: string;
  timeScale: number;
}): Promise<void> {
  const simulator = await startSimulator({
    port: options.port,
    host: options.host,
    seed: options.seed,
    timeScale: options.timeScale,
    ...(options.credentials && { credentialsDir: options.credentials }),
    ...(options.data && { dataDir: options.data }),
  });
  console.log(`simulator ready ${simulator.baseUrl}`);
  onShutdown(createLogger('simulator', 'warn'), () => simulator.close());
}
