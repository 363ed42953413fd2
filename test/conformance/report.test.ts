import assert from 'node:assert/strict';
import type { Part } from './plan.ts';
import { outcomeLine, parseOutcome, table, tally } from './report.ts';

const PART: Part = {
  sdk: 'some-sdk',
  mode: 'public-key',
  role: 'direct',
  merchant: 'public-key',
  steps: ['order', 'query'],
};
const said = (step: string, failure?: string) => ({
  sdk: 'some-sdk',
  mode: 'public-key',
  role: 'direct',
  step,
  failure,
});

describe('the report of a conformance run', () => {
  it('a line is read as it was written, its reason on one line', () => {
    assert.deepEqual(parseOutcome(outcomeLine(said('order'))), {
      sdk: 'some-sdk',
      mode: 'public-key',
      role: 'direct',
      step: 'order',
    });
    assert.deepEqual(parseOutcome(outcomeLine(said('order', 'a\n  b'))), said('order', 'a b'));
  });

  it('what a program prints besides is not a line', () => {
    assert.equal(parseOutcome('SLF4J: No providers were found.'), undefined);
    assert.equal(parseOutcome('okay some-sdk public-key direct order'), undefined);
  });

  it('a part passes when all of its steps worked', () => {
    const [sum] = tally([PART], [said('order'), said('query')]);
    assert.deepEqual(sum, { part: PART, passed: 2, failures: [] });
  });

  it('a step that failed once has failed', () => {
    const [sum] = tally([PART], [said('order'), said('order', 'again'), said('query')]);
    assert.deepEqual(sum, { part: PART, passed: 1, failures: [said('order', 'again')] });
  });

  it('a step that nothing was said about has failed', () => {
    const [sum] = tally([PART], [said('order')]);
    assert.deepEqual(sum?.failures, [said('query', 'nothing was said about it')]);
  });

  it('lines of another mode or role do not count', () => {
    const [sum] = tally(
      [PART],
      [
        { ...said('order'), mode: 'certificate' },
        { ...said('query'), role: 'partner' },
      ],
    );
    assert.equal(sum?.passed, 0);
    assert.equal(sum?.failures.length, 2);
  });

  it('a step that is not planned has failed', () => {
    const [sum] = tally([PART], [said('order'), said('query'), said('dance')]);
    assert.deepEqual(sum?.failures, [said('dance', 'it is not planned')]);
  });

  it('the table names what failed', () => {
    const text = table(tally([PART], [said('order')]));
    assert.match(text, /some-sdk {2}public-key {2}direct {2}1\/2 {4}FAIL: query/);
  });
});
