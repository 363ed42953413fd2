import { type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { PAYSAGA } from '../dev/paysaga-command.ts';
import type { Paysaga } from './fixture.ts';

/** What a command of `paysaga` said. */
export interface Said {
  /** Null when it was killed. */
  code: number | null;
  /** Both streams, as they came. */
  said: string;
  stdout: string;
  stderr: string;
  /** The bytes of `stdout`: files need not be UTF-8. */
  out: Buffer;
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

/** Runs `paysaga …` as a process of its own. @param environment beside that of the tests */
export async function paysagaCommand(
  words: string[],
  environment: NodeJS.ProcessEnv,
  input = '',
): Promise<Said> {
  const child = spawn(process.execPath, [...PAYSAGA, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.end(input);
  return await saidBy(child);
}

/** Runs `paysaga …` as a process of its own, at the servers of a test. */
export async function runPaysaga(
  paysaga: Paysaga,
  words: string[],
  { env = {}, input }: { env?: NodeJS.ProcessEnv; input?: string } = {},
): Promise<Said> {
  return await paysagaCommand(words, { ...environmentOf(paysaga), ...env }, input);
}

/** Waits until a process has ended. @returns what it has said until then. */
export async function saidBy(child: ChildProcessByStdio<Writable | null, Readable, Readable>): Promise<Said> {
  const [out, errors, all]: [Buffer[], Buffer[], Buffer[]] = [[], [], []];
  child.stdout.on('data', (chunk: Buffer) => void [out, all].map((list) => list.push(chunk)));
  child.stderr.on('data', (chunk: Buffer) => void [errors, all].map((list) => list.push(chunk)));
  const [code] = (await once(child, 'close')) as [number | null];
  const bytes = Buffer.concat(out);
  return {
    code,
    said: Buffer.concat(all).toString(),
    stdout: bytes.toString(),
    stderr: Buffer.concat(errors).toString(),
    out: bytes,
  };
}
