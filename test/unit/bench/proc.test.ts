import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  allProcesses,
  family,
  memoryOf,
  type ProcessStat,
  parseMachineTicks,
  parseMemory,
  parseStat,
} from '../../../bench/proc.ts';

/** A line as the kernel writes it; the name is up to the process. */
const statLine = (name: string) =>
  `4242 (${name}) S 17 4242 4242 0 -1 4194560 1203 88 0 0 731 209 55 12 20 0 11 0 987654 1234567 890 18446744073709551615 0 0 0`;

describe('processor time and memory from /proc', () => {
  it('own ticks, and those of children that were waited for', () => {
    assert.deepEqual(parseStat(statLine('node')), { pid: 4242, ppid: 17, ticks: 940, childTicks: 67 });
  });

  it('a name with blanks and brackets moves no field', () => {
    const expected = parseStat(statLine('node'));
    for (const name of ['postgres: main 127.0.0.1(5432) idle', 'a) R 1 2 3', ') (', '']) {
      assert.deepEqual(parseStat(statLine(name)), expected);
    }
  });

  it('what is no such line is an error, not a zero', () => {
    for (const text of ['', '4242 node S 17', '4242 (node) S 17 1']) assert.throws(() => parseStat(text));
  });

  it('memory by kind; a process that has ended but was not waited for has none', () => {
    const status =
      'Name:\tnode\nVmRSS:\t  600 kB\nRssAnon:\t     100 kB\nRssFile:\t  200 kB\nRssShmem:\t 300 kB\n';
    assert.deepEqual(parseMemory(status), { anonymous: 100, file: 200, shared: 300 });
    assert.deepEqual(parseMemory('Name:\tnode\nState:\tZ (zombie)\n'), { anonymous: 0, file: 0, shared: 0 });
  });

  it('the machine is busy whenever it neither idles nor waits for a disk', () => {
    assert.equal(parseMachineTicks('cpu  1 2 4 1000 2000 8 16 32 0 0\ncpu0 9 9 9 9 9 9 9 9 9 9\n'), 63);
  });

  it('a family is a process with its descendants, without those that are measured by themselves', () => {
    const process = (pid: number, ppid: number): [number, ProcessStat] => [
      pid,
      { pid, ppid, ticks: 0, childTicks: 0 },
    ];
    const all = new Map([
      process(1, 0),
      process(20, 10),
      process(10, 1),
      process(30, 20),
      process(21, 10),
      process(11, 1),
    ]);
    const pids = (members: ProcessStat[]) => members.map(({ pid }) => pid).sort((a, b) => a - b);
    assert.deepEqual(pids(family(all, 10)), [10, 20, 21, 30]);
    assert.deepEqual(pids(family(all, 10, [20])), [10, 21]);
    assert.deepEqual(family(all, 99), []);
  });

  it('finds this process and its child on Linux', async () => {
    // forbidPending holds for tests that wait to be written; elsewhere there is no /proc.
    if (process.platform !== 'linux') return;
    const child = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000); console.log("up")']);
    try {
      await once(child.stdout, 'data');
      const all = allProcesses();
      assert.equal(all.get(child.pid ?? 0)?.ppid, process.pid);
      assert.ok(family(all, process.pid).some(({ pid }) => pid === child.pid));
      assert.ok((all.get(process.pid)?.ticks ?? 0) > 0);
      assert.ok((memoryOf(process.pid)?.anonymous ?? 0) > 1024);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    assert.equal(memoryOf(child.pid ?? 0), undefined);
  });
});
