import { closedLoop } from './closed-loop.ts';
import { latency } from './latency.ts';
import { answerQuestions } from './protocol-child.ts';
import { CLIENTS, type ClientName, type ProtocolClient } from './protocol-clients.ts';
import {
  type ClientReady,
  type ClientSetUp,
  CODE_URL,
  FORGED_OUT_TRADE_NO,
  OUT_TRADE_NO,
  type ProtocolLoad,
  type Round,
} from './protocol-wire.ts';

/** A client's process: `protocol-client.ts <name>`. */

async function setUp(client: ProtocolClient): Promise<ClientReady> {
  await request(client, 0);
  await request(client, 1);
  const refusesForgery = await client.query(FORGED_OUT_TRADE_NO).then(
    () => false,
    () => true,
  );
  return { refusesForgery };
}

/** Queries and orders take turns. @throws when the answer is not the expected one. */
async function request(client: ProtocolClient, turn: number): Promise<void> {
  const isQuery = turn % 2 === 0;
  const answered = await (isQuery ? client.query(OUT_TRADE_NO) : client.create());
  if (answered !== (isQuery ? 'SUCCESS' : CODE_URL)) throw new Error(`answered ${answered}`);
}

async function run(client: ProtocolClient, { requests, concurrency, warmUp }: ProtocolLoad): Promise<Round> {
  let turn = 0;
  const timed = async () => {
    const startedAt = performance.now();
    turn += 1;
    await request(client, turn);
    return performance.now() - startedAt;
  };
  await closedLoop({ count: warmUp, concurrency }, timed);
  const cpuBefore = process.cpuUsage();
  const { results, failures, seconds } = await closedLoop({ count: requests, concurrency }, timed);
  const { user, system } = process.cpuUsage(cpuBefore);
  return {
    requestsPerSecond: results.length / seconds,
    cpuMsPerRequest: (user + system) / 1000 / requests,
    ...(results.length > 0 && { latencyMs: latency(results) }),
    failed: requests - results.length,
    ...(failures[0] && { failure: failures[0] }),
  };
}

let client: ProtocolClient | undefined;

answerQuestions<ClientSetUp | ProtocolLoad>(async (question) => {
  if ('keys' in question) {
    client = CLIENTS[process.argv[2] as ClientName](question);
    return setUp(client);
  }
  if (!client) throw new Error('asked before it was set up');
  return run(client, question);
});
