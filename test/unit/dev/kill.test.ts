import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { kill } from '../../../dev/crashes/kill.ts';

describe('a kill', () => {
  const stackOf = (pid: number) => ({ pids: () => [{ name: 'worker' as const, pid }] });

  it('ends the process', async () => {
    const child = spawn('sleep', ['60']);
    await once(child, 'spawn');
    assert.equal(kill(stackOf(child.pid ?? 0), 'worker'), true);
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL');
  });

  it('comes too late for a process that has ended, even when its stack has not noticed', async () => {
    const child = spawn('true');
    await once(child, 'exit');
    assert.equal(kill(stackOf(child.pid ?? 0), 'worker'), false);
    assert.equal(kill(stackOf(child.pid ?? 0), 'api'), false);
  });
});
