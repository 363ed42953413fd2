import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { ROOT } from '../../../dev/paysaga-command.ts';
import { databaseUrlOrEmbedded, startPostgres } from '../../../dev/postgres.ts';
import { reachable } from '../../../dev/postgres-account.ts';
import { isAlive } from '../../../dev/process-table.ts';

const IS_ROOT = process.getuid?.() === 0;

async function ask(url: string, sql: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  client.on('error', () => {});
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end().catch(() => {});
  }
}

describe('embedded PostgreSQL', function () {
  this.timeout(60_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'paysaga-postgres-test-'));
    chmodSync(folder, 0o711);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('it is PostgreSQL 18, speaks UTF-8 and UTC, and listens on the loopback interface only', async () => {
    const postgres = await startPostgres({ dataDir: join(folder, 'postgres'), durable: false });
    try {
      const [row] = await ask(
        postgres.url,
        `SELECT split_part(current_setting('server_version'), '.', 1) AS version, current_setting('server_encoding') AS encoding,
         current_setting('TimeZone') AS zone, current_setting('listen_addresses') AS addresses, upper('ä') AS upper`,
      );
      assert.deepEqual(row, {
        version: '18',
        encoding: 'UTF8',
        zone: 'UTC',
        addresses: '127.0.0.1',
        upper: 'Ä',
      });
    } finally {
      await postgres.stop();
    }
    assert.ok(!isAlive(postgres.pid));
  });

  it('committed data survive SIGKILL of the server', async () => {
    const dataDir = join(folder, 'postgres');
    const first = await startPostgres({ dataDir, durable: false });
    await ask(first.url, 'CREATE TABLE paid (fen bigint)');
    await ask(first.url, 'INSERT INTO paid VALUES (2590)');
    process.kill(first.pid, 'SIGKILL');
    await first.exited;

    const second = await startPostgres({ dataDir, durable: false });
    try {
      assert.deepEqual(await ask(second.url, 'SELECT fen FROM paid'), [{ fen: '2590' }]);
    } finally {
      await second.stop();
    }
  });

  it('a stale postmaster.pid whose number belongs to another process now does no harm', async () => {
    const dataDir = join(folder, 'postgres');
    const first = await startPostgres({ dataDir, durable: false });
    await first.stop();
    writeFileSync(join(dataDir, 'data', 'postmaster.pid'), `${process.pid}\n${join(dataDir, 'data')}\n`);
    const second = await startPostgres({ dataDir, durable: false });
    await second.stop();
  });

  it('two live processes cannot run one cluster', async () => {
    const dataDir = join(folder, 'postgres');
    const first = await startPostgres({ dataDir, durable: false });
    try {
      await assert.rejects(startPostgres({ dataDir }), /already runs PostgreSQL/);
    } finally {
      await first.stop();
    }
  });

  it('without a folder the data go with the server', async () => {
    const postgres = await startPostgres({ durable: false });
    const [row] = await ask(postgres.url, `SELECT current_setting('data_directory') AS data`);
    await postgres.stop();
    assert.ok(!existsSync(String(row?.data)));
  });

  it('as root it runs although its user cannot reach the folder', async () => {
    if (!IS_ROOT) return;
    chmodSync(folder, 0o700);
    const dataDir = join(folder, 'postgres');
    const first = await startPostgres({ dataDir, durable: false });
    const real = realpathSync(dataDir);
    try {
      await ask(first.url, 'CREATE TABLE kept ()');
      await first.stop();
      const second = await startPostgres({ dataDir, durable: false });
      await ask(second.url, 'SELECT FROM kept');
      await second.stop();
    } finally {
      rmSync(real, { recursive: true, force: true });
    }
  });

  it('it runs for a user who is not root', async () => {
    if (!IS_ROOT) return;
    const nobody = { uid: 65_534, gid: 65_534 };
    // Neither the sources nor Node may be in a place that only root can reach; then there is nothing to try here.
    if (!reachable(join(ROOT, 'dev', 'postgres.ts'), nobody) || !reachable(process.execPath, nobody)) return;
    const home = join(folder, 'home');
    mkdirSync(home);
    chownSync(home, nobody.uid, nobody.gid);
    const script = `
      import { startPostgres } from './dev/postgres.ts';
      const postgres = await startPostgres({ dataDir: ${JSON.stringify(join(home, 'postgres'))}, durable: false });
      await postgres.stop();
      console.log('worked as', process.getuid());`;
    const child = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
      cwd: ROOT,
      ...nobody,
      env: { PATH: process.env.PATH, HOME: home, TMPDIR: home },
    });
    let printed = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (printed += chunk));
    await new Promise((resolve) => child.on('close', resolve));
    assert.equal(printed, 'worked as 65534\n');
  });

  it('DATABASE_URL wins, and is proved right', async () => {
    const before = process.env.DATABASE_URL;
    try {
      process.env.DATABASE_URL = 'postgresql://nobody@127.0.0.1:1/nothing';
      await assert.rejects(databaseUrlOrEmbedded(), /DATABASE_URL is set, but its database does not answer/);
    } finally {
      if (before === undefined) delete process.env.DATABASE_URL;
      else process.env.DATABASE_URL = before;
    }
  });
});
