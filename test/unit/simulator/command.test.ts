import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PAYSAGA } from '../../../dev/paysaga-command.ts';

/** `paysaga simulator` as a process, and all that it has said. */
class Run {
  readonly #process: ChildProcess;
  readonly #ended: Promise<unknown[]>;
  stdout = '';
  stderr = '';

  constructor(...args: string[]) {
    this.#process = spawn(process.execPath, [...PAYSAGA, 'simulator', ...args]);
    this.#ended = once(this.#process, 'close');
    this.#process.stdout?.on('data', (chunk) => {
      this.stdout += chunk;
    });
    this.#process.stderr?.on('data', (chunk) => {
      this.stderr += chunk;
    });
  }

  get pid(): number | undefined {
    return this.#process.pid;
  }

  /** The base URL of its one line. */
  async ready(): Promise<string> {
    while (!this.stdout.includes('\n')) {
      const said = once(this.#process.stdout as NodeJS.ReadableStream, 'data');
      await Promise.race([said, this.#ended.then(() => Promise.reject(new Error(this.stderr)))]);
    }
    return this.stdout.trim().split(' ').at(-1) ?? '';
  }

  /** Its exit code. */
  async ended(): Promise<unknown> {
    const [code] = await this.#ended;
    return code;
  }

  stop(signal: NodeJS.Signals): void {
    this.#process.kill(signal);
  }
}

describe('simulator: the command', function () {
  // Each process loads and compiles all of the sources.
  this.timeout(60_000);
  let folder: string;
  let runs: Run[];

  const run = (...args: string[]) => {
    const started = new Run(...args);
    runs.push(started);
    return started;
  };

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'paysaga-command-'));
    runs = [];
  });

  afterEach(async () => {
    for (const one of runs) one.stop('SIGKILL');
    await Promise.all(runs.map((one) => one.ended()));
    await rm(folder, { recursive: true });
  });

  it('says one line when it is ready, with the credentials written, and ends at SIGTERM with 0', async () => {
    const simulator = run('--port', '0', '--seed', '7', '--credentials', folder);
    const baseUrl = await simulator.ready();
    assert.equal(simulator.stdout, `simulator ready ${baseUrl}\n`);
    const merchant = JSON.parse(await readFile(join(folder, 'merchant.json'), 'utf8'));
    assert.equal(merchant.base_url, baseUrl);
    assert.equal((await fetch(`${merchant.control_url}/state`)).status, 200);
    simulator.stop('SIGTERM');
    assert.equal(await simulator.ended(), 0);
    assert.deepEqual([simulator.stdout, simulator.stderr], [`simulator ready ${baseUrl}\n`, '']);
  });

  it('says that a port is taken, and by which option another is chosen', async () => {
    const first = run('--port', '0');
    const { port } = new URL(await first.ready());
    const second = run('--port', port);
    assert.equal(await second.ended(), 1);
    assert.equal(second.stdout, '');
    assert.match(
      second.stderr,
      new RegExp(`^paysaga: port ${port} of 127\\.0\\.0\\.1 is taken: .*--port.*\n$`),
    );
  });

  it('says in one line what is wrong with an address, a folder or an option', async () => {
    const file = join(folder, 'file');
    await writeFile(file, '');
    const wrong = [
      {
        said: /^paysaga: 192\.0\.2\.1 is no address of this machine: see --host\n$/,
        args: ['--host', '192.0.2.1'],
      },
      { said: /^paysaga: .*file cannot be used: .*\n$/, args: ['--data', file] },
      { said: /^paysaga: .*file cannot be used: .*\n$/, args: ['--credentials', file] },
      { said: /'--port <number>' argument '99999' is invalid/, args: ['--port', '99999'] },
    ];
    const started = wrong.map(({ said, args }) => ({ said, simulator: run('--port', '0', ...args) }));
    for (const { said, simulator } of started) {
      assert.equal(await simulator.ended(), 1);
      assert.match(simulator.stderr, said);
      assert.equal(simulator.stdout, '');
    }
  });

  it('says which process has the folder of --data, and changes nothing in it', async () => {
    const first = run('--port', '0', '--data', folder);
    await first.ready();
    const before = await readFile(join(folder, 'journal-2.jsonl'), 'utf8');
    const second = run('--port', '0', '--data', folder);
    assert.equal(await second.ended(), 1);
    assert.equal(
      second.stderr,
      `paysaga: ${folder} is in use by process ${first.pid}: end it, or take another folder with --data\n`,
    );
    assert.equal(await readFile(join(folder, 'journal-2.jsonl'), 'utf8'), before);
    first.stop('SIGTERM');
    assert.equal(await first.ended(), 0);
    assert.deepEqual(await readdir(folder), ['journal-2.jsonl']);
    await run('--port', '0', '--data', folder).ready();
  });

  it('goes on with --data where it ended', async () => {
    const args = ['--port', '0', '--data', folder];
    const first = run(...args);
    const clock = await fetch(`${await first.ready()}/_simulator/clock`, {
      method: 'POST',
      body: '{"advance_ms":86400000}',
    });
    assert.equal(clock.status, 200);
    first.stop('SIGKILL');
    await first.ended();
    // The lock of a killed process is in nobody's way.
    const second = run(...args);
    const answer = await fetch(`${await second.ready()}/_simulator/clock`);
    const { offset_ms } = (await answer.json()) as { offset_ms: number };
    assert.equal(Math.round(offset_ms / 1000), 86_400);
  });
});
