import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../../dev/ports.ts';
import { findTemporalExecutable, TEMPORAL_CLI_VERSION } from '../../../dev/temporal-executable.ts';

const CURRENT = 'temporal version 9 (Server 1.31.2, UI 2.50.1)';

function fakeTemporal(path: string, version = CURRENT): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho '${version}'\n`);
  chmodSync(path, 0o755);
  return path;
}

describe('finding a Temporal executable', () => {
  let folder: string;
  let env: NodeJS.ProcessEnv;
  let onPath: string;
  let cached: string;
  let unreachable: string;

  beforeEach(async () => {
    // Nobody listens there: the refusal is immediate.
    unreachable = `http://127.0.0.1:${await freePort()}`;
    folder = mkdtempSync(join(tmpdir(), 'paysaga-temporal-test-'));
    env = { PATH: join(folder, 'bin'), XDG_CACHE_HOME: join(folder, 'cache') };
    onPath = join(folder, 'bin', 'temporal');
    cached = join(folder, 'cache', 'paysaga', 'temporal', TEMPORAL_CLI_VERSION, 'temporal');
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('the one on the PATH comes first', async () => {
    fakeTemporal(onPath);
    fakeTemporal(cached);
    assert.deepEqual(await findTemporalExecutable({ env }), { path: onPath, from: 'PATH' });
  });

  it('one on the PATH with too old a server is passed over, and that is said', async () => {
    fakeTemporal(onPath, 'temporal version 1.1.0 (Server 1.25.0, UI 2.30.0)');
    fakeTemporal(cached);
    const said: string[] = [];
    assert.deepEqual(await findTemporalExecutable({ env, onProgress: (line) => said.push(line) }), {
      path: cached,
      from: 'cache',
    });
    assert.match(said.join(), /is passed over: its server 1.25.0 is older than 1.29.1/);
  });

  it('without a download it is built once, and found in the cache from then on', async () => {
    const options = {
      env,
      downloadUrl: unreachable,
      build: async ({ module, output }: { module: string; output: string }) => {
        assert.ok(existsSync(join(module, 'go.mod')) && existsSync(join(module, 'go.sum')));
        fakeTemporal(output);
      },
    };
    assert.deepEqual(await findTemporalExecutable(options), { path: cached, from: 'build' });
    assert.deepEqual(await findTemporalExecutable(options), { path: cached, from: 'cache' });
  });

  it('two searches at once build once', async () => {
    let builds = 0;
    const options = {
      env,
      downloadUrl: unreachable,
      build: async ({ output }: { output: string }) => {
        builds += 1;
        await sleep(300);
        fakeTemporal(output);
      },
    };
    const found = await Promise.all([findTemporalExecutable(options), findTemporalExecutable(options)]);
    assert.deepEqual(
      found.map(({ path }) => path),
      [cached, cached],
    );
    assert.equal(builds, 1);
  });

  it('when nothing works, every way out is named', async () => {
    const started = Date.now();
    await assert.rejects(findTemporalExecutable({ env, downloadUrl: unreachable }), (error: Error) => {
      for (const wayOut of [
        /TEMPORAL_ADDRESS/,
        /install the Temporal CLI/,
        /go online/,
        /install Go 1\.26/,
      ]) {
        assert.match(error.message, wayOut);
      }
      assert.match(error.message, /download: http:\S+ cannot be reached \(ECONNREFUSED\)/);
      assert.match(error.message, /build: there is no "go" on the PATH/);
      return true;
    });
    assert.ok(Date.now() - started < 5_000);
  });

  it('a host that accepts and never answers is given up within seconds', async function () {
    this.timeout(10_000);
    const server: Server = createServer(() => {});
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    const started = Date.now();
    try {
      await assert.rejects(
        findTemporalExecutable({ env, downloadUrl: `http://127.0.0.1:${port}` }),
        /no answer from .* within 5 s/,
      );
      assert.ok(Date.now() - started < 8_000);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });
});
