import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { type Stack, startStack } from '../dev/stack.ts';

/** Free ones: a stack that runs on this machine is left alone. */
const ANY_PORTS = { api: 0, checkout: 0, temporal: 0, temporalUi: 0, simulator: 0, postgres: 0 };

/** Runs a benchmark on a stack that is made for it in an empty folder, and goes with it whatever happens. */
export async function onOwnStack<Report>(
  { say, signal }: { say: (line: string) => void; signal: AbortSignal },
  work: (stack: Stack, client: Client) => Promise<Report>,
): Promise<Report> {
  const folder = mkdtempSync(join(tmpdir(), 'paysaga-bench-'));
  try {
    const stack = await startStack({ dir: join(folder, 'stack'), ports: ANY_PORTS, say, signal });
    try {
      const connection = await Connection.connect({ address: stack.temporalAddress });
      try {
        return await work(stack, new Client({ connection, namespace: stack.temporalNamespace }));
      } finally {
        await connection.close();
      }
    } finally {
      await stack.stop();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
