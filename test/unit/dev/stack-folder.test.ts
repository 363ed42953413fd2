import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { identityOf, isAlive } from '../../../dev/process-table.ts';
import { deleteStackFolder, StackFolder, StackRunningError } from '../../../dev/stack-folder.ts';

describe('folder of a stack', () => {
  let path: string;

  beforeEach(() => {
    path = mkdtempSync(join(tmpdir(), 'paysaga-stack-'));
  });
  afterEach(() => rmSync(path, { recursive: true, force: true }));

  it('a second stack is refused with the pid and the addresses of the first', async () => {
    const folder = await StackFolder.take(path);
    folder.recordReady(
      { api: 'http://127.0.0.1:8080', postgres: 'postgresql://paysaga:secret@127.0.0.1/paysaga' },
      'sk_x',
    );
    await assert.rejects(StackFolder.take(path), (error: unknown) => {
      assert.ok(error instanceof StackRunningError);
      assert.match(error.message, new RegExp(`pid ${process.pid}`));
      assert.match(error.message, /http:\/\/127\.0\.0\.1:8080/);
      assert.doesNotMatch(error.message, /secret/);
      return true;
    });
    folder.release();
  });

  it('a folder is deleted only when it is one of ours, and nobody runs in it', async () => {
    writeFileSync(join(path, 'thesis.txt'), 'the work of years');
    assert.throws(() => deleteStackFolder(path), /holds something that no stack has made/);
    assert.ok(existsSync(join(path, 'thesis.txt')));

    const folder = await StackFolder.take(path);
    folder.savePorts({ api: 1 });
    assert.throws(() => deleteStackFolder(path), StackRunningError);
    folder.release();
    deleteStackFolder(path);
    assert.ok(!existsSync(path));
    deleteStackFolder(path);
  });

  it('a lock of a process that is no more, or whose number was given to another one, is taken over', async () => {
    writeFileSync(join(path, 'lock'), JSON.stringify({ pid: process.pid, started: 'at another time' }));
    const folder = await StackFolder.take(path);
    folder.release();
    assert.ok(!existsSync(join(path, 'lock')));
  });

  it('what a killed predecessor left running is ended, and nobody else', async () => {
    const start = () => spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'], { stdio: 'ignore' });
    const [leftover, stranger] = [start(), start()];
    await new Promise((resolve) => setTimeout(resolve, 100));
    try {
      const children = [
        { name: 'worker', ...identityOf(leftover.pid ?? 0) },
        { name: 'api', pid: stranger.pid, started: 'at another time' },
      ];
      writeFileSync(
        join(path, 'stack.json'),
        JSON.stringify({ owner: { pid: 1, started: '' }, children, urls: {} }),
      );
      const folder = await StackFolder.take(path);
      assert.ok(!isAlive(leftover.pid ?? 0));
      assert.ok(isAlive(stranger.pid ?? 0));
      folder.release();
    } finally {
      leftover.kill('SIGKILL');
      stranger.kill('SIGKILL');
    }
  });

  it('secrets are made once and readable by their owner only', async () => {
    const folder = await StackFolder.take(path);
    const key = folder.masterKey();
    assert.equal(Buffer.from(key, 'base64').length, 32);
    assert.equal(folder.masterKey(), key);
    folder.saveApiKey('sk_x');
    assert.equal(folder.apiKey(), 'sk_x');
    folder.recordReady({}, 'sk_x');
    for (const name of ['master.key', 'api-key', 'stack.json']) {
      assert.equal(statSync(join(path, name)).mode & 0o777, 0o600, name);
    }
    folder.release();
  });
});
