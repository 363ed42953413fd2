import { readFileSync } from 'node:fs';
import { arch, availableParallelism, cpus, platform, totalmem } from 'node:os';
import type { Client } from '@temporalio/client';
import pg from 'pg';
import { version } from '../cli/version.ts';

/** Where figures come from; without it they mean nothing. */
export interface Machine {
  cpu: string;
  cores: number;
  memoryGib: number;
  platform: string;
}

/** What ran. */
export interface Versions {
  paysaga: string;
  node: string;
  temporalServer: string;
  temporalSdk: string;
  postgres: string;
}

export function machine(): Machine {
  return {
    cpu: cpus()[0]?.model.trim() || 'unknown',
    cores: availableParallelism(),
    memoryGib: Math.round(totalmem() / 2 ** 30),
    platform: `${platform()} ${arch()}`,
  };
}

export async function versions(client: Client, databaseUrl: string): Promise<Versions> {
  const { dependencies } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
    dependencies: Record<string, string>;
  };
  const { serverVersion } = await client.workflowService.getSystemInfo({});
  const database = new pg.Client({ connectionString: databaseUrl });
  await database.connect();
  try {
    const { rows } = await database.query<{ server_version: string }>('show server_version');
    return {
      paysaga: version(),
      node: process.versions.node,
      temporalServer: serverVersion,
      temporalSdk: dependencies['@temporalio/client'] ?? 'unknown',
      postgres: rows[0]?.server_version ?? 'unknown',
    };
  } finally {
    await database.end();
  }
}
