import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PAYSAGA } from '../../../dev/paysaga-command.ts';
import {
  readScenario,
  type Scenario,
  ScenarioError,
  type Simulator,
  startSimulator,
} from '../../../simulator/index.ts';
import { control, RawClient } from './client.ts';

const run = promisify(execFile);

describe('simulator: scenario', () => {
  let directory: string;
  let simulator: Simulator | undefined;

  beforeEach(async () => {
    directory = await mkdtemp(join(tmpdir(), 'paysaga-scenario-'));
  });
  afterEach(async () => {
    await simulator?.close();
    simulator = undefined;
    await rm(directory, { recursive: true });
  });

  async function file(text: string): Promise<string> {
    const path = join(directory, 'scenario.json');
    await writeFile(path, text);
    return path;
  }
  async function problemsOf(scenario: unknown): Promise<readonly string[]> {
    try {
      await readScenario(await file(JSON.stringify(scenario)));
    } catch (error) {
      if (error instanceof ScenarioError) return error.problems;
      throw error;
    }
    return [];
  }
  async function start(scenario: Scenario, dataDir?: string): Promise<Simulator> {
    await simulator?.close();
    simulator = await startSimulator({ scenario, ...(dataDir && { dataDir }) });
    return simulator;
  }

  it('merchants, settings and faults of a file are there from the start', async () => {
    const path = await file(
      JSON.stringify({
        merchants: [{ mchid: '1900099999' }],
        settings: { rate_limits: true, refund_delay_ms: null, clock: '2026-03-01T12:00:00+08:00' },
        faults: [{ operation: 'native.create', kind: 'error_500' }],
      }),
    );
    const { gateway, world } = await start(await readScenario(path));
    assert.ok(world.find('1900099999'));
    assert.equal(gateway.rateLimits.enabled, true);
    assert.deepEqual(
      gateway.faults().map(({ operation, kind }) => [operation, kind]),
      [['native.create', 'error_500']],
    );
    assert.ok(Math.abs(gateway.clock() - Date.parse('2026-03-01T12:00:00+08:00')) < 60_000);
    const client = new RawClient(simulator as Simulator);
    assert.equal((await client.order('START01')).status, 500);
    assert.equal((await client.order('START01')).status, 200);
    gateway.pay('START01');
    await client.refund('START01', 'R1', 100);
    await gateway.moveClock({ advance_ms: 30 * 24 * 3600_000 });
    assert.equal(gateway.refund('R1').status, 'PROCESSING', 'never by itself');
    await client.close();
  });

  it('all problems are named at once, each with its place', async () => {
    const problems = await problemsOf({
      merchants: [{ mchid: '12' }, { mchid: '1900099999' }, { mchid: '1900099999', colour: 'red' }],
      settings: { time_scale: 0, speed: 1 },
      faults: [
        { operation: 'native.crate', kind: 'error_500' },
        { operation: 'order.*', kind: 'drop' },
        { operation: '*', kind: 'error_500', probability: 2 },
        { operation: 'order.query', kind: 'error_500', nth: 1, after: 1, lag_ms: 5 },
      ],
      replay: [
        { operation: 'order.query', call: 0, kind: 'error_500' },
        { operation: 'x', call: 1, kind: 'y' },
      ],
    });
    const places = problems.map((problem) => problem.split(':')[0]);
    assert.deepEqual(places.sort(), [
      'faults[0]',
      'faults[1]',
      'faults[2].probability',
      'faults[3]',
      'faults[3]',
      'merchants[0].mchid',
      'merchants[2]',
      'merchants[2].mchid',
      'replay[0].call',
      'replay[1]',
      'settings',
      'settings.time_scale',
    ]);
    assert.match(problems.join('\n'), /no operation native\.crate; there are .*native\.create/);
  });

  it('a file that is not JSON or not there is said to be so', async () => {
    await assert.rejects(
      readScenario(await file('{"merchants":')),
      /scenario\.json has a problem:\n {2}it is not JSON/,
    );
    await assert.rejects(readScenario(join(directory, 'none.json')), /cannot be read: ENOENT/);
    assert.deepEqual(await problemsOf([]), ['Invalid input: expected object, received array']);
  });

  it('a scenario that is given to the function is checked too', async () => {
    await assert.rejects(
      startSimulator({ scenario: { faults: [{ operation: 'order.query', kind: 'drop' }] } }),
      ScenarioError,
    );
  });

  it('its faults are there again after a reset and after a restart, and not twice', async () => {
    const data = join(directory, 'data');
    const faults = [{ operation: 'order.query', kind: 'error_500', times: 5 }];
    const first = await start({ faults }, data);
    first.gateway.addFault({ operation: 'order.close', kind: 'error_500' });
    const kinds = () => simulator?.gateway.faults().map(({ operation, times }) => [operation, times]);
    const client = new RawClient(first);
    await client.query('NOBODY1');
    await client.close();
    assert.deepEqual(kinds(), [
      ['order.query', 4],
      ['order.close', 1],
    ]);
    await start({ faults }, data);
    assert.deepEqual(kinds(), [
      ['order.close', 1],
      ['order.query', 5],
    ]);
    simulator?.gateway.reset();
    assert.deepEqual(kinds(), [['order.query', 5]]);
  });

  it('a restart keeps the time that it has come to, a reset goes back to that of the scenario', async () => {
    const data = join(directory, 'data');
    const settings = { clock: '2026-03-01T12:00:00+08:00' };
    const early = Date.parse(settings.clock);
    await start({ settings }, data);
    await control(simulator as Simulator, 'POST', '/clock', { advance_ms: 24 * 3600_000 });
    const { gateway } = await start({ settings }, data);
    assert.ok(gateway.clock() >= early + 24 * 3600_000);
    gateway.reset();
    assert.ok(gateway.clock() < early + 3600_000);
  });

  it('the command names all problems of a file, and its help has the option', async () => {
    const path = await file('{"faults":[{"operation":"*","kind":"x"}],"setings":{}}');
    const command = (...more: string[]) => run('node', [...PAYSAGA, 'simulator', '--port', '0', ...more]);
    await assert.rejects(command('--scenario', path), ({ code, stderr, stdout }) => {
      assert.deepEqual([code, stdout], [1, '']);
      assert.match(
        stderr,
        /^paysaga: the scenario .*scenario\.json has 2 problems:\n {2}Unrecognized key: "setings"/,
      );
      assert.match(stderr, /\n {2}faults\[0\]: \* has no fault kind x; it has timeout_before/);
      assert.doesNotMatch(stderr, / at /);
      return true;
    });
    const { stdout } = await command('--help');
    assert.match(stdout, /--scenario <file>/);
    assert.match(stdout, /--rate-limits/);
  });
});
