import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { PAYMENT_ATTENTION, REFUND_ATTENTION } from '../domain/attention.ts';
import { EVENT_TYPES } from '../domain/events.ts';
import { LATE_PAYMENT_TRANSITIONS } from '../domain/late-payment.ts';
import { PAYMENT_TRANSITIONS } from '../domain/payment.ts';
import { REFUND_TRANSITIONS } from '../domain/refund.ts';

/**
 * Makes docs/life-cycle.md, and the SQL that refuses every other transition, from the tables in `domain/`: `npm run life-cycle`. With `--sql` it
 * prints the SQL, for the migration that a changed table needs.
 */

interface LifeCycle {
  subject: 'payment' | 'refund' | 'late_payment';
  title: string;
  file: string;
  transitions: Record<string, readonly string[]>;
  reasons: Record<string, string>;
}

/** Every life cycle. Reasons of late money are told by its payment's page. */
export const LIFE_CYCLES: readonly LifeCycle[] = [
  {
    subject: 'payment',
    title: 'Payments',
    file: 'domain/payment.ts',
    transitions: PAYMENT_TRANSITIONS,
    reasons: PAYMENT_ATTENTION,
  },
  {
    subject: 'refund',
    title: 'Refunds',
    file: 'domain/refund.ts',
    transitions: REFUND_TRANSITIONS,
    reasons: REFUND_ATTENTION,
  },
  {
    subject: 'late_payment',
    title: 'Late payments',
    file: 'domain/late-payment.ts',
    transitions: LATE_PAYMENT_TRANSITIONS,
    reasons: {},
  },
];

/** Where the document lies. */
export const LIFE_CYCLE_FILE = new URL('../docs/life-cycle.md', import.meta.url);

/** The page of a reason in docs/runbooks/. */
export function runbookOf(subject: string, reason: string): string {
  return `${subject}-${reason.replaceAll('_', '-')}.md`;
}

/** The body of the function that guards a table, as the database has it. */
export function guardBody({ subject, file, transitions }: LifeCycle): string {
  const pairs = Object.entries(transitions).flatMap(([from, next]) =>
    next.filter((to) => to !== from).map((to) => `('${from}', '${to}')`),
  );
  return `
begin
  -- ${file}
  if (old.status, new.status) not in (
    ${pairs.join(',\n    ')}
  ) then
    raise exception 'a ${subject.replace('_', ' ')} that is % never becomes %', old.status, new.status
      using errcode = 'check_violation', hint = 'docs/life-cycle.md has the legal transitions.';
  end if;
  return new;
end `;
}

/** The function, for a migration. */
export function guardSql(cycle: LifeCycle): string {
  return `create or replace function ${cycle.subject}_transition_is_legal() returns trigger language plpgsql as $$${guardBody(cycle)}$$;\n`;
}

/** The document. */
export function lifeCycleDocument(): string {
  return `${[
    '# Life cycles',
    '',
    'Made from `domain/payment.ts`, `domain/refund.ts`, `domain/late-payment.ts` and `domain/attention.ts` by `npm run life-cycle`; a test fails when it is out of date. The same tables',
    'are read by the code, by the tests, and by triggers of the database, which refuse every other change of a status, whoever asks for it. What each',
    'status means is in the [architecture](architecture.md#states).',
    ...LIFE_CYCLES.flatMap(section),
    '',
    '## Attention',
    '',
    'Beside its status each has an `attention`, `none` or `needs_operator`, with a reason that never changes its meaning. The page of a reason says what to do.',
    ...LIFE_CYCLES.flatMap(reasonTable),
  ].join('\n')}\n`;
}

function section({ subject, title, transitions }: LifeCycle): string[] {
  const arrows = Object.entries(transitions).flatMap(([from, next]) =>
    next.length === 0 ? [`  ${from} --> [*]`] : next.map((to) => `  ${from} --> ${to}`),
  );
  return [
    '',
    `## ${title}`,
    '',
    '```mermaid',
    'stateDiagram-v2',
    `  [*] --> ${Object.keys(transitions)[0]}`,
    ...arrows,
    '```',
    '',
    '| status | may become | event |',
    '|---|---|---|',
    ...Object.entries(transitions).map(
      ([status, next]) =>
        `| \`${status}\` | ${next.map((to) => `\`${to}\``).join(', ') || '–'} | \`${eventOf(subject, status)}\` |`,
    ),
  ];
}

/** The event of becoming a status. @throws Error when the catalogue has none. */
function eventOf(subject: string, status: string): string {
  // Late money is told of as what has happened to its payment.
  const event = status === 'RECEIVED' ? 'payment.late_money' : `${subject}.${status.toLowerCase()}`;
  if (!(EVENT_TYPES as readonly string[]).includes(event)) throw new Error(`there is no event ${event}`);
  return event;
}

function reasonTable({ subject, reasons }: LifeCycle): string[] {
  if (Object.keys(reasons).length === 0) return [];
  return [
    '',
    `| reason of a ${subject} | meaning |`,
    '|---|---|',
    ...Object.entries(reasons).map(
      ([reason, meaning]) => `| [\`${reason}\`](runbooks/${runbookOf(subject, reason)}) | ${meaning} |`,
    ),
  ];
}

async function main(): Promise<void> {
  if (process.argv.includes('--sql')) {
    for (const cycle of LIFE_CYCLES) console.log(guardSql(cycle));
    return;
  }
  const wanted = lifeCycleDocument();
  if ((await readFile(LIFE_CYCLE_FILE, 'utf8').catch(() => '')) !== wanted)
    await writeFile(LIFE_CYCLE_FILE, wanted);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
