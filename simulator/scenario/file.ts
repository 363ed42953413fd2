import { readFile } from 'node:fs/promises';
import { z } from 'zod';
import { faultRequest, ruleProblems } from '../faults/fault.ts';
import { recording, recordingProblems } from '../faults/replay.ts';
import { FAULT_KINDS } from '../v3/operations/index.ts';
import { type Scenario, scenarioSchema } from './scenario.ts';

/** A scenario that makes no sense; every problem is named. */
export class ScenarioError extends Error {
  override readonly name = 'ScenarioError';
  /** Each with the place: `merchants[0].mchid: a mchid has 8 to 10 digits`. */
  readonly problems: readonly string[];

  constructor(where: string, problems: readonly string[]) {
    const count = problems.length === 1 ? 'a problem' : `${problems.length} problems`;
    super(`${where} has ${count}:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

/** Reads a scenario from a JSON file. @throws ScenarioError */
export async function readScenario(file: string): Promise<Scenario> {
  let value: unknown;
  try {
    value = JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    const { message } = error as Error;
    const problem =
      error instanceof SyntaxError ? `it is not JSON: ${message}` : `it cannot be read: ${message}`;
    throw new ScenarioError(`the scenario ${file}`, [problem]);
  }
  return checkScenario(value, `the scenario ${file}`);
}

/** Checks a scenario as a whole. @throws ScenarioError */
export function checkScenario(value: unknown, where = 'the scenario'): Scenario {
  const result = scenarioSchema.safeParse(value);
  const problems = [
    ...(result.error?.issues ?? []).map(({ path, message }) =>
      path.length ? `${z.core.toDotPath(path)}: ${message}` : message,
    ),
    ...repeatedMchids(value),
    ...entries(value, 'faults').flatMap((entry, index) => {
      const rule = faultRequest.safeParse(entry);
      return rule.success
        ? ruleProblems(rule.data, FAULT_KINDS).map((problem) => `faults[${index}]: ${problem}`)
        : [];
    }),
    ...entries(value, 'replay').flatMap((entry, index) => {
      const recorded = recording.safeParse(entry);
      if (!recorded.success) return [];
      return recordingProblems([recorded.data], FAULT_KINDS).map((problem) => `replay[${index}]: ${problem}`);
    }),
  ];
  if (!result.success || problems.length) throw new ScenarioError(where, problems);
  return result.data;
}

function repeatedMchids(value: unknown): string[] {
  const mchids = entries(value, 'merchants').map((entry) => (entry as { mchid?: unknown } | null)?.mchid);
  return mchids.flatMap((mchid, index) =>
    mchid !== undefined && mchids.indexOf(mchid) < index
      ? [`merchants[${index}].mchid: ${String(mchid)} is already merchants[${mchids.indexOf(mchid)}]`]
      : [],
  );
}

function entries(value: unknown, name: string): unknown[] {
  const found = (value as Record<string, unknown> | null)?.[name];
  return Array.isArray(found) ? found : [];
}
