import { setTimeout as sleep } from 'node:timers/promises';
import { Connection, type ConnectionOptions } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { registerSearchAttributes } from '../worker/search-attributes.ts';
import { type Child, failure, startChild } from './child.ts';
import { freePort } from './ports.ts';
import { type FindOptions, findTemporalExecutable } from './temporal-executable.ts';

export { findTemporalExecutable } from './temporal-executable.ts';

/** How to run a Temporal dev server of our own. */
export interface TemporalServerOptions extends FindOptions {
  /** Path of the Temporal CLI; found without it. */
  executable?: string;
  /** Loopback port of the frontend; a free one without it. */
  port?: number;
  /** Loopback port of the web UI; no UI without it. */
  uiPort?: number;
  /** SQLite file that keeps the workflows from one start to the next; in memory without it. */
  dbFile?: string;
  /** Where the browser that shows the UI finds a codec server. */
  uiCodecEndpoint?: string;
  namespace?: string;
  /** Names of search attributes, all of type Keyword; those the namespace has already are left alone. */
  searchAttributes?: readonly string[];
  /** Server settings, name to JSON value, added to and winning over ours. */
  dynamicConfig?: Readonly<Record<string, unknown>>;
  /** Days that a server of our own keeps closed workflows; 30 without it (the dev server's own default is one). */
  retentionDays?: number;
  /** The server's own log. */
  logFile?: string;
}

/** A Temporal server to talk to. */
export interface TemporalServer {
  /** host:port of the frontend. */
  address: string;
  namespace: string;
  /** Of our own servers that were given a port for it. */
  uiUrl?: string;
  /** Of our own servers. */
  pid?: number;
  /** Resolves when the server has ended, wanted or not. */
  exited?: Promise<unknown>;
  stop(): Promise<void>;
}

const READY_TIMEOUT_MS = 60_000;

const DYNAMIC_CONFIG: Readonly<Record<string, unknown>> = {
  // Without it every timer below a second takes a second.
  'history.timerProcessorMaxTimeShift': '20ms',
  // A workflow task that keeps failing shows as TemporalReportedProblems after 2 attempts instead of 5.
  'system.numConsecutiveWorkflowTaskProblemsToTriggerSearchAttribute': 2,
};

/** The one rule of development and tests: the server at `TEMPORAL_ADDRESS` when it is set, else one of our own. */
export async function temporalServerOrExisting(options: TemporalServerOptions = {}): Promise<TemporalServer> {
  const { TEMPORAL_ADDRESS: address, TEMPORAL_NAMESPACE } = options.env ?? process.env;
  if (!address) return startTemporalServer(options);
  const namespace = options.namespace ?? TEMPORAL_NAMESPACE ?? 'default';
  try {
    await prepare(
      { address, ...credentials(options.env ?? process.env) },
      namespace,
      options,
      Date.now() + 10_000,
    );
  } catch (error) {
    throw new Error(
      `TEMPORAL_ADDRESS is ${address}, but nothing usable answers there: ${(error as Error).message}`,
      {
        cause: error,
      },
    );
  }
  return { address, namespace, stop: async () => {} };
}

/**
 * Starts the Temporal dev server on the loopback interface and resolves once its namespace takes requests and knows the search
 * attributes.
 *
 * @throws when there is no executable, or with the server's last lines when it does not start
 */
export async function startTemporalServer(options: TemporalServerOptions = {}): Promise<TemporalServer> {
  const executable = options.executable ?? (await findTemporalExecutable(options)).path;
  const namespace = options.namespace ?? 'default';
  const port = options.port ?? (await freePort());
  const server = await startChild({
    name: 'temporal',
    command: executable,
    args: serverArguments({ ...options, port, namespace }),
    env: serverEnvironment(),
    logFile: options.logFile,
    signal: options.signal,
  });
  const address = `127.0.0.1:${port}`;
  try {
    await prepare({ address }, namespace, options, Date.now() + READY_TIMEOUT_MS, server);
  } catch (error) {
    await server.stop();
    throw new Error(`Temporal does not start: ${await lastWords(server, error as Error)}`, { cause: error });
  }
  return {
    address,
    namespace,
    ...(options.uiPort !== undefined && { uiUrl: `http://127.0.0.1:${options.uiPort}` }),
    pid: server.pid,
    exited: server.exited,
    stop: server.stop,
  };
}

function serverArguments(options: TemporalServerOptions & { port: number; namespace: string }): string[] {
  const { port, uiPort, uiCodecEndpoint, dbFile, namespace, searchAttributes = [] } = options;
  const dynamicConfig = { ...DYNAMIC_CONFIG, ...options.dynamicConfig };
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--log-level', 'warn'],
    ...(uiPort === undefined ? ['--headless'] : ['--ui-port', String(uiPort), '--ui-disable-news-fetch']),
    ...(uiCodecEndpoint === undefined ? [] : ['--ui-codec-endpoint', uiCodecEndpoint]),
    ...(namespace === 'default' ? [] : ['--namespace', namespace]),
    // Without these two a file is many times slower than memory.
    ...(dbFile
      ? [
          '--db-filename',
          dbFile,
          '--sqlite-pragma',
          'journal_mode=WAL',
          '--sqlite-pragma',
          'synchronous=NORMAL',
        ]
      : []),
    ...searchAttributes.flatMap((name) => ['--search-attribute', `${name}=Keyword`]),
    ...Object.entries(dynamicConfig).flatMap(([key, value]) => [
      '--dynamic-config-value',
      `${key}=${JSON.stringify(value)}`,
    ]),
  ];
}

// The CLI reads TEMPORAL_* and a configuration file of the user; the server we start must not depend on either.
function serverEnvironment(): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !name.startsWith('TEMPORAL_'));
  return { ...Object.fromEntries(kept), TZ: 'UTC' };
}

/** The variables that the API and the worker read too. */
function credentials({ TEMPORAL_TLS, TEMPORAL_API_KEY }: NodeJS.ProcessEnv): ConnectionOptions {
  return {
    ...(TEMPORAL_TLS === 'true' && { tls: true }),
    ...(TEMPORAL_API_KEY && { apiKey: TEMPORAL_API_KEY }),
  };
}

/** Waits until the namespace answers, then sets its retention and search attributes. */
async function prepare(
  server: ConnectionOptions,
  namespace: string,
  options: TemporalServerOptions,
  deadline: number,
  own?: Child,
): Promise<void> {
  // Without the SDK's own retries: the timer of a retry outlives a connection that is closed because the server died, and then throws.
  const connection = Connection.lazy({ ...server, interceptors: [] });
  try {
    for (;;) {
      try {
        // A request to a server that has just died would wait for its deadline.
        const died = own?.exited.then(() => Promise.reject(new Error('the server ended')));
        await Promise.race([
          connection.withDeadline(Date.now() + 5_000, () => usable(connection, namespace)),
          ...(died ? [died] : []),
        ]);
        break;
      } catch (error) {
        if (own?.running() === false || Date.now() > deadline) throw error;
        await sleep(100);
      }
    }
    await connection.withDeadline(Date.now() + 30_000, async () => {
      if (own) await keepClosed(connection, namespace, options.retentionDays ?? 30);
      await registerSearchAttributes(connection, namespace, options.searchAttributes ?? []);
    });
  } finally {
    await connection.close();
  }
}

/** Frontend, namespace and visibility store each come up at their own time; this asks all three. */
async function usable({ workflowService }: Connection, namespace: string): Promise<void> {
  await workflowService.describeNamespace({ namespace });
  await workflowService.listWorkflowExecutions({ namespace, pageSize: 1 });
}

async function keepClosed({ workflowService }: Connection, namespace: string, days: number): Promise<void> {
  await workflowService.updateNamespace({
    namespace,
    config: { workflowExecutionRetentionTtl: msToTs(days * 86_400_000) },
  });
}

async function lastWords(server: Child, error: Error): Promise<string> {
  return `${error.message}\n${failure('temporal', await server.exited, server.tail())}`;
}
