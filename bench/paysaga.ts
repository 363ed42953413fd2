import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@temporalio/client';
import { Agent, request } from 'undici';
import type { Stack } from '../dev/stack.ts';
import { paymentWorkflowId } from '../domain/identity.ts';
import { historyLengths } from './baseline.ts';
import { PaidWatch } from './paid-watch.ts';
import { HISTORIES, LOAD_GENERATOR, PATIENCE_MS, type Subject } from './subject.ts';

/** A payment as the API answers it. */
interface Payment {
  id: string;
  mchid: string;
  out_trade_no: string;
  status: string;
  code_url: string | null;
}

/** Between two questions for a code_url, in milliseconds. */
const ASK_AGAIN_MS = 250;

const STACK_PROCESSES = ['temporal', 'worker', 'api', 'simulator', 'postgres'];

/** paysaga end to end: its API over HTTP, PostgreSQL, signed calls to the simulated gateway, signed notifications from it. */
export async function startPaysagaLoad(
  client: Client,
  stack: Stack,
  concurrency: number,
): Promise<Subject & { stop(): Promise<void> }> {
  const watch = await PaidWatch.open(stack.databaseUrl);
  // A connection for each payment in flight, kept alive, as a merchant's backend would have.
  const dispatcher = new Agent({ connections: concurrency });
  const authorization = { authorization: `Bearer ${stack.apiKey}` };
  const workflowIds: string[] = [];

  async function call(
    method: 'GET' | 'POST',
    url: string,
    headers: Record<string, string>,
    body?: object,
  ): Promise<unknown> {
    const answer = await request(url, {
      method,
      dispatcher,
      headersTimeout: PATIENCE_MS,
      headers: { ...(body && { 'content-type': 'application/json' }), ...headers },
      body: body ? JSON.stringify(body) : null,
    });
    const text = await answer.body.text();
    if (answer.statusCode < 300) return JSON.parse(text);
    // Without ids, so that the same reason reads the same.
    const { title = '' } = (/json/.test(String(answer.headers['content-type'])) && JSON.parse(text)) || {};
    throw new Error(`a ${method} was answered ${answer.statusCode} ${title}`.trim());
  }

  /** What a merchant's backend does after a 202: asks until there is a code_url. */
  async function withCodeUrl(payment: Payment): Promise<Payment> {
    const deadline = performance.now() + PATIENCE_MS;
    let now = payment;
    while (!now.code_url) {
      if (performance.now() > deadline) throw new Error(`${now.status} and no code_url`);
      await sleep(ASK_AGAIN_MS);
      now = (await call('GET', `${stack.apiUrl}/v1/payments/${now.id}`, authorization)) as Payment;
    }
    return now;
  }

  return {
    name: 'paysaga',
    async takePayment() {
      const started = performance.now();
      const created = (await call(
        'POST',
        `${stack.apiUrl}/v1/payments`,
        { ...authorization, 'idempotency-key': randomUUID() },
        {
          description: 'A cup of tea',
          amount: { total: 2590, currency: 'CNY' },
          merchant_id: stack.merchantId,
        },
      )) as Payment;
      const payment = await withCodeUrl(created);
      const answered = performance.now();
      const pay = `${stack.simulatorUrl}/_simulator/orders/${payment.out_trade_no}/pay`;
      const [, paid] = await Promise.all([
        call('POST', pay, {}, { code_url: payment.code_url }),
        watch.paid(payment.id),
      ]);
      workflowIds.push(paymentWorkflowId(payment.mchid, payment.out_trade_no));
      return {
        toCodeUrl: answered - started,
        toSettled: paid - answered,
        toPaid: paid - started,
        askedAgain: payment !== created,
      };
    },
    processes: () => [
      ...stack
        .pids()
        .filter(({ name }) => STACK_PROCESSES.includes(name))
        .sort((a, b) => STACK_PROCESSES.indexOf(a.name) - STACK_PROCESSES.indexOf(b.name))
        .map(({ name, pid }) => ({ name, pid, ...(name === 'postgres' && { except: [watch.backendPid] }) })),
      ...(stack.pids().some(({ name }) => name === 'postgres')
        ? [{ name: 'watch for PAID', pid: watch.backendPid }]
        : []),
      LOAD_GENERATOR,
    ],
    historyEvents: () => historyLengths(client, workflowIds.slice(-HISTORIES)),
    async stop() {
      await watch.close();
      await dispatcher.close();
    },
  };
}
