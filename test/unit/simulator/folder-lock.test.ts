import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { lockFolder } from '../../../simulator/folder-lock.ts';
import { FolderInUseError, startSimulator } from '../../../simulator/index.ts';

const onLinux = process.platform === 'linux';

describe('simulator: the lock of a folder', () => {
  let folder: string;
  let file: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'paysaga-lock-'));
    file = join(folder, 'lock');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  /** A number that no process has any more. */
  const deadPid = () => spawnSync(process.execPath, ['--version']).pid;
  const isInUse = (pid: number) => (error: unknown) => error instanceof FolderInUseError && error.pid === pid;

  it('is there while the folder is in use, and can be taken again afterwards', () => {
    const release = lockFolder(folder);
    assert.match(readFileSync(file, 'utf8'), new RegExp(`^${process.pid} \\d+\n$`));
    release();
    assert.deepEqual(readdirSync(folder), []);
    lockFolder(folder)();
  });

  it('is one for all names of the folder, and for this process, too', () => {
    const release = lockFolder(folder);
    const link = `${folder}-link`;
    symlinkSync(folder, link);
    try {
      assert.throws(() => lockFolder(link), isInUse(process.pid));
    } finally {
      release();
      rmSync(link);
    }
  });

  it('is refused while its process lives, and stays as it is', () => {
    const stat = onLinux ? readFileSync(`/proc/${process.ppid}/stat`, 'utf8') : '';
    const [, start = 0] = /^.*\) (?:\S+ ){19}(\d+) /s.exec(stat) ?? [];
    const text = `${process.ppid} ${start}\n`;
    writeFileSync(file, text);
    assert.throws(() => lockFolder(folder), isInUse(process.ppid));
    assert.equal(readFileSync(file, 'utf8'), text);
    assert.deepEqual(readdirSync(folder), ['lock']);
  });

  for (const [what, text] of [
    ['a process that has ended', () => `${deadPid()} 12345\n`],
    // Other systems do not tell when a process has started.
    ...(onLinux
      ? [['a process whose number another one has now', () => `${process.ppid} 1\n`] as const]
      : []),
    ['an earlier process with the number of this one', () => `${process.pid} 1\n`],
    ['a process that ended before it had written it', () => ''],
  ] as const) {
    it(`is taken over from ${what}`, () => {
      writeFileSync(file, text());
      const release = lockFolder(folder);
      assert.match(readFileSync(file, 'utf8'), new RegExp(`^${process.pid} `));
      release();
      assert.deepEqual(readdirSync(folder), []);
    });
  }

  it('keeps a second simulator out until the first is closed', async () => {
    const first = await startSimulator({ dataDir: folder });
    await assert.rejects(startSimulator({ dataDir: folder }), isInUse(process.pid));
    await first.close();
    await (await startSimulator({ dataDir: folder })).close();
  });

  it('is released by a start that fails', async () => {
    const first = await startSimulator();
    const port = Number(new URL(first.baseUrl).port);
    await assert.rejects(startSimulator({ dataDir: folder, port }), { code: 'EADDRINUSE' });
    await (await startSimulator({ dataDir: folder })).close();
    await first.close();
  });
});
