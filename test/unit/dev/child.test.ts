import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { startChild } from '../../../dev/child.ts';
import { ROOT } from '../../../dev/paysaga-command.ts';
import { isAlive } from '../../../dev/process-table.ts';

const node = (script: string) => ({ name: 'child', command: process.execPath, args: ['-e', script] });
const FOREVER = 'setInterval(() => {}, 1000)';

describe('child processes', () => {
  it('a child that does not start shows its last lines', async () => {
    const child = await startChild(node('console.error("no such table"); process.exit(3)'));
    await assert.rejects(child.printed(/ready/, 5_000), /ended with code 3. Its last lines:\nno such table/);
  });

  it('an executable that is missing is named', async () => {
    await assert.rejects(
      startChild({ name: 'child', command: '/nowhere/child', args: [] }),
      /child cannot be started/,
    );
  });

  it('what it prints is in its log file', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paysaga-child-'));
    try {
      const child = await startChild({
        ...node('console.log("hello")'),
        logFile: join(folder, 'logs', 'child.log'),
      });
      await child.exited;
      await sleep(50);
      assert.equal(readFileSync(join(folder, 'logs', 'child.log'), 'utf8'), 'hello\n');
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  it('one that ignores the stop signal is killed after the grace', async () => {
    const child = await startChild({
      ...node(`process.on('SIGTERM', () => {}); console.log('up'); ${FOREVER}`),
      graceMs: 200,
    });
    await child.printed(/up/, 5_000);
    await child.stop();
    assert.equal((await child.exited).signal, 'SIGKILL');
  });

  it('an aborted signal stops it', async () => {
    const abort = new AbortController();
    const child = await startChild({ ...node(FOREVER), signal: abort.signal });
    abort.abort();
    assert.equal((await child.exited).signal, 'SIGTERM');
  });

  it('it dies when its parent is killed with SIGKILL', async function () {
    if (process.platform === 'win32') return;
    this.timeout(20_000);
    const script = `
      import { startChild } from './dev/child.ts';
      startChild({ name: 'orphan', command: process.execPath, args: ['-e', ${JSON.stringify(FOREVER)}] })
        .then((child) => console.log(child.pid));`;
    const parent = spawn(process.execPath, ['--import=tsx', '--input-type=module', '-e', script], {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(parent.stdout, 'data')) as [Buffer];
    const orphan = Number(line.toString());
    assert.ok(isAlive(orphan));
    parent.kill('SIGKILL');
    const deadline = Date.now() + 10_000;
    while (isAlive(orphan) && Date.now() < deadline) await sleep(50);
    assert.ok(!isAlive(orphan), 'the child outlived its parent');
  });
});
