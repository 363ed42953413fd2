import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { billDateOf, billDay, daysAfter, daysBetween, daysFrom } from '../../../domain/bill-day.ts';
import { POSTINGS } from '../../../domain/ledger.ts';
import {
  ageBucket,
  BANK_MOVEMENTS,
  LINE_STATES,
  type LineFacts,
  RESOLUTIONS,
  RULES,
  type Rule,
  ruleFor,
} from '../../../domain/reconciliation.ts';

const FACTS = {
  kind: ['payment', 'refund', 'reversal', 'movement'],
  here: [
    ...(['absent', 'open', 'paid', 'ended', 'late', 'moving', 'done', 'failed'] as const),
    ...BANK_MOVEMENTS.map(({ reason }) => reason),
  ],
  bill: [true, false],
  flow: ['absent', 'present', 'undone'],
  book: [true, false],
  differs: [
    'nothing',
    'row',
    'transaction',
    'currency',
    'amount',
    'flow_amount',
    'book_amount',
    'fee',
    'status',
  ],
  takenBack: [true, false],
  nearMidnight: [true, false],
} as const satisfies { [Fact in keyof LineFacts]: readonly LineFacts[Fact][] };

/** Every combination of facts. */
function* everything(): Generator<LineFacts> {
  const facts = Object.entries(FACTS);
  const combine = function* (index: number, so: object): Generator<LineFacts> {
    const [name, values] = facts[index] ?? [];
    if (!name || !values) yield so as LineFacts;
    else for (const value of values) yield* combine(index + 1, { ...so, [name]: value });
  };
  yield* combine(0, {});
}

describe('the truth table of reconciliations', () => {
  const rules = RULES as readonly Rule[];

  it('judges every line, and each of its rules judges some', () => {
    const used = new Set<string>();
    for (const facts of everything()) used.add(ruleFor(facts).reason);
    assert.deepEqual([...used].sort(), rules.map(({ reason }) => reason).sort());
  });

  it('matches nothing that differs, or is missing anywhere', () => {
    for (const facts of everything()) {
      const { state, reason } = ruleFor(facts);
      if (state !== 'matched') continue;
      if (BANK_MOVEMENTS.some((movement) => movement.reason === reason)) {
        // Nobody else books them: the fund flow alone has them, and the run posts them.
        assert.deepEqual(facts, {
          ...{
            kind: 'movement',
            here: reason,
            bill: false,
            flow: 'present',
            book: false,
            differs: 'nothing',
          },
          takenBack: facts.takenBack,
          nearMidnight: facts.nearMidnight,
        });
      } else if (reason === 'taken_back') {
        assert.deepEqual(
          [facts.here, facts.takenBack, facts.differs, facts.bill, facts.book],
          ['ended', true, 'nothing', true, false],
        );
        assert.notEqual(facts.flow, 'absent');
      } else if (reason === 'refund_closed') assert.deepEqual([facts.flow, facts.book], ['undone', false]);
      else {
        assert.deepEqual(
          [facts.differs, facts.bill, facts.flow, facts.book],
          ['nothing', true, 'present', true],
        );
      }
    }
  });

  it('posts a movement by what it does to the account at WeChat Pay, each reason in one way', () => {
    const steps = new Map<string, string>();
    for (const { direction, reason, step } of BANK_MOVEMENTS) {
      assert.equal(POSTINGS[step][direction === 'in' ? 'debit' : 'credit'], 'wechat_receivable');
      assert.equal(steps.get(reason) ?? step, step);
      steps.set(reason, step);
    }
  });

  it('says of everything that is carried what it becomes, and mends only what is a break', () => {
    for (const { state, aged, repair } of rules) {
      assert.equal(aged !== undefined, state === 'carried');
      if (repair) assert.ok(state !== 'matched' && state !== 'carried');
    }
  });

  it('carries nothing that happened in the middle of a day, but for refunds on their way', () => {
    for (const facts of everything()) {
      const { state } = ruleFor(facts);
      if (state === 'carried' && !facts.nearMidnight) assert.equal(facts.kind, 'refund');
    }
  });
});

describe('days of bills', () => {
  it('begin and end at midnight in Shanghai', () => {
    const { from, to } = billDay('2026-03-01');
    assert.deepEqual(
      [from.toISOString(), to.toISOString()],
      ['2026-02-28T16:00:00.000Z', '2026-03-01T16:00:00.000Z'],
    );
    assert.equal(billDateOf(new Date('2026-03-01T15:59:59.999Z')), '2026-03-01');
    assert.equal(billDateOf(to), '2026-03-02');
  });

  it('go over the ends of months and years', () => {
    assert.equal(daysAfter('2026-12-31', 1), '2027-01-01');
    assert.equal(daysAfter('2028-03-01', -1), '2028-02-29');
    assert.equal(daysBetween('2026-02-27', '2026-03-02'), 3);
    assert.deepEqual(daysFrom('2026-02-27', '2026-03-01'), ['2026-02-27', '2026-02-28', '2026-03-01']);
    assert.deepEqual(daysFrom('2026-03-02', '2026-03-01'), []);
  });

  it('that do not exist are refused', () => {
    for (const day of ['2026-02-30', '2026-13-01', '20260301', 'yesterday', '']) {
      assert.throws(() => billDay(day), RangeError, day);
    }
  });
});

describe('ages of breaks', () => {
  it('are in four buckets', () => {
    assert.deepEqual([0, 1, 2, 3, 4, 7, 8, 100].map(ageBucket), [
      '0-1',
      '0-1',
      '2-3',
      '2-3',
      '4-7',
      '4-7',
      '8+',
      '8+',
    ]);
  });
});

describe('the guide to reconciliations', () => {
  const guide = readFileSync(new URL('../../../docs/reconciliation.md', import.meta.url), 'utf8');
  const firstCells = [...guide.matchAll(/^\| `([a-z_]+)` \|/gm)].map(([, cell]) => cell);

  it('has an example of each state, and of each reason, which it explains with its state', () => {
    for (const state of Object.keys(LINE_STATES)) assert.ok(firstCells.includes(state), state);
    for (const { reason, state } of RULES) {
      const row = new RegExp(`^\\| \`${reason}\` \\| \`${state}\` \\| [^|]{8,} \\| [^|]{8,} \\|$`, 'm');
      assert.match(guide, row, reason);
    }
  });

  it('explains each resolution', () => {
    for (const resolution of Object.keys(RESOLUTIONS)) assert.ok(firstCells.includes(resolution), resolution);
  });
});
