import type { Part } from './plan.ts';

/** What became of one step. */
export interface Outcome {
  sdk: string;
  mode: string;
  role: string;
  step: string;
  /** Undefined when it worked. */
  failure?: string | undefined;
}

/** `ok|FAIL <sdk> <mode> <role> <step> [reason]` */
export function outcomeLine({ sdk, mode, role, step, failure }: Outcome): string {
  const head = `${failure === undefined ? 'ok' : 'FAIL'} ${sdk} ${mode} ${role} ${step}`;
  return failure === undefined ? head : `${head} ${failure.replace(/\s+/g, ' ').trim()}`;
}

/** Reads such a line; undefined for anything else that a program prints. */
export function parseOutcome(line: string): Outcome | undefined {
  const [, verdict, sdk, mode, role, step, reason] =
    /^(ok|FAIL) (\S+) (\S+) (\S+) (\S+)(?: (.*))?$/.exec(line) ?? [];
  if (!sdk || !mode || !role || !step) return undefined;
  return { sdk, mode, role, step, ...(verdict === 'FAIL' && { failure: reason ?? 'no reason given' }) };
}

/** A part and what became of each of its steps. */
export interface Tally {
  part: Part;
  passed: number;
  failures: Outcome[];
}

/** Adds up: a step that nothing was said about has failed, and so has one that is not planned. */
export function tally(parts: readonly Part[], outcomes: readonly Outcome[]): Tally[] {
  return parts.map((part) => {
    const { sdk, mode, role, steps } = part;
    const own = outcomes.filter((one) => one.sdk === sdk && one.mode === mode && one.role === role);
    const failures: Outcome[] = [];
    let passed = 0;
    for (const step of steps) {
      const said = own.filter((one) => one.step === step);
      const failed = said.find(({ failure }) => failure !== undefined);
      if (failed) failures.push(failed);
      else if (said.length === 0)
        failures.push({ sdk, mode, role, step, failure: 'nothing was said about it' });
      else passed += 1;
    }
    for (const outcome of own) {
      if (!steps.includes(outcome.step))
        failures.push({ ...outcome, failure: outcome.failure ?? 'it is not planned' });
    }
    return { part, passed, failures };
  });
}

/** A row for each part. */
export function table(tallies: readonly Tally[]): string {
  const rows = tallies.map(({ part: { sdk, mode, role, steps }, passed, failures }) => [
    sdk,
    mode,
    role,
    `${passed}/${steps.length}`,
    failures.length === 0 ? 'ok' : `FAIL: ${failures.map(({ step }) => step).join(', ')}`,
  ]);
  const all = [['client', 'mode', 'role', 'steps', ''], ...rows];
  const widths = [0, 1, 2, 3].map((column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  return all
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
