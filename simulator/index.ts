import { once } from 'node:events';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Gateway } from './gateway.ts';
import { Journal } from './journal.ts';
import { tlsIdentity } from './keys/tls.ts';
import { writeCredentials } from './merchants/credentials.ts';
import type { SimulatedMerchant } from './merchants/merchant.ts';
import { buildWorld, type World } from './merchants/world.ts';
import { SeededRandom } from './random.ts';
import { checkScenario } from './scenario/file.ts';
import type { Scenario } from './scenario/scenario.ts';
import { simulatorServer } from './server.ts';
import { Timers } from './time/timers.ts';
import { V2Protocol } from './v2/protocol.ts';
import { FAULT_KINDS } from './v3/operations/index.ts';
import { Protocol } from './v3/protocol.ts';

export type { GatewayState, NotificationView, OrderView, RefundView, ScanView } from './control/view.ts';
export type { GatewayEvents } from './events.ts';
export type { FaultKind, FaultRequest, FaultRule, FaultTable, FiredFault } from './faults/fault.ts';
export { FolderInUseError } from './folder-lock.ts';
export type { Gateway } from './gateway.ts';
export { ControlError } from './gateway-error.ts';
export type { SimulatedMerchant, SimulatedSubMerchant } from './merchants/merchant.ts';
export { RETRY_SECONDS } from './notifications/retry-schedule.ts';
export { readScenario, ScenarioError } from './scenario/file.ts';
export type { Scenario } from './scenario/scenario.ts';
export { FAULT_KINDS } from './v3/operations/index.ts';

export interface SimulatorOptions {
  /** A free port unless told. */
  port?: number;
  /** 127.0.0.1 unless told. */
  host?: string;
  /** 1 unless told. The same seed gives the same keys and, for the same requests in the same order, the same ids. */
  seed?: number;
  /** Who is enrolled besides the merchants of the seed, how the simulator behaves, and what goes wrong; options go before its settings. */
  scenario?: Scenario;
  /** Seed of the faults' draws; `seed` unless told. */
  faultSeed?: number;
  /** Where to write `merchant.json`, `apiclient_key.pem`, `apiclient_cert.pem` and `pub_key.pem`. */
  credentialsDir?: string;
  /** Where to remember everything across restarts; nothing is remembered unless told. */
  dataDir?: string;
  /** Divides the waits of notification retries and refund processing; 1 unless told. */
  timeScale?: number;
  /** Real milliseconds from an event to the first attempt to notify; 200 unless told. */
  notifyDelayMs?: number;
  /** Real milliseconds a merchant has to answer a notification; 5000, as documented, unless told. */
  notifyTimeoutMs?: number;
  /** Milliseconds, before scaling, from acceptance of a refund to SUCCESS; 3000 unless told, `Infinity` for never by itself. */
  refundDelayMs?: number;
  /** Whether partial refunds of one order must be a minute apart, before scaling, as documented; false unless told. */
  enforceRefundInterval?: boolean;
  /** Whether calls beyond the documented figures are answered 429; false unless told. */
  rateLimits?: boolean;
  /**
   * Whether orders of v2 must be five minutes old, before scaling, to be closed, as documented. Unless told it is so where nobody has to wait
   * for real: with a `clock` of its own, or a `timeScale`.
   */
  enforceCloseDelay?: boolean;
  /** Serves HTTPS too, where calls that need the merchant certificate demand it; plain HTTP cannot. */
  tls?: boolean;
  /** A free port unless told. */
  tlsPort?: number;
  /** From which amount on, in fen, a payment code needs the person's password; 100000 (1000 yuan) unless told, `Infinity` for never. */
  passwordFrom?: number;
  /** How a pending password is answered: 200 with nothing but the state, unless told, or 202 USER_PAYING. */
  userPayingStatus?: 200 | 202;
  /** Present time in milliseconds. */
  clock?: () => number;
}

/** A running simulator. */
export interface Simulator {
  baseUrl: string;
  /** With `tls`; its certificate is trusted by whoever trusts `ca`. */
  tlsBaseUrl: string | undefined;
  /** PEM, also written as `ca.pem`. */
  ca: string | undefined;
  controlUrl: string;
  /** The first merchant. */
  merchant: SimulatedMerchant;
  /** Everybody who is enrolled. */
  world: World;
  /** The control API without HTTP, and the events to wait for. */
  gateway: Gateway;
  close(): Promise<void>;
}

const SEED = 1;
const CLOSE_DELAY_MS = 5 * 60_000;
const PASSWORD_FROM_FEN = 100_000;
const REFUND_DELAY_MS = 3000;

/**
 * Starts a stand-in for the WeChat Pay gateway, whose v3 has no sandbox of its own.
 * @throws FolderInUseError when another process remembers in `dataDir`
 */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const scenario = checkScenario(options.scenario ?? {});
  const world = await buildWorld(options.seed ?? SEED, scenario);
  const journal = new Journal(options.dataDir);
  try {
    return await open(options, { scenario, world, journal });
  } catch (error) {
    // The folder is there for another start.
    journal.close();
    throw error;
  }
}

async function open(
  options: SimulatorOptions,
  { scenario, world, journal }: { scenario: Scenario; world: World; journal: Journal },
): Promise<Simulator> {
  const { host = '127.0.0.1', seed = SEED, clock = Date.now } = options;
  const { settings = {} } = scenario;
  const timeScale = options.timeScale ?? settings.time_scale ?? 1;
  const enforceCloseDelay =
    options.enforceCloseDelay ?? settings.close_delay ?? (options.clock !== undefined || timeScale !== 1);
  const random = new SeededRandom(`simulator/${seed}`);
  const startsAt = settings.clock === undefined ? undefined : Date.parse(settings.clock);
  const timers = new Timers({ clock, journal, startsAt });
  await world.recall(journal);
  const gateway = new Gateway({
    world,
    faultTable: FAULT_KINDS,
    faultSeed: options.faultSeed ?? settings.fault_seed,
    arrangedFaults: scenario,
    bills: scenario.bills,
    journal,
    random,
    wallClock: clock,
    timers,
    timeScale,
    notifyDelayMs: options.notifyDelayMs ?? settings.notify_delay_ms ?? 200,
    notifyTimeoutMs: options.notifyTimeoutMs ?? settings.notify_timeout_ms,
    refundDelayMs: options.refundDelayMs ?? orNever(settings.refund_delay_ms, REFUND_DELAY_MS),
    enforceRefundInterval: options.enforceRefundInterval ?? settings.refund_interval ?? false,
    rateLimits: options.rateLimits ?? settings.rate_limits ?? false,
    earliestCloseMs: enforceCloseDelay ? CLOSE_DELAY_MS / timeScale : 0,
    paymentCodes: {
      passwordFrom: options.passwordFrom ?? orNever(scenario.payment_codes?.password_from, PASSWORD_FROM_FEN),
      pendingStatus: options.userPayingStatus ?? scenario.payment_codes?.user_paying_status ?? 200,
      passwordMs: 30_000 / timeScale,
      autoRevokeMs: 45_000 / timeScale,
    },
  });
  const protocols = {
    v3: new Protocol(gateway, random.fork('request ids')),
    v2: new V2Protocol(gateway),
  };
  const tls = options.tls ? await tlsIdentity(seed, host) : undefined;
  const reachable =
    host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host.includes(':') ? `[${host}]` : host;
  const listen = async (server: Server, port = 0) => {
    server.listen(port, host);
    await once(server, 'listening');
    return `${reachable}:${(server.address() as AddressInfo).port}`;
  };
  const plain = simulatorServer(gateway, protocols);
  const secure = tls && simulatorServer(gateway, protocols, tls);
  const close = async () => {
    const listening = [plain, secure].filter((server) => server?.listening) as Server[];
    const closed = listening.map((server) => once(server, 'close'));
    for (const server of listening) {
      server.close();
      // Held sockets would otherwise keep the server open until their clients give up.
      server.closeAllConnections();
    }
    await Promise.all([...closed, gateway.close()]);
  };
  try {
    const baseUrl = `http://${await listen(plain, options.port)}`;
    const tlsBaseUrl = secure && `https://${await listen(secure, options.tlsPort)}`;
    const ca = tls?.ca;
    const controlUrl = `${baseUrl}/_simulator`;
    const addresses = { baseUrl, tlsBaseUrl, ca, controlUrl };
    if (options.credentialsDir) {
      await writeCredentials(options.credentialsDir, world, { ...addresses, now: timers.now() });
    }
    gateway.resume();
    return { ...addresses, merchant: world.merchant, world, gateway, close };
  } catch (error) {
    // Whose second port is taken has not started at all.
    await close();
    throw error;
  }
}

/** A number of a scenario: JSON has no infinity, null is never. */
function orNever(value: number | null | undefined, usual: number): number {
  return value === undefined ? usual : (value ?? Number.POSITIVE_INFINITY);
}
