import { generateKeyPairSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { version } from '../cli/version.ts';
import { type Machine, machine } from './machine.ts';
import { Child } from './protocol-child.ts';
import type { ClientName } from './protocol-clients.ts';
import type {
  ClientReady,
  ClientSetUp,
  Keys,
  ProtocolLoad,
  Round,
  ServerReady,
  ServerSetUp,
  ServerUsage,
} from './protocol-wire.ts';

/** One client's figures: those of the round whose rate is the median of all rounds. */
export interface ProtocolPart extends Round {
  name: ClientName;
  /** Whether it noticed an answer that was changed after it was signed. */
  refusesForgery: boolean;
  /** Share of the time in which the server was at work, in percent. */
  serverBusyPercent: number;
  /** Requests per second of each round. */
  rounds: number[];
}

/** What `bench protocol` has found. */
export interface ProtocolReport {
  machine: Machine;
  versions: Record<string, string>;
  load: ProtocolLoad & { rounds: number };
  parts: ProtocolPart[];
  /** paysaga's figures by each peer's. */
  ratios: Record<Peer, { byRate: number; byCpu: number }>;
  /** Processor time of a request that is neither RSA nor HTTP, in microseconds. */
  addedCpuUs: number;
  /** Requests that failed, in all rounds of all clients. */
  failed: number;
  /** Whether paysaga was ahead of both peers, nothing failed, and all three refuse a forged answer. */
  passed: boolean;
}

/** Whom paysaga is compared with. */
export type Peer = (typeof PEERS)[number];

const PEERS = ['wechatpay-axios-plugin', 'wechatpay-node-v3'] as const;
const NAMES: readonly ClientName[] = [
  'paysaga',
  ...PEERS,
  'wechatpay-node-v3, unverified',
  'HTTP alone',
  'RSA alone',
];

/** Odd, so that the median is a round that was measured. */
const ROUNDS = 3;

/**
 * Compares paysaga's protocol library with both npm peers: signed requests, verified answers, over real HTTP. Each client is a process of its
 * own and so is the server. Rounds take turns, so that what the machine does meanwhile hits all alike.
 */
export async function benchProtocol(
  load: ProtocolLoad,
  say: (line: string) => void,
  signal: AbortSignal,
): Promise<ProtocolReport> {
  const children: Child[] = [];
  const start = (file: string, ...args: string[]) => {
    const child = new Child(file, args, signal);
    children.push(child);
    return child;
  };
  try {
    const keys = generateKeys();
    const server = start('protocol-server.ts');
    const { baseUrl } = await server.ask<ServerReady>({ keys } satisfies ServerSetUp);
    const clients = [];
    for (const name of NAMES) {
      const child = start('protocol-client.ts', name);
      const { refusesForgery } = await child.ask<ClientReady>({ keys, baseUrl } satisfies ClientSetUp);
      clients.push({ name, child, refusesForgery, rounds: [] as (Round & { serverBusyPercent: number })[] });
    }
    for (let round = 1; round <= ROUNDS; round += 1) {
      for (const { name, child, rounds } of clients) {
        // RSA has nothing to wait for, so several at once would only wait for each other.
        const own = name === 'RSA alone' ? { ...load, concurrency: 1 } : load;
        await server.ask<ServerUsage>({});
        const measured = await child.ask<Round>(own);
        const { busyPercent } = await server.ask<ServerUsage>({});
        rounds.push({ ...measured, serverBusyPercent: busyPercent });
        say(`round ${round}, ${name}: ${measured.requestsPerSecond.toFixed(0)} requests/s`);
      }
    }
    const parts = clients.map(({ name, refusesForgery, rounds }) => ({
      ...medianRound(rounds),
      name,
      refusesForgery,
      failed: rounds.reduce((sum, { failed }) => sum + failed, 0),
      rounds: rounds.map(({ requestsPerSecond }) => requestsPerSecond),
    }));
    return { machine: machine(), versions: versions(), load: { ...load, rounds: ROUNDS }, ...compare(parts) };
  } finally {
    for (const child of children) child.stop();
  }
}

/** The comparison of parts that were measured. */
export function compare(
  parts: ProtocolPart[],
): Pick<ProtocolReport, 'parts' | 'ratios' | 'addedCpuUs' | 'failed' | 'passed'> {
  const part = (name: ClientName) => {
    const found = parts.find((each) => each.name === name);
    if (!found) throw new Error(`${name} was not measured`);
    return found;
  };
  const ours = part('paysaga');
  const ratio = (name: Peer) => ({
    byRate: ours.requestsPerSecond / part(name).requestsPerSecond,
    byCpu: part(name).cpuMsPerRequest / ours.cpuMsPerRequest,
  });
  const ratios = {
    'wechatpay-axios-plugin': ratio('wechatpay-axios-plugin'),
    'wechatpay-node-v3': ratio('wechatpay-node-v3'),
  };
  const floors = part('HTTP alone').cpuMsPerRequest + part('RSA alone').cpuMsPerRequest;
  const failed = parts.reduce((sum, each) => sum + each.failed, 0);
  return {
    parts,
    ratios,
    addedCpuUs: (ours.cpuMsPerRequest - floors) * 1000,
    failed,
    passed:
      failed === 0 &&
      PEERS.every((name) => ratios[name].byRate > 1) &&
      (['paysaga', ...PEERS] as const).every((name) => part(name).refusesForgery),
  };
}

/** The round with the median rate. */
export function medianRound<Measured extends Pick<Round, 'requestsPerSecond'>>(
  rounds: readonly Measured[],
): Measured {
  const sorted = [...rounds].sort((a, b) => a.requestsPerSecond - b.requestsPerSecond);
  const median = sorted[Math.floor((sorted.length - 1) / 2)];
  if (!median) throw new RangeError('the median of nothing');
  return median;
}

function generateKeys(): Keys {
  const pair = () =>
    generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
    });
  const [merchant, wechat] = [pair(), pair()];
  return {
    merchantPrivate: merchant.privateKey,
    merchantPublic: merchant.publicKey,
    wechatPrivate: wechat.privateKey,
    wechatPublic: wechat.publicKey,
  };
}

function versions(): Record<string, string> {
  const { dependencies, devDependencies } = JSON.parse(
    readFileSync(new URL('../package.json', import.meta.url), 'utf8'),
  ) as { dependencies: Record<string, string>; devDependencies: Record<string, string> };
  return {
    paysaga: version(),
    ...Object.fromEntries(PEERS.map((name) => [name, devDependencies[name] ?? 'unknown'])),
    undici: dependencies.undici ?? 'unknown',
    Node: process.versions.node,
    OpenSSL: process.versions.openssl,
  };
}
