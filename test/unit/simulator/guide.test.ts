import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { PAYSAGA } from '../../../dev/paysaga-command.ts';
import { CONTROLS } from '../../../simulator/control/index.ts';
import {
  ANSWER_FAULTS,
  APPLICATION_FAULTS,
  BILL_FAULTS,
  NOTIFICATION_FAULTS,
  OUTCOME_FAULTS,
  RACES,
} from '../../../simulator/faults/fault.ts';
import { FAULT_KINDS, type FaultRequest, startSimulator } from '../../../simulator/index.ts';
import { checkScenario } from '../../../simulator/scenario/file.ts';
import { scenarioSchema } from '../../../simulator/scenario/scenario.ts';

const ROOT = fileURLToPath(new URL('../../../', import.meta.url));

describe('simulator: the guide', () => {
  let guide: string;

  /** The text below a heading, up to the next one of its rank. */
  const section = (heading: string): string => {
    const start = guide.indexOf(`\n${heading}\n`);
    assert.ok(start >= 0, `there is no ${heading}`);
    const rank = heading.split(' ')[0];
    const end = guide.indexOf(`\n${rank} `, start + heading.length + 1);
    return guide.slice(start, end < 0 ? undefined : end);
  };
  /** Names in backticks in the first column of the tables of a text. */
  const firstColumn = (text: string): string[] =>
    [...text.matchAll(/^\| (`[^|]*`[^|]*)\|/gm)].flatMap(([, cell]) => namesIn(cell));
  const namesIn = (text = ''): string[] => [...text.matchAll(/`([^`]+)`/g)].map(([, name]) => name ?? '');
  const commands = (): string[] =>
    [...guide.matchAll(/```sh\n(.*?)```/gs)].flatMap(([, block = '']) => block.split('\n'));
  const same = (found: Iterable<string>, wanted: Iterable<string>) =>
    assert.deepEqual([...found].sort(), [...wanted].sort());

  before(async () => {
    guide = await readFile(join(ROOT, 'docs/simulator.md'), 'utf8');
  });

  it('names every option of the command, and no other', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [...PAYSAGA, 'simulator', '--help'], {
      cwd: ROOT,
    });
    const known = new Set([...stdout.matchAll(/^ +(?:-\w, )?(--[a-z-]+)/gm)].map(([, name]) => name ?? ''));
    known.delete('--help');
    const table = firstColumn(section('## Options')).map((name) => name.split(' ')[0] ?? '');
    same(table, known);
    const used = commands()
      .filter((line) => line.startsWith('npx paysaga simulator'))
      .flatMap((line) => line.match(/--[a-z-]+/g) ?? []);
    assert.ok(used.length > 0);
    for (const option of used) assert.ok(known.has(option), option);
  });

  it('names every file of the credentials and every field, and no other', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'paysaga-guide-'));
    try {
      const simulator = await startSimulator({ credentialsDir: directory, tls: true });
      await simulator.close();
      const merchant = JSON.parse(await readFile(join(directory, 'merchant.json'), 'utf8')) as object;
      const [files = '', fields = ''] = section('## The credentials folder').split(
        '| field of `merchant.json`',
      );
      same(firstColumn(files), await readdir(directory));
      same(firstColumn(fields), Object.keys(merchant));
    } finally {
      await rm(directory, { recursive: true });
    }
  });

  it('names every request of the control API, and no other', () => {
    const known = CONTROLS.map(({ method, path }) => `${method} ${path}`);
    same(firstColumn(section('## Control API')), known);
  });

  it('calls nothing that the control API has not', () => {
    const known = CONTROLS.map(
      ({ method, path }) => new RegExp(`^${method} ${path.replace(/\{\w+\}/g, '[^/]+')}$`),
    );
    const calls = commands().filter((line) => line.includes('/_simulator/'));
    assert.ok(calls.length > 20);
    for (const line of calls) {
      const [, method = 'GET'] = /-X (\w+)/.exec(line) ?? [];
      const [, path] = /\/_simulator(\/[^?'\s]*)/.exec(line) ?? [];
      assert.ok(
        known.some((pattern) => pattern.test(`${method} ${path}`)),
        line,
      );
    }
    const named = guide.matchAll(/`((?:GET|POST|PUT|DELETE) \/(?!v3|hk)[^`]*)`/g);
    for (const [, request = ''] of named) {
      if (request === 'GET /openapi.json') continue;
      assert.ok(
        known.some((pattern) => pattern.test(request)),
        request,
      );
    }
  });

  it('names every kind of fault, and no other', () => {
    const kinds = [
      ANSWER_FAULTS,
      RACES,
      APPLICATION_FAULTS,
      OUTCOME_FAULTS,
      NOTIFICATION_FAULTS,
      BILL_FAULTS,
    ];
    const [, tables = ''] = section('## Faults').split('**Answers**');
    same(new Set(firstColumn(tables)), new Set(kinds.flatMap((group) => Object.keys(group))));
  });

  it('names every operation that faults know, and no other', () => {
    const [, names = ''] = section('### Operations').split('twins.');
    same(
      namesIn(names.split('\n## ')[0]),
      Object.keys(FAULT_KINDS).filter((name) => name !== 'notification' && name !== 'refund'),
    );
  });

  it('arranges faults that make sense', async () => {
    const simulator = await startSimulator();
    try {
      const bodies = commands().flatMap((line) => /\/faults -d '(.*)'/.exec(line)?.[1] ?? []);
      assert.ok(bodies.length > 3);
      for (const body of bodies) simulator.gateway.addFault(JSON.parse(body) as FaultRequest);
      assert.equal(simulator.gateway.faults().length, bodies.length);
    } finally {
      await simulator.close();
    }
  });

  it('shows a scenario that makes sense and has every part', () => {
    const [, text = ''] = /cat > scenario\.json <<'END'\n(.*?)\nEND/s.exec(guide) ?? [];
    const scenario = JSON.parse(text) as Record<string, Record<string, unknown>>;
    checkScenario(scenario);
    same([...Object.keys(scenario), 'replay'], Object.keys(scenarioSchema.shape));
    same(Object.keys(scenario.settings ?? {}), Object.keys(scenarioSchema.shape.settings.unwrap().shape));
    const merchants = Object.values(scenario.merchants ?? {}) as object[];
    same(
      new Set(merchants.flatMap((merchant) => Object.keys(merchant))),
      Object.keys(scenarioSchema.shape.merchants.unwrap().element.shape),
    );
  });

  it('leads to what is there', async () => {
    const links = [...guide.matchAll(/\]\(([^)]+)\)/g)].map(([, target]) => target ?? '');
    const slug = (heading: string) =>
      heading
        .toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-');
    for (const link of links) {
      const [file = '', anchor] = link.split('#');
      const path = join(ROOT, 'docs', file || 'simulator.md');
      if (anchor === undefined) {
        assert.ok(await readdir(path).catch(() => readFile(path)), link);
        continue;
      }
      const headings = (await readFile(path, 'utf8')).match(/^#+ .*$/gm) ?? [];
      assert.ok(headings.map((heading) => slug(heading.replace(/^#+ /, ''))).includes(anchor), link);
    }
  });
});
