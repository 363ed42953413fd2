import { destination, pino } from 'pino';
import { onShutdown } from '../process/shutdown.ts';
import {
  FolderInUseError,
  readScenario,
  type Scenario,
  ScenarioError,
  type Simulator,
  type SimulatorOptions,
  startSimulator,
} from '../simulator/index.ts';
import { UsageError } from './usage-error.ts';

/** `paysaga simulator`: prints one line when it is ready. */
export async function runSimulator(options: {
  port: number;
  host: string;
  seed: number;
  credentials?: string;
  data?: string;
  scenario?: string;
  timeScale?: number;
  rateLimits?: boolean;
  tls?: boolean;
  tlsPort?: number;
}): Promise<void> {
  const simulator = await start({
    port: options.port,
    host: options.host,
    seed: options.seed,
    ...(options.scenario && { scenario: await scenarioOf(options.scenario) }),
    ...(options.timeScale !== undefined && { timeScale: options.timeScale }),
    ...(options.rateLimits && { rateLimits: true }),
    ...(options.credentials && { credentialsDir: options.credentials }),
    ...(options.data && { dataDir: options.data }),
    // Who names a port for HTTPS wants it.
    tls: options.tls === true || options.tlsPort !== undefined,
    ...(options.tlsPort !== undefined && { tlsPort: options.tlsPort }),
  });
  console.log(`simulator ready ${simulator.baseUrl}`);
  // Standard output has one line: what else there is to say goes to standard error.
  onShutdown(pino({ level: 'warn', base: { component: 'simulator' } }, destination(2)), () =>
    simulator.close(),
  );
}

/** @throws UsageError with every problem of the file */
async function scenarioOf(file: string): Promise<Scenario> {
  try {
    return await readScenario(file);
  } catch (error) {
    throw error instanceof ScenarioError ? new UsageError(error.message) : error;
  }
}

/** @throws UsageError for what the caller can mend: an address, or a folder that cannot be used. */
async function start(options: SimulatorOptions): Promise<Simulator> {
  try {
    return await startSimulator(options);
  } catch (error) {
    if (error instanceof FolderInUseError) throw new UsageError(`${error.message} with --data`);
    const { code, path, port = options.port } = error as NodeJS.ErrnoException & { port?: number };
    const address = `port ${port} of ${options.host}`;
    if (code === 'EADDRINUSE') {
      throw new UsageError(
        `${address} is taken: choose another with ${port === options.tlsPort ? '--tls-port' : '--port'} (0 takes a free one), or end the program that has it`,
      );
    }
    if (code === 'EACCES' && !path) throw new UsageError(`${address} needs rights that this user has not`);
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND') {
      throw new UsageError(`${options.host} is no address of this machine: see --host`);
    }
    if (code && path) throw new UsageError(`${path} cannot be used: ${(error as Error).message}`);
    throw error;
  }
}
