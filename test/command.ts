import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { PAYSAGA } from '../dev/paysaga-command.ts';
import type { Paysaga } from './fixture.ts';

/** What a command of `paysaga` said. */
export interface Said {
  code: number;
  /** Both streams. */
  said: string;
  stdout: string;
}

/** The environment of a `paysaga` that is pointed at the servers of a test. */
export function environmentOf(paysaga: Paysaga): NodeJS.ProcessEnv {
  return {
    ...process.env,
    DATABASE_URL: paysaga.databaseUrl,
    TEMPORAL_ADDRESS: paysaga.temporalAddress,
    TEMPORAL_TASK_QUEUE: paysaga.taskQueue,
    PAYSAGA_MASTER_KEY: paysaga.masterKey.toString('base64'),
  };
}

/** Runs `paysaga …` as a process of its own. */
export async function runPaysaga(
  paysaga: Paysaga,
  words: string[],
  { env = {}, input = '' }: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Said> {
  const child = spawn(process.execPath, [...PAYSAGA, ...words], {
    env: { ...environmentOf(paysaga), ...env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  return await saidBy(child);
}

/** Waits until a process has ended. @returns what it has said until then. */
export async function saidBy(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Said> {
  const answer: Said = { code: -1, said: '', stdout: '' };
  child.stdout.on('data', (chunk) => {
    answer.said += chunk;
    answer.stdout += chunk;
  });
  child.stderr.on('data', (chunk) => {
    answer.said += chunk;
  });
  [answer.code] = (await once(child, 'close')) as [number];
  return answer;
}
