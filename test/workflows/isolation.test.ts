import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import { bundleWorkflowCode, NativeConnection, Worker } from '@temporalio/worker';
import { quietRuntime } from '../fixture.ts';
import { temporalAddress } from '../servers.ts';
import { count, counting } from './counting.ts';

/** Versions of the SDK before 1.20.1 could show one workflow the module state of another. */
describe('workflows on one worker', () => {
  let connection: Connection;
  let native: NativeConnection;
  let code: string;
  before(async () => {
    quietRuntime();
    const address = await temporalAddress();
    connection = await Connection.connect({ address });
    native = await NativeConnection.connect({ address });
    ({ code } = await bundleWorkflowCode({
      workflowsPath: fileURLToPath(new URL('./counting.ts', import.meta.url)),
      logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error },
    }));
  });
  after(async () => {
    await native.close();
    await connection.close();
  });

  for (const [what, maxCachedWorkflows] of [
    ['side by side in its memory', 100],
    ['pushed out of its memory by each other, and replayed', 1],
  ] as const) {
    it(`do not see each other's state: ${what}`, async () => {
      const taskQueue = `test-${randomUUID()}`;
      const client = new Client({ connection });
      const worker = await Worker.create({
        connection: native,
        taskQueue,
        workflowBundle: { code },
        maxCachedWorkflows,
      });
      await worker.runUntil(async () => {
        const names = ['a', 'b', 'c'];
        const handles = await Promise.all(
          names.map(() =>
            client.workflow.start(counting, { taskQueue, workflowId: `counting/${randomUUID()}` }),
          ),
        );
        // One after the other and each waited for, so that their turns on the worker really alternate.
        for (let round = 0; round < 3; round += 1) {
          for (const [index, handle] of handles.entries()) {
            if (round > index) continue;
            await handle.signal(count, `${names[index]}${round}`);
            await handle.query('__stack_trace');
          }
        }
        for (const handle of handles) await handle.signal(count, 'end');
        assert.deepEqual(await Promise.all(handles.map((handle) => handle.result())), [
          { calls: 1, seen: ['a0'], global: 1 },
          { calls: 2, seen: ['b0', 'b1'], global: 2 },
          { calls: 3, seen: ['c0', 'c1', 'c2'], global: 3 },
        ]);
      });
    });
  }
});
