import assert from 'node:assert/strict';
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode, Worker } from '@temporalio/worker';
import { DeterminismViolationError } from '@temporalio/workflow';
import { version } from '../../cli/version.ts';
import { quietRuntime, workflowBundle } from '../fixture.ts';
import { fromRecorded, type RecordedHistory, steps } from './history.ts';
import { PATHS } from './paths.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const FOLDER = new URL('./histories/', import.meta.url);
const FILE = /^([a-z-]+)\.(\d+\.\d+\.\d+(?:-[\w.]+)?)\.json$/;
const files = readdirSync(FOLDER).sort();
const read = (file: string) => JSON.parse(readFileSync(new URL(file, FOLDER), 'utf8')) as RecordedHistory;

/** Replays the files; the error of each, or undefined. */
async function replay(code: string, chosen: string[]): Promise<Map<string, Error | undefined>> {
  quietRuntime();
  const histories = chosen.map((file) => ({ workflowId: file, history: fromRecorded(read(file)) }));
  const outcomes = new Map<string, Error | undefined>();
  for await (const { workflowId, error } of Worker.runReplayHistories(
    { workflowBundle: { code } },
    histories,
  )) {
    outcomes.set(workflowId, error);
  }
  return outcomes;
}

/** Steps that write to our own database alone: they are repeated until it is back. */
const DATABASE_ONLY = [
  ...['requestAttention', 'requestCombinedAttention', 'requestRefundAttention', 'decideLatePayment'],
  ...['reserveRefund', 'recordOperatorAction', 'listDueReconciliations'],
];

describe('recorded histories', () => {
  let outcomes: Map<string, Error | undefined>;
  before(async () => {
    outcomes = await replay((await workflowBundle()).code, files);
  });

  it('exist for every path, as this version takes it', () => {
    const recorded = files.filter((file) => FILE.exec(file)?.[2] === version());
    assert.deepEqual(
      recorded.map((file) => FILE.exec(file)?.[1]).sort(),
      Object.keys(PATHS).sort(),
      'record them: npm run record-histories',
    );
  });

  for (const file of files) {
    it(`${file} is continued by today's workflow code`, () => {
      assert.ok(outcomes.has(file), 'it was replayed');
      const error = outcomes.get(file);
      assert.equal(error, undefined, error?.message);
    });
  }

  it('show the path that their name tells', () => {
    for (const file of files) {
      const path = PATHS[FILE.exec(file)?.[1] ?? ''];
      if (!path) continue;
      const happened = steps(fromRecorded(read(file)));
      for (const step of path.has) assert.ok(happened.includes(step), `${file}: ${step}`);
      for (const step of path.hasNot ?? []) assert.ok(!happened.includes(step), `${file}: ${step}`);
    }
  });

  it('say of every step and every wait what it is for', () => {
    for (const file of files) {
      for (const event of fromRecorded(read(file)).events ?? []) {
        const { activityTaskScheduledEventAttributes: activity, markerRecordedEventAttributes: marker } =
          event;
        const isStep = activity || marker?.markerName === 'core_local_activity';
        if (!isStep && !event.timerStartedEventAttributes) continue;
        const summary = Buffer.from(event.userMetadata?.summary?.data ?? []).toString();
        assert.match(summary, /^".{8,}"$/, `${file}: event ${event.eventId} has no summary`);
      }
    }
  });

  it('put an end to every step that asks WeChat Pay, after which a person is asked or the saga goes on', () => {
    const asking = new Set<string>();
    for (const file of files) {
      for (const { activityTaskScheduledEventAttributes: step } of fromRecorded(read(file)).events ?? []) {
        const name = step?.activityType?.name ?? '';
        if (!step || DATABASE_ONLY.includes(name)) continue;
        asking.add(name);
        assert.ok(Number(step.scheduleToCloseTimeout?.seconds ?? 0) > 0, `${file}: ${name} has no end`);
      }
    }
    assert.ok(asking.size > 5, [...asking].join(' '));
  });

  it('are no longer than their path allows, however often WeChat Pay was asked', () => {
    const bounded = files.flatMap((file) => {
      const most = PATHS[FILE.exec(file)?.[1] ?? '']?.most;
      return most === undefined ? [] : [{ file, most }];
    });
    assert.ok(bounded.length > 0);
    for (const { file, most } of bounded) {
      const { length } = read(file).events;
      assert.ok(length <= most, `${file}: ${length} events`);
    }
  });

  it('tell nothing about the machine on which they were recorded', () => {
    for (const file of files) {
      const text = readFileSync(new URL(file, FOLDER), 'utf8');
      for (const name of [ROOT, tmpdir(), `@${hostname()}`, `/${hostname()}/`]) {
        assert.ok(!text.includes(name), `${file}: ${name}`);
      }
    }
  });
});

describe('a workflow that was changed so that it cannot continue what runs', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'paysaga-changed-'));
    for (const name of ['workflows', 'domain'])
      cpSync(join(ROOT, name), join(folder, name), { recursive: true });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** The bundle of a copy of the workflows. */
  async function bundle(): Promise<string> {
    const logger = { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error };
    return (await bundleWorkflowCode({ workflowsPath: join(folder, 'workflows/index.ts'), logger })).code;
  }
  const history = (path: string) => `${path}.${version()}.json`;
  const payments = ['payment-paid-by-notification', 'payment-closed-on-request'].map(history);

  it('is found by the replay: two steps of the payment changed places', async () => {
    const untouched = await replay(await bundle(), payments);
    assert.deepEqual([...untouched.values()], [undefined, undefined], 'the copy itself is no change');

    const path = join(folder, 'workflows/payment.ts');
    const source = readFileSync(path, 'utf8');
    const [order, settlement] = ["'createPrepayOrder'", "'settleFromNotification'"];
    assert.ok(source.includes(order) && source.includes(settlement), 'the steps still have these names');
    writeFileSync(
      path,
      source.replaceAll(/'createPrepayOrder'|'settleFromNotification'/g, (step) =>
        step === order ? settlement : order,
      ),
    );
    const changed = await replay(await bundle(), payments);
    for (const file of payments) {
      const error = changed.get(file);
      assert.ok(error instanceof DeterminismViolationError, `${file}: ${error}`);
      assert.match(error.message, /nondeterminism/i);
    }
    writeFileSync(path, source);
  });

  it('is found by the replay: one more wait before the refund is reserved', async () => {
    const path = join(folder, 'workflows/refund.ts');
    const source = readFileSync(path, 'utf8');
    const step = 'let finding = await reserve();';
    assert.ok(source.includes(step), 'the step still looks like this');
    writeFileSync(path, source.replace(step, `await condition(() => false, 1_000);\n    ${step}`));
    const files = [history('refund-succeeded-by-notification')];
    const changed = await replay(await bundle(), files);
    assert.ok(changed.get(String(files[0])) instanceof DeterminismViolationError);
    writeFileSync(path, source);
  });
});
