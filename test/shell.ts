import { spawn } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PAYSAGA, ROOT } from '../dev/paysaga-command.ts';
import { findTemporalExecutable } from '../dev/temporal-executable.ts';
import { environmentOf, type Said, saidBy } from './command.ts';
import type { Paysaga } from './fixture.ts';

/** The `sh` blocks of a page, in order. */
export function shellBlocks(page: string): string[] {
  return [...page.matchAll(/^( *)```sh\n([\s\S]*?)^\1```$/gm)].map(([, , block]) => block as string);
}

/** A shell in which the commands of the documentation are found. */
export interface Shell {
  /** Runs a block as a person would paste it; the first command that fails ends it. */
  run(block: string, variables: NodeJS.ProcessEnv): Promise<Said>;
  close(): void;
}

/** Opens a shell with `paysaga` and `temporal`, pointed at the servers of a test. */
export async function openShell(paysaga: Paysaga): Promise<Shell> {
  const folder = mkdtempSync(join(tmpdir(), 'paysaga-shell-'));
  const program = join(folder, 'paysaga');
  writeFileSync(program, `#!/bin/sh\nexec '${[process.execPath, ...PAYSAGA].join("' '")}' "$@"\n`);
  chmodSync(program, 0o755);
  symlinkSync((await findTemporalExecutable()).path, join(folder, 'temporal'));
  return {
    async run(block, variables) {
      const child = spawn('bash', ['-euo', 'pipefail', '-c', block], {
        cwd: ROOT,
        env: { ...environmentOf(paysaga), PATH: `${folder}:${process.env.PATH}`, HOME: folder, ...variables },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      return await saidBy(child);
    },
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}
