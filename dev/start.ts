import { resolve } from 'node:path';
import { Command } from 'commander';
import { version } from '../cli/version.ts';
import { killAllChildren } from './child.ts';
import { type Stack, startStack } from './stack.ts';
import { StackRunningError } from './stack-folder.ts';

/** `npm start`: everything on this machine until Ctrl-C. */

const { data } = new Command('npm start --')
  .description(
    'run paysaga with all it needs on this machine: PostgreSQL, Temporal, a WeChat Pay simulator, worker, API and a demo shop',
  )
  .option('--data <folder>', 'keep data, logs and secrets here', '.paysaga')
  .addHelpText(
    'after',
    `
Environment:
  DATABASE_URL      use this PostgreSQL instead of an own one
  TEMPORAL_ADDRESS  use this Temporal server instead of an own one
  PAYSAGA_CODEC_KEYS
                    encrypt what Temporal stores, and serve the UI a codec server
  LOG_LEVEL         debug or trace for more in the log files`,
  )
  .version(version())
  .parse()
  .opts<{ data: string }>();

const started = Date.now();
const say = (line: string) => console.log(`  ${line}`);
const startUp = new AbortController();
let stack: Stack | undefined;
let stopRequested: number | undefined;

// npm passes a signal on that the terminal has sent to everybody already, so one Ctrl-C may arrive twice.
const SAME_KEYSTROKE_MS = 700;

async function stop(): Promise<void> {
  console.log('\nstopping (Ctrl-C again to force) …');
  // Before the stack is up, its start gives up, cleans up and rejects; see below.
  if (!stack) return startUp.abort(new Error('stopped before it was up'));
  await stack.stop();
  console.log('stopped; the data are kept');
  process.exit(0);
}

function requestStop(): void {
  if (stopRequested === undefined) {
    stopRequested = Date.now();
    stop().catch(fail);
  } else if (Date.now() - stopRequested > SAME_KEYSTROKE_MS) {
    console.error('forced: everything is killed');
    killAllChildren();
    process.exit(1);
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, requestStop);

// npm passes SIGTERM to the shell that it runs us in, and that one dies of it without a word to us.
if (process.env.npm_lifecycle_event) {
  const shell = process.ppid;
  const watch = setInterval(() => {
    if (process.ppid === shell) return;
    clearInterval(watch);
    if (stopRequested === undefined) requestStop();
  }, 500);
  watch.unref();
}

function fail(error: unknown): never {
  console.error(`\n${error instanceof Error ? error.message : String(error)}`);
  process.exit(1);
}

console.log(`paysaga ${version()}`);
try {
  stack = await startStack({ dir: resolve(data), say, signal: startUp.signal });
} catch (error) {
  if (stopRequested !== undefined) {
    console.log('stopped before it was up');
    process.exit(0);
  }
  if (error instanceof StackRunningError) {
    fail(`${error.message}\nStop that one first, or choose another folder: npm start -- --data <folder>`);
  }
  fail(error);
}
console.log(summary(stack));

function summary({
  apiUrl,
  checkoutUrl,
  temporalUiUrl,
  temporalAddress,
  codecServerUrl,
  simulatorUrl,
  logsDir,
  apiKey,
}: Stack): string {
  const rows = [
    ['API', apiUrl],
    ['checkout page', checkoutUrl],
    ['Temporal UI', temporalUiUrl ?? `(server at ${temporalAddress})`],
    ...(codecServerUrl ? ([['codec server', codecServerUrl]] as const) : []),
    ['simulator', `${simulatorUrl}/_simulator/`],
    ['logs', logsDir],
  ] as const;
  return `
everything is up after ${((Date.now() - started) / 1000).toFixed(1)} s; Ctrl-C stops it

${rows.map(([name, where]) => `  ${name.padEnd(14)} ${where}`).join('\n')}

create a payment:

curl -sS ${apiUrl}/v1/payments \\
  -H 'Authorization: Bearer ${apiKey}' \\
  -H 'Content-Type: application/json' \\
  -H "Idempotency-Key: $(date +%s)-$RANDOM" \\
  -d '{"description": "A cup of tea", "amount": {"total": 2590, "currency": "CNY"}}'

and pay it, as the customer's phone would, with the out_trade_no of the answer:

curl -sS -X POST ${simulatorUrl}/_simulator/orders/OUT_TRADE_NO/pay

and look at it by the command line:

${data === '.paysaga' ? 'npm run --silent paysaga --' : `node --env-file=${data}/cli.env --import=tsx cli/paysaga.ts`} payment list
`;
}
