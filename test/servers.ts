import { randomBytes } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../database/migrate.ts';
import { type Database, databaseUrlOrEmbedded } from '../dev/postgres.ts';
import { type TemporalServer, temporalServerOrExisting } from '../dev/temporal-server.ts';
import { SEARCH_ATTRIBUTE_NAMES } from '../worker/search-attributes.ts';

/**
 * The real servers behind the tests, one of each for the whole run: those of `shared-servers.ts`, which its variables name, or own ones,
 * started when the first test asks. `DATABASE_URL` and `TEMPORAL_ADDRESS` replace them.
 */
export const SHARED = {
  postgres: 'TEST_POSTGRES_URL',
  template: 'TEST_POSTGRES_TEMPLATE',
  temporal: 'TEST_TEMPORAL_ADDRESS',
} as const;

let template: Promise<string> | undefined;
let postgres: Promise<Database> | undefined;
let temporal: Promise<TemporalServer> | undefined;

/** Host and port of a Temporal server that knows our search attributes. */
export async function temporalAddress(): Promise<string> {
  const shared = process.env[SHARED.temporal];
  if (shared) return shared;
  temporal ??= temporalServerOrExisting({
    searchAttributes: SEARCH_ATTRIBUTE_NAMES,
    onProgress: (line) => console.error(line),
  });
  return (await temporal).address;
}

/** Address of a PostgreSQL server in which databases can be created. */
export async function postgresUrl(): Promise<string> {
  const shared = process.env[SHARED.postgres];
  if (shared) return shared;
  postgres ??= databaseUrlOrEmbedded({ durable: false });
  return (await postgres).url;
}

/** Name of a database with our schema, of which others are copies: migrations run once. */
export async function templateDatabase(): Promise<string> {
  const shared = process.env[SHARED.template];
  if (shared) return shared;
  template ??= createDatabase({ migrated: false }).then(async ({ url, name }) => {
    await migrate(url);
    return name;
  });
  return await template;
}

/** Creates a database, with our schema or without anything, and returns its URL; `drop` removes it. */
export async function createDatabase({ migrated }: { migrated: boolean }): Promise<{
  url: string;
  name: string;
  drop: () => Promise<void>;
}> {
  const url = await postgresUrl();
  const name = `test_${randomBytes(6).toString('hex')}`;
  await execute(
    url,
    `create database ${name}${migrated ? ` template ${await templateDatabase()} strategy file_copy` : ''}`,
  );
  const database = new URL(url);
  database.pathname = `/${name}`;
  return { url: database.href, name, drop: () => drop(url, name) };
}

function drop(url: string, name: string): Promise<void> {
  return execute(url, `drop database ${name} with (force)`);
}

async function execute(url: string, sql: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

/** Ends what was started. */
export async function stopServers(): Promise<void> {
  if (template) await drop(await postgresUrl(), await template);
  await Promise.all([postgres?.then((server) => server.stop()), temporal?.then((server) => server.stop())]);
}

// A root hook, as this file is first imported while Mocha loads the tests. A script that borrows them ends them itself.
if (typeof after === 'function') {
  after(async function () {
    this.timeout(60_000);
    await stopServers();
  });
}
