import { SEARCH_ATTRIBUTE_NAMES } from '../worker/search-attributes.ts';
import { startCheckout } from './checkout/server.ts';
import { runPaysaga } from './paysaga-command.ts';
import { answersReady, paysagaService, READY_TIMEOUT_MS } from './paysaga-service.ts';
import { preferredOrFreePort, releasePort } from './ports.ts';
import { databaseUrlOrEmbedded } from './postgres.ts';
import { StackFolder } from './stack-folder.ts';
import { Supervisor } from './supervisor.ts';
import { temporalServerOrExisting } from './temporal-server.ts';

/** Preferred loopback ports; a taken one is replaced by a free one, 0 asks for a free one. */
export const PORTS = {
  api: 8080,
  checkout: 8081,
  temporal: 7233,
  temporalUi: 8233,
  codecServer: 8234,
  simulator: 9080,
  postgres: 5433,
};

/** What people call the users of the ports. */
const PORT_USERS: Record<keyof typeof PORTS, string> = {
  api: 'the API',
  checkout: 'the checkout page',
  temporal: 'Temporal',
  temporalUi: 'the Temporal UI',
  codecServer: 'the codec server',
  simulator: 'the simulator',
  postgres: 'PostgreSQL',
};

/** How to run a stack. */
export interface StackOptions {
  /** Keeps data, logs and secrets from one start to the next. */
  dir: string;
  /** Preferred ports that differ from {@link PORTS}. */
  ports?: Partial<typeof PORTS>;
  /** Is told one line per step, and what happens afterwards. */
  say?: (line: string) => void;
  /** Gives the start up, and stops what has started, when aborted. */
  signal?: AbortSignal;
  /** Divides the waits before WeChat Pay is asked; default 1. */
  pollingSpeed?: number;
  /** Longest wait before a process that died is started again, in milliseconds; default half a minute. */
  longestRestartMs?: number;
  /** A file that says what the simulator is to be: see docs/simulator.md. */
  scenario?: string;
  /** More variables of worker and API. */
  variables?: NodeJS.ProcessEnv;
  /** False trades safety against power cuts for speed: tests. */
  durable?: boolean;
}

/** A running stack: PostgreSQL, Temporal, simulator, worker, API and the checkout page. */
export interface Stack {
  dir: string;
  logsDir: string;
  apiUrl: string;
  /** Key of the tenant `demo`. */
  apiKey: string;
  /** The simulator's merchant as the API knows it. */
  merchantId: string;
  /** A demo shop to pay in. */
  checkoutUrl: string;
  simulatorUrl: string;
  /** Holds merchant.json and the PEM files of the simulator's merchant. */
  credentialsDir: string;
  databaseUrl: string;
  temporalAddress: string;
  temporalNamespace: string;
  /** Absent when TEMPORAL_ADDRESS names a server of somebody else. */
  temporalUiUrl?: string;
  /** Present when PAYSAGA_CODEC_KEYS is set: what the UI and `temporal --codec-endpoint` ask to read encrypted histories. */
  codecServerUrl?: string;
  /** The environment that `paysaga` commands need to work on this stack. */
  environment: NodeJS.ProcessEnv;
  /** What runs now; a process that died and came back has a new pid. */
  pids(): { name: string; pid: number }[];
  /** Stops everything in order and gives the folder back. */
  stop(): Promise<void>;
}

/**
 * Starts everything that paysaga needs, each part once what it depends on is ready, and keeps it alive until `stop`.
 *
 * @throws StackRunningError when another process runs a stack in the folder; otherwise with the last lines of what did not start.
 * Nothing is left running then.
 */
export async function startStack(options: StackOptions): Promise<Stack> {
  const { say = () => {}, signal } = options;
  signal?.throwIfAborted();
  const folder = await StackFolder.take(options.dir);
  const supervisor = new Supervisor({
    say,
    ...(options.longestRestartMs !== undefined && { longestBackoffMs: options.longestRestartMs }),
    onStarted: (name, { pid }) => void (pid !== undefined && folder.recordChild(name, pid)),
  });
  const taken: number[] = [];
  const stop = async () => {
    await supervisor.stop();
    for (const port of taken) releasePort(port);
    folder.release();
  };
  const abandon = () => void supervisor.stop();
  signal?.addEventListener('abort', abandon, { once: true });
  try {
    const ports = await choosePorts({ ...PORTS, ...folder.ports(), ...options.ports }, say, taken);
    // Notifications of payments that wait go to the ports they were told; the next start prefers the same.
    folder.savePorts(ports);
    const stack = await bringUp(options, folder, supervisor, ports);
    return { ...stack, stop };
  } catch (error) {
    await stop();
    throw signal?.aborted ? signal.reason : error;
  } finally {
    signal?.removeEventListener('abort', abandon);
  }
}

async function bringUp(
  options: StackOptions,
  folder: StackFolder,
  supervisor: Supervisor,
  ports: typeof PORTS,
): Promise<Omit<Stack, 'stop'>> {
  const { say = () => {} } = options;
  const apiUrl = `http://127.0.0.1:${ports.api}`;
  const simulatorUrl = `http://127.0.0.1:${ports.simulator}`;
  const credentialsDir = folder.at('credentials');
  const codecServerUrl = encrypts() ? `http://127.0.0.1:${ports.codecServer}` : undefined;
  const step = timed(say);

  // These three need nothing from each other.
  const [database, temporal] = await allOrFirstFailure([
    step('PostgreSQL', () =>
      supervisor.start({
        name: 'postgres',
        start: (signal) =>
          databaseUrlOrEmbedded({
            dataDir: folder.at('postgres'),
            port: ports.postgres,
            logFile: folder.logFile('postgres'),
            durable: options.durable ?? true,
            signal,
          }),
      }),
    ),
    step('Temporal', () =>
      supervisor.start({
        name: 'temporal',
        start: (signal) =>
          temporalServerOrExisting({
            port: ports.temporal,
            uiPort: ports.temporalUi,
            ...(codecServerUrl && { uiCodecEndpoint: codecServerUrl }),
            dbFile: folder.at('temporal.db'),
            searchAttributes: SEARCH_ATTRIBUTE_NAMES,
            logFile: folder.logFile('temporal'),
            onProgress: say,
            signal,
          }),
      }),
    ),
    step('WeChat Pay simulator', () =>
      supervisor.start(
        paysagaService('simulator', folder, {
          args: [
            ...['simulator', '--port', String(ports.simulator), '--seed', '7'],
            ...['--credentials', credentialsDir, '--data', folder.at('simulator')],
            ...(options.scenario ? ['--scenario', options.scenario] : []),
          ],
          env: { NODE_ENV: 'development' },
          ready: (child) => child.printed(/^simulator ready /, READY_TIMEOUT_MS),
        }),
      ),
    ),
  ]);

  const environment = {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: temporal.address,
    TEMPORAL_NAMESPACE: temporal.namespace,
    // What a developer's shell says about another server is not for ours.
    ...(temporal.pid !== undefined && { TEMPORAL_TLS: undefined, TEMPORAL_API_KEY: undefined }),
    PAYSAGA_MASTER_KEY: folder.masterKey(),
    API_HOST: '127.0.0.1',
    API_PORT: String(ports.api),
    PUBLIC_URL: apiUrl,
    POLLING_SPEED: String(options.pollingSpeed ?? 1),
    // "worker ready" is an info line, so nothing quieter.
    LOG_LEVEL: /^(debug|trace)$/.test(process.env.LOG_LEVEL ?? '') ? String(process.env.LOG_LEVEL) : 'info',
    NODE_ENV: 'development',
    ...options.variables,
  };
  const run = (args: string[], expected: RegExp) =>
    runPaysaga(
      {
        args,
        env: environment,
        logFile: folder.logFile('set-up'),
        ...(options.signal && { signal: options.signal }),
      },
      expected,
    );
  await step('database schema', () => run(['migrate'], /^schema: .*/));

  const [merchantId] = await allOrFirstFailure([
    step('demo merchant', () =>
      run(['merchant', 'upsert', '--tenant', 'demo', '--credentials', credentialsDir], /^\w+$/),
    ),
    step('worker', () =>
      supervisor.start(
        paysagaService('worker', folder, {
          args: ['worker'],
          env: environment,
          ready: (child) => child.printed(/"msg":"worker ready"/, READY_TIMEOUT_MS),
        }),
      ),
    ),
    step('API', () =>
      supervisor.start(
        paysagaService('api', folder, {
          args: ['api'],
          env: environment,
          ready: (child) => answersReady(child, `${apiUrl}/readyz`),
        }),
      ),
    ),
  ]);
  if (codecServerUrl) {
    const uiOrigins = ['127.0.0.1', 'localhost'].map((host) => `http://${host}:${ports.temporalUi}`);
    await step('codec server', () =>
      supervisor.start(
        paysagaService('codec-server', folder, {
          args: ['codec-server', '--port', String(ports.codecServer), '--ui-origin', ...uiOrigins],
          env: environment,
          ready: (child) => child.printed(/"msg":"codec server ready"/, READY_TIMEOUT_MS),
        }),
      ),
    );
  }
  const apiKey = await workingApiKey(folder, apiUrl, () =>
    step('API key', () => run(['api-key', 'create', '--tenant', 'demo', '--name', 'npm start'], /^sk_\S+$/)),
  );

  const checkout = await step('checkout page', () =>
    supervisor.start({
      name: 'checkout',
      // In this process: it is a page for trying things out, and too small to be worth another one.
      start: async () => {
        const { url, close } = await startCheckout({
          port: ports.checkout,
          apiUrl,
          apiKey,
          simulatorUrl,
          ...(temporal.uiUrl && { temporalUiUrl: temporal.uiUrl }),
        });
        return { url, stop: close };
      },
    }),
  );

  const urls = {
    api: apiUrl,
    checkout: checkout.url,
    simulator: simulatorUrl,
    temporal: temporal.address,
    ...(temporal.uiUrl && { temporalUi: temporal.uiUrl }),
    ...(codecServerUrl && { codecServer: codecServerUrl }),
    postgres: database.url,
  };
  folder.recordReady(urls, apiKey);
  folder.writeCliEnvironment(environment);
  return {
    dir: folder.path,
    logsDir: folder.at('logs'),
    apiUrl,
    apiKey,
    checkoutUrl: checkout.url,
    merchantId,
    simulatorUrl,
    credentialsDir,
    databaseUrl: database.url,
    temporalAddress: temporal.address,
    temporalNamespace: temporal.namespace,
    ...(temporal.uiUrl && { temporalUiUrl: temporal.uiUrl }),
    ...(codecServerUrl && { codecServerUrl }),
    environment,
    pids: () => supervisor.pids(),
  };
}

/** Whether the stack's processes, which have this process's variables, encrypt what Temporal stores. */
function encrypts(): boolean {
  return Boolean(process.env.PAYSAGA_CODEC_KEYS);
}

/** The key of an earlier start while the database still knows it; a new one otherwise. */
async function workingApiKey(
  folder: StackFolder,
  apiUrl: string,
  create: () => Promise<string>,
): Promise<string> {
  const saved = folder.apiKey();
  if (saved) {
    const { status } = await fetch(`${apiUrl}/v1/payments/none`, {
      headers: { authorization: `Bearer ${saved}` },
    });
    if (status !== 401) return saved;
  }
  return folder.saveApiKey(await create());
}

async function choosePorts(
  wanted: typeof PORTS,
  say: (line: string) => void,
  taken: number[],
): Promise<typeof PORTS> {
  const chosen = { ...wanted };
  for (const name of Object.keys(wanted) as (keyof typeof PORTS)[]) {
    if (name === 'codecServer' && !encrypts()) continue;
    const { port, preferred } = await preferredOrFreePort(wanted[name]);
    if (!preferred && wanted[name] !== 0)
      say(`port ${wanted[name]} is taken: ${PORT_USERS[name]} uses ${port}`);
    chosen[name] = port;
    taken.push(port);
  }
  return chosen;
}

/** Says how long each step took. */
function timed(say: (line: string) => void) {
  return async <Result>(name: string, work: () => Promise<Result>): Promise<Result> => {
    const started = Date.now();
    const result = await work();
    say(`${name.padEnd(21)} ready in ${((Date.now() - started) / 1000).toFixed(1)} s`);
    return result;
  };
}

/** Like Promise.all, with a type that keeps the tuple; the steps still under way are stopped by the caller. */
function allOrFirstFailure<Results extends readonly unknown[]>(
  steps: {
    [Index in keyof Results]: Promise<Results[Index]>;
  },
): Promise<Results> {
  return Promise.all(steps) as Promise<unknown> as Promise<Results>;
}
