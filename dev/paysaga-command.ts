import { fileURLToPath } from 'node:url';
import { type Child, failure, startChild } from './child.ts';

/** This repository's root folder. */
export const ROOT = fileURLToPath(new URL('..', import.meta.url));

/**
 * What Node is given to run `paysaga`: its sources, or with `PAYSAGA_COMPILED` what `npm run build` has made of them, which starts in half
 * the time.
 */
export const PAYSAGA: readonly string[] = process.env.PAYSAGA_COMPILED
  ? [`${ROOT}dist/cli/paysaga.js`]
  : // No --enable-source-maps: tsx has it on.
    ['--import=tsx', `${ROOT}cli/paysaga.ts`];

const ONE_SHOT_TIMEOUT_MS = 60_000;

/** How to run the `paysaga` command. */
export interface CommandOptions {
  args: readonly string[];
  /** Added to the variables of this process. */
  env: NodeJS.ProcessEnv;
  logFile?: string;
  signal?: AbortSignal;
}

/** Starts `paysaga …` as a child of this process, without a shell in between, so that its pid is its own. */
export function startPaysaga({ args, env, logFile, signal }: CommandOptions): Promise<Child> {
  return startChild({
    name: `paysaga ${args[0]}`,
    command: process.execPath,
    args: [...PAYSAGA, ...args],
    cwd: ROOT,
    env: { ...process.env, ...env },
    logFile,
    signal,
    // The worker lets running activities finish.
    graceMs: 15_000,
  });
}

/**
 * Runs `paysaga …` to its end.
 * @returns the first line it printed that matches
 * @throws with its last lines when it fails
 */
export async function runPaysaga(options: CommandOptions, expected: RegExp): Promise<string> {
  const child = await startPaysaga(options);
  try {
    const [line] = await child.printed(expected, ONE_SHOT_TIMEOUT_MS);
    const exit = await child.exited;
    if (exit.code !== 0) throw new Error(failure(child.name, exit, child.tail()));
    return line;
  } catch (error) {
    await child.stop();
    throw error;
  }
}
