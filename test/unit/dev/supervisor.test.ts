import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Child, startChild } from '../../../dev/child.ts';
import { isAlive } from '../../../dev/process-table.ts';
import { Supervisor } from '../../../dev/supervisor.ts';

/** A process that says when it is up. */
const service = (name: string, pids: number[] = []) => ({
  name,
  async start(signal: AbortSignal): Promise<Child> {
    const child = await startChild({
      name,
      command: process.execPath,
      args: ['-e', 'console.log("up"); setInterval(() => {}, 1000)'],
      signal,
    });
    pids.push(child.pid);
    await child.printed(/up/, 10_000);
    return child;
  },
});

async function until(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    assert.ok(Date.now() < deadline, 'took too long');
    await sleep(20);
  }
}

describe('supervisor', () => {
  it('a killed process is started again, said in one line, and stop leaves none behind', async () => {
    const said: string[] = [];
    const pids: number[] = [];
    const supervisor = new Supervisor({ say: (line) => said.push(line), backoffMs: 20 });
    const first = await supervisor.start(service('worker', pids));
    process.kill(first.pid, 'SIGKILL');
    await until(() => said.length === 2);
    assert.match(said[0] ?? '', /^worker ended unexpectedly \(SIGKILL\); starting it again in 0.02 s$/);
    assert.match(said[1] ?? '', /^worker runs again \(pid \d+\)$/);
    assert.deepEqual(supervisor.pids(), [{ name: 'worker', pid: pids[1] }]);
    await supervisor.stop();
    assert.equal(pids.length, 2);
    assert.ok(!pids.some(isAlive));
  });

  it('the pause doubles while a process does not come back', async () => {
    const said: string[] = [];
    let starts = 0;
    const supervisor = new Supervisor({ say: (line) => said.push(line), backoffMs: 5 });
    await supervisor.start({
      name: 'worker',
      start: async () => {
        starts += 1;
        if (starts > 1) throw new Error('no database');
        return { exited: Promise.resolve(), stop: async () => {} };
      },
    });
    await until(() => said.length >= 3);
    await supervisor.stop();
    assert.deepEqual(said.slice(0, 3), [
      'worker ended unexpectedly; starting it again in 0.005 s',
      'worker did not come back: no database; starting it again in 0.01 s',
      'worker did not come back: no database; starting it again in 0.02 s',
    ]);
  });

  it('processes stop in the reverse order of their start', async () => {
    const stopped: string[] = [];
    const supervisor = new Supervisor();
    for (const name of ['postgres', 'temporal', 'api']) {
      await supervisor.start({ name, start: async () => ({ stop: async () => void stopped.push(name) }) });
    }
    await supervisor.stop();
    assert.deepEqual(stopped, ['api', 'temporal', 'postgres']);
  });

  it('stop ends a process that is still on its way up', async () => {
    const supervisor = new Supervisor();
    let pid = 0;
    const starting = supervisor.start({
      name: 'worker',
      async start(signal) {
        const child = await startChild({
          name: 'worker',
          command: process.execPath,
          args: ['-e', 'setInterval(() => {}, 1000)'],
          signal,
        });
        pid = child.pid;
        await child.printed(/never/, 60_000);
        return child;
      },
    });
    const failed = assert.rejects(starting, /worker was ended by SIGTERM/);
    await until(() => pid !== 0);
    await supervisor.stop();
    await failed;
    assert.ok(!isAlive(pid));
  });

  it('a process that never worked is an error, not something to repeat', async () => {
    const supervisor = new Supervisor({ backoffMs: 5 });
    const start = async () => Promise.reject(new Error('bad configuration'));
    await assert.rejects(supervisor.start({ name: 'worker', start }), /bad configuration/);
    await supervisor.stop();
  });
});
