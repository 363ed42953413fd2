import assert from 'node:assert/strict';
import type { ClientRun } from './client.ts';
import { startPart } from './npm-clients.ts';
import { PLAN } from './plan.ts';
import { type Gateway, startGateway } from './settings.ts';

describe('clients of the npm registry on the simulator', () => {
  let gateway: Gateway;
  before(async () => {
    gateway = await startGateway();
  });
  after(() => gateway.close());

  for (const part of PLAN.npm) {
    describe(`${part.sdk}, ${part.mode}, ${part.role}`, () => {
      let run: ClientRun;
      before(async () => {
        run = await startPart(gateway, part);
      });
      after(() => run.close());

      it('does everything that is planned, and nothing else', () => {
        assert.deepEqual(Object.keys(run.steps).sort(), [...part.steps].sort());
      });

      for (const step of part.steps) {
        it(step, async () => {
          const action = run.steps[step];
          assert.ok(action);
          await action();
        });
      }
    });
  }
});
