import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { runPart } from './npm-clients.ts';
import { PLAN, PROGRAMS, type Program } from './plan.ts';
import { type Outcome, outcomeLine, table, tally } from './report.ts';
import { play, prepare } from './sdk-programs.ts';
import { type Gateway, startGateway } from './settings.ts';

/** Everything together, so that continuous integration knows what it has to wait for. */
const TIME_MS = 170_000;

/** `npm run conformance [-- --only go,java]`: exit status 1 when a step of a program that could be run has failed. */
async function main(): Promise<number> {
  const { values } = parseArgs({ options: { only: { type: 'string' }, help: { type: 'boolean' } } });
  const programs = values.only === undefined ? [...PROGRAMS] : values.only.split(',');
  const unknown = programs.filter((name) => !(PROGRAMS as readonly string[]).includes(name));
  if (values.help || unknown.length) {
    console.log(`npm run conformance [-- --only ${PROGRAMS.join(',')}]`);
    return values.help ? 0 : 2;
  }
  const deadline = Date.now() + TIME_MS;
  // Whatever hangs: continuous integration must not wait for it.
  setTimeout(() => {
    console.log('FAIL it took too long');
    process.exit(1);
  }, TIME_MS + 5000).unref();
  const folder = await mkdtemp(join(tmpdir(), 'paysaga-conformance-build-'));
  const gateway = await startGateway();
  try {
    let failed = 0;
    for (const program of programs as Program[]) {
      failed += await run(program, gateway, folder, () => Math.max(1, deadline - Date.now()));
    }
    return failed === 0 ? 0 : 1;
  } finally {
    await gateway.close();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Runs all parts of a program and tells about them. @returns how many failures there are. */
async function run(
  program: Program,
  gateway: Gateway,
  folder: string,
  remainingMs: () => number,
): Promise<number> {
  console.log(`== ${program}`);
  const parts = PLAN[program];
  const outcomes: Outcome[] = [];
  const onOutcome = (outcome: Outcome) => {
    outcomes.push(outcome);
    console.log(outcomeLine(outcome));
  };
  if (program === 'npm') {
    for (const part of parts) await runPart(gateway, part, onOutcome);
  } else {
    const prepared = await prepare(program, folder, remainingMs);
    if ('skipped' in prepared) {
      console.log(`skipped: ${prepared.skipped}`);
      return 0;
    }
    if ('broken' in prepared) {
      console.log(`FAIL ${program} does not build: ${prepared.broken}`);
      return 1;
    }
    for (const part of parts) {
      const before = outcomes.length;
      const trouble = await play(prepared.player, gateway, part, onOutcome, remainingMs);
      // Steps that failed were told already; this is about those that were not reached.
      if (trouble && outcomes.length - before < part.steps.length)
        console.log(`${part.sdk} ${part.mode} ${part.role}: ${trouble}`);
    }
  }
  const tallies = tally(parts, outcomes);
  console.log(`\n${table(tallies)}\n`);
  return tallies.reduce((sum, { failures }) => sum + failures.length, 0);
}

process.exitCode = await main();
