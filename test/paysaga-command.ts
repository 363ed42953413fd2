import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { PAYSAGA } from '../dev/paysaga-command.ts';

/** Runs `paysaga` from its sources, as an operator would; `said` is everything it printed. */
export async function paysagaCommand(
  words: string[],
  environment: Record<string, string>,
): Promise<{ code: number | null; out: Buffer; said: string }> {
  const child = spawn(process.execPath, [...PAYSAGA, ...words], {
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const out: Buffer[] = [];
  const all: Buffer[] = [];
  child.stdout.on('data', (chunk) => {
    out.push(chunk);
    all.push(chunk);
  });
  child.stderr.on('data', (chunk) => all.push(chunk));
  const [code] = await once(child, 'close');
  return { code, out: Buffer.concat(out), said: Buffer.concat(all).toString() };
}
