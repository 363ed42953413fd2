import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { readFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { Client, Connection } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime } from '@temporalio/worker';
import { pino } from 'pino';
import { request as send } from 'undici';
import { createApp } from '../api/app.ts';
import { sagasThrough } from '../api/sagas.ts';
import { dataConverter } from '../codec/data-converter.ts';
import type { CodecKey } from '../codec/payload-codec.ts';
import { createApiKey } from '../database/api-keys.ts';
import { upsertMerchant, upsertTenant } from '../database/merchants.ts';
import { openPool, type Pool } from '../database/pool.ts';
import { openVault } from '../database/secrets.ts';
import { ROOT } from '../dev/paysaga-command.ts';
import type { PaymentTiming } from '../domain/payment.ts';
import type { RefundTiming } from '../domain/refund.ts';
import { type Merchants, openMerchants } from '../gateway/merchants.ts';
import { type Simulator, startSimulator } from '../simulator/index.ts';
import { merchantCertificate } from '../simulator/keys/certificate.ts';
import { bundleWorkflows } from '../worker/bundle.ts';
import { type Host, hostSagas } from '../worker/host.ts';
import type { Nights } from '../worker/schedules.ts';
import type { StartOptions } from '../workflows/start.ts';
import { createDatabase, temporalAddress } from './servers.ts';

/** What an answer of the API consists of. */
export interface Answer {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  // biome-ignore lint/suspicious/noExplicitAny: tests read fields of JSON
  body: any;
}

/** paysaga as a whole in this process, on real servers: API over HTTP, worker, relays, and the simulated gateway. */
export interface Paysaga {
  apiUrl: string;
  apiKey: string;
  merchantId: string;
  mchid: string;
  tenantId: string;
  databaseUrl: string;
  masterKey: Buffer;
  temporalAddress: string;
  taskQueue: string;
  simulator: Simulator;
  pool: Pool;
  /** As API and worker use them. */
  merchants: Merchants;
  client: Client;
  /** Calls the API with the key; a POST gets a fresh Idempotency-Key unless the headers bring one. */
  call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer>;
  /** Creates a Native payment; fields override the defaults. */
  createPayment(fields?: Record<string, unknown>): Promise<Answer>;
  /** Waits until the payment or refund at this path has one of the statuses. */
  until(path: string, ...statuses: string[]): Promise<Answer['body']>;
  /** The gateway's control API. */
  control(method: 'GET' | 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer>;
  /** Event types of a workflow's history, in order. */
  history(workflowId: string): Promise<string[]>;
  /** Ends the worker, or all of them, as a deployment does. */
  stopWorker(): Promise<void>;
  startWorker(options?: WorkerOptions): Promise<void>;
  stop(): Promise<void>;
}

/** What a test may change. */
export interface PaysagaOptions {
  paymentTiming?: Partial<PaymentTiming>;
  refundTiming?: Partial<RefundTiming>;
  simulator?: Parameters<typeof startSimulator>[0];
  /** The API's clock; one that is behind makes windows end sooner. */
  apiClock?: () => number;
  /** Whole gateway request, in milliseconds. */
  gatewayTimeoutMs?: number;
  /** How long a request waits for its workflow, in milliseconds. */
  sagaDeadlineMs?: number;
  /** Payload codec of the API, of `client`, and of workers that are not told otherwise. */
  codecKeys?: CodecKey[];
  /** False starts without a worker. */
  worker?: boolean;
  /** Replaces the Temporal client of the API, e.g. by one that finds no server. */
  apiTemporalAddress?: string;
}

/** How a worker differs from the others of the test. */
export interface WorkerOptions {
  codecKeys?: CodecKey[];
  /** Takes part in versioned deployments. */
  buildId?: string;
  /** Keeps the schedules of the nights. */
  nights?: Nights;
}

let bundle: ReturnType<typeof bundleWorkflows> | undefined;
let runtimeInstalled = false;

/** The workflow code as releases have it, bundled once. */
export function workflowBundle(): ReturnType<typeof bundleWorkflows> {
  bundle ??= process.env.PAYSAGA_COMPILED
    ? readFile(`${ROOT}dist/worker/workflow-bundle.js`, 'utf8').then((code) => ({ code }))
    : bundleWorkflows({ encodeFailures: true });
  return bundle;
}

/** Keeps the worker's chatter out of the test report; errors still show with TEST_LOG=info. */
export function quietRuntime(): void {
  if (runtimeInstalled) return;
  runtimeInstalled = true;
  Runtime.install({ shutdownSignals: [], logger: new DefaultLogger('ERROR', () => {}) });
}

/** Starts a paysaga of its own: own database, own task queue, own gateway. */
export async function startPaysaga(options: PaysagaOptions = {}): Promise<Paysaga> {
  quietRuntime();
  const log = pino({ level: process.env.TEST_LOG ?? 'silent' });
  const [database, address, simulator] = await Promise.all([
    createDatabase({ migrated: true }),
    temporalAddress(),
    startSimulator({ notifyDelayMs: 20, refundDelayMs: 200, ...options.simulator }),
  ]);
  const pool = openPool(database.url, { max: 20 });
  const masterKey = Buffer.alloc(32, 7);
  const vault = openVault(masterKey);
  const tenantId = await upsertTenant(pool, 'demo');
  const gatewayMerchant = simulator.merchant;
  const merchant = await upsertMerchant(pool, vault, tenantId, {
    mchid: gatewayMerchant.mchid,
    appid: gatewayMerchant.appid,
    serialNo: gatewayMerchant.serialNo,
    privateKey: gatewayMerchant.privateKeyPem,
    apiV3Key: gatewayMerchant.apiV3Key,
    publicKeys: { [gatewayMerchant.publicKeyId]: gatewayMerchant.publicKeyPem },
    apiBaseUrl: simulator.baseUrl,
    apiV2Key: gatewayMerchant.apiV2Key,
    certificate: await merchantCertificate(gatewayMerchant),
  });
  const apiKey = await createApiKey(pool, tenantId, 'test');
  const merchants = openMerchants({ pool, vault, timeoutMs: options.gatewayTimeoutMs ?? 3_000 });
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, dataConverter: dataConverter(options.codecKeys) });
  // Workflow ids contain the mchid and are the same in every test: the namespace is shared, so the task queue and the numbers are not.
  const taskQueue = `test-${randomUUID()}`;
  const apiConnection = options.apiTemporalAddress
    ? // Without the SDK's own retries, whose timers outlive the connection.
      Connection.lazy({ address: options.apiTemporalAddress, interceptors: [] })
    : connection;
  const apiClient = new Client({
    connection: apiConnection,
    dataConverter: dataConverter(options.codecKeys),
  });
  const timing: Pick<StartOptions, 'paymentTiming' | 'refundTiming'> = {
    paymentTiming: (usual) => ({ ...usual, ...options.paymentTiming }),
    // Refunds of one payment at once: the minute between them is another test's.
    refundTiming: (usual) => ({ ...usual, gapMs: 0, ...options.refundTiming }),
  };
  const server = createApp({
    pool,
    client: apiClient,
    merchants,
    log,
    clock: options.apiClock ?? Date.now,
    sagas: sagasThrough(apiClient, {
      taskQueue,
      deadlineMs: options.sagaDeadlineMs ?? 10_000,
      ...timing,
    }),
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const apiUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const workerConnection = await NativeConnection.connect({ address });

  let hosts: Host[] = [];
  async function startWorker({
    codecKeys = options.codecKeys,
    buildId,
    nights,
  }: WorkerOptions = {}): Promise<void> {
    const host = await hostSagas({
      connection: workerConnection,
      namespace: 'default',
      taskQueue,
      workflowBundle: await workflowBundle(),
      dataConverter: dataConverter(codecKeys),
      buildId,
      pool,
      merchants,
      publicUrl: apiUrl,
      log,
      intentRelayMs: 200,
      ...(nights && { nights }),
      timing,
    });
    hosts.push(host);
  }
  async function stopWorker(): Promise<void> {
    for (const host of hosts) host.stop();
    await Promise.all(hosts.map((host) => host.ended));
    hosts = [];
  }
  if (options.worker !== false) await startWorker();

  async function http(
    method: string,
    url: string,
    body: unknown,
    headers: Record<string, string>,
  ): Promise<Answer> {
    const answer = await send(url, {
      method: method as 'GET',
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
      body: body === undefined ? null : typeof body === 'string' ? body : JSON.stringify(body),
    });
    const text = await answer.body.text();
    const json = text !== '' && /json/.test(String(answer.headers['content-type']));
    return { status: answer.statusCode, headers: answer.headers, body: json ? JSON.parse(text) : text };
  }

  const paysaga: Paysaga = {
    apiUrl,
    apiKey,
    merchantId: merchant.id,
    mchid: merchant.mchid,
    tenantId,
    databaseUrl: database.url,
    masterKey,
    temporalAddress: address,
    taskQueue,
    simulator,
    pool,
    merchants,
    client,
    call: (method, path, body, headers = {}) =>
      http(method, `${apiUrl}${path}`, body, {
        authorization: `Bearer ${apiKey}`,
        ...(method === 'POST' && { 'idempotency-key': randomUUID() }),
        ...headers,
      }),
    createPayment: (fields = {}) =>
      paysaga.call('POST', '/v1/payments', { description: 'Tea set', amount: { total: 2590 }, ...fields }),
    control: (method, path, body) => http(method, `${simulator.controlUrl}${path}`, body, {}),
    async until(path, ...statuses) {
      for (let turn = 0; turn < 1_000; turn += 1) {
        const { body } = await paysaga.call('GET', path);
        if (statuses.includes(body.status)) return body;
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      const { body } = await paysaga.call('GET', path);
      throw new Error(`${path} is ${body.status} after 25 s, not ${statuses.join(' or ')}`);
    },
    async history(workflowId) {
      const { events } = await client.workflow.getHandle(workflowId).fetchHistory();
      return (events ?? []).map((event) => {
        const name = Object.keys(event).find((key) => key.endsWith('EventAttributes'));
        return name?.slice(0, -'EventAttributes'.length) ?? 'unknown';
      });
    },
    stopWorker,
    startWorker,
    async stop() {
      await stopWorker();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await simulator.close();
      await merchants.close();
      await workerConnection.close();
      if (apiConnection !== connection) await apiConnection.close();
      await connection.close();
      await pool.end();
      await database.drop();
    },
  };
  return paysaga;
}
