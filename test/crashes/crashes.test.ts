import assert from 'node:assert/strict';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { planOf } from '../../dev/crashes/plan.ts';
import { runCrashes } from '../../dev/crashes/run.ts';
import { type Stack, startStack } from '../../dev/stack.ts';
import { HASTE } from '../../dev/stack-program.ts';

const SEEDS = 20;

describe('crashes', function () {
  this.timeout(600_000);
  let folder: string;
  let stack: Stack;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'paysaga-crashes-test-'));
    chmodSync(folder, 0o711);
    stack = await startStack({ dir: join(folder, '.paysaga'), ...HASTE });
  });
  after(async () => {
    await stack?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  it('whatever is killed and whichever answer is lost, gateway, rows, ledger and events agree', async () => {
    const said: string[] = [];
    const report = await runCrashes(stack, {
      seeds: SEEDS,
      from: 1,
      parallel: SEEDS,
      say: (line) => said.push(line),
    });
    assert.equal(report.violations, 0, said.join('\n'));
    // Three, the two sub-orders of a combined one, one that is paid too late, two for one order, and one at the till.
    assert.equal(report.payments, 9 * SEEDS);
    assert.ok(report.kills >= SEEDS);
  });

  it('a seed always gives the same plan, and seeds differ', () => {
    assert.deepEqual(planOf(7), planOf(7));
    assert.notDeepEqual(planOf(7).payments, planOf(8).payments);
    const plans = Array.from({ length: 200 }, (_, index) => planOf(index + 1));
    const endings = new Set(plans.flatMap(({ payments }) => payments.map(({ ending }) => ending)));
    assert.deepEqual([...endings].sort(), ['close', 'pay', 'race']);
    assert.deepEqual([...new Set(plans.flatMap(({ kills }) => kills.map((kill) => kill.process)))].sort(), [
      'api',
      'worker',
    ]);
  });
});
