import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { Command } from 'commander';
import { paymentWorkflowId } from '../../domain/identity.ts';
import { killAllChildren } from '../child.ts';
import { type Stack, startStack } from '../stack.ts';
import { deleteStackFolder } from '../stack-folder.ts';
import { MerchantBackend } from './merchant-backend.ts';
import { SCENARIOS, type Scenario, type Stage } from './scenarios.ts';

/** `npm run tour`: what can happen to a payment, on a stack of its own, through the public API only. */

/** One line of the report. */
interface Report {
  scenario: string;
  out_trade_no: string | null;
  /** What happened, in milliseconds after the scenario's start. */
  steps: { at_ms: number; what: string }[];
  expected: string;
  status: string | null;
  ok: boolean;
  /** Events in the payment's workflow history. */
  history_events: number | null;
  temporal_ui: string | null;
  error: string | null;
}

const options = new Command('npm run tour --')
  .description('run seven scenarios on a stack of its own and check how each ends')
  .option('--json <file>', 'write the report as JSON too')
  .option('--data <folder>', 'folder of the stack; emptied first', '.paysaga/tour')
  .option('--kill <process>', 'also SIGKILL this process of the stack while the scenarios run')
  .option('--keep', 'leave the stack running afterwards, to look at it in the Temporal UI, until Ctrl-C')
  .parse()
  .opts<{ json?: string; data: string; kill?: string; keep?: boolean }>();

const say = (line: string) => console.log(`  ${line}`);
const folder = resolve(options.data);
let stack: Stack | undefined;
const abort = new AbortController();
const interrupted = new Promise<void>((done) => {
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => {
      abort.abort(new Error('interrupted'));
      done();
    });
  }
});

/** SIGKILLs a process of the stack. */
function kill(name: string): void {
  const victim = stack?.pids().find((candidate) => candidate.name === name);
  if (!victim) {
    const names = stack?.pids().map((candidate) => candidate.name);
    throw new Error(`no process ${name} runs; there are ${names?.join(', ')}`);
  }
  process.kill(victim.pid, 'SIGKILL');
}

async function play(scenario: Scenario, running: Stack, temporal: Client): Promise<Report> {
  const started = Date.now();
  const report: Report = {
    scenario: scenario.name,
    out_trade_no: null,
    steps: [],
    expected: scenario.expected,
    status: null,
    ok: false,
    history_events: null,
    temporal_ui: null,
    error: null,
  };
  const stage: Stage = {
    backend: new MerchantBackend(running),
    note: (what) => void report.steps.push({ at_ms: Date.now() - started, what }),
    kill,
  };
  try {
    const payment = await scenario.run(stage);
    const workflowId = paymentWorkflowId(payment.mchid, payment.out_trade_no);
    report.out_trade_no = payment.out_trade_no;
    report.status = payment.status;
    report.temporal_ui = running.temporalUiUrl
      ? `${running.temporalUiUrl}/namespaces/${running.temporalNamespace}/workflows/${encodeURIComponent(workflowId)}`
      : null;
    // The row is final a moment before the workflow is.
    const handle = temporal.workflow.getHandle(workflowId);
    await handle.result();
    report.history_events = (await handle.describe()).historyLength;
    report.ok = payment.status === scenario.expected;
  } catch (error) {
    report.error = (error as Error).message;
  }
  say(`${report.ok ? '✔' : '✘'} ${scenario.name}`);
  return report;
}

async function playAll(running: Stack): Promise<Report[]> {
  const connection = await Connection.connect({ address: running.temporalAddress });
  const temporal = new Client({ connection, namespace: running.temporalNamespace });
  try {
    const together = SCENARIOS.filter((scenario) => !scenario.alone);
    const waiting = together.map((scenario) => play(scenario, running, temporal));
    if (options.kill) {
      await sleep(3_000);
      kill(options.kill);
      say(`killed ${options.kill} (SIGKILL)`);
    }
    // The worker dies while the two payments with a window still wait for its end; they must not mind.
    await sleep(20_000);
    const alone = [];
    for (const scenario of SCENARIOS.filter((candidate) => candidate.alone)) {
      alone.push(await play(scenario, running, temporal));
    }
    return [...(await Promise.all(waiting)), ...alone];
  } finally {
    await connection.close();
  }
}

function print(reports: Report[]): void {
  for (const report of reports) {
    console.log(`\n${report.ok ? '✔' : '✘'} ${report.scenario}`);
    console.log(`    out_trade_no    ${report.out_trade_no ?? '-'}`);
    console.log(
      `    what happened   ${report.steps.map(({ at_ms, what }) => `${(at_ms / 1000).toFixed(1)} s ${what}`).join(' → ')}`,
    );
    console.log(
      `    final status    ${report.status ?? '-'}${report.ok ? '' : ` (must be ${report.expected})`}`,
    );
    console.log(`    history events  ${report.history_events ?? '-'}`);
    if (report.temporal_ui) console.log(`    Temporal UI     ${report.temporal_ui}`);
    if (report.error) console.log(`    error           ${report.error}`);
  }
}

let exitCode = 1;
try {
  deleteStackFolder(folder);
  stack = await startStack({ dir: folder, say, signal: abort.signal });
  console.log('\nthe scenarios run; two of them wait for a window of one minute …');
  const reports = await Promise.race([
    playAll(stack),
    interrupted.then(() => Promise.reject(abort.signal.reason)),
  ]);
  print(reports);
  const passed = reports.filter((report) => report.ok).length;
  console.log(`\n${passed} of ${reports.length} scenarios ended as they must`);
  if (options.json)
    writeFileSync(
      options.json,
      `${JSON.stringify({ passed, of: reports.length, scenarios: reports }, null, 2)}\n`,
    );
  exitCode = passed === SCENARIOS.length ? 0 : 1;
  if (!options.keep) console.log('(the links work while the stack runs: npm run tour -- --keep)');
  if (options.keep) {
    console.log('\nthe stack stays up; Ctrl-C stops it');
    await interrupted;
  }
} catch (error) {
  console.error(`\n${(error as Error).message}`);
} finally {
  await stack?.stop();
  killAllChildren();
}
process.exit(exitCode);
