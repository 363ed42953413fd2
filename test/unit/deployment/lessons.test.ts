import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';

const page = readFileSync(new URL('../../../docs/lessons.md', import.meta.url), 'utf8');
const rows = [...page.matchAll(/^\| (\d+) \| (.+) \| (.+) \| (.+) \|$/gm)].map(
  ([, number, elsewhere = '', ours = '', proof = '']) => ({ number: Number(number), elsewhere, ours, proof }),
);

/** Titles of a file's tests, as patterns: what a title takes from a table of cases may be anything. */
function titlesOf(file: string): RegExp[] {
  const source = readFileSync(file, 'utf8');
  return [...source.matchAll(/\bit\(\s*(['"`])((?:\\.|(?!\1)[\s\S])*)\1/g)].map(([, , title = '']) => {
    const parts = title.replaceAll(/\\(.)/g, '$1').split(/\$\{[^}]*\}/);
    return new RegExp(`^${parts.map((part) => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&')).join('.+')}$`);
  });
}

describe('docs/lessons.md', () => {
  it('has each of the 28 lessons once, in their order', () => {
    assert.deepEqual(
      rows.map(({ number }) => number),
      Array.from({ length: 28 }, (_, index) => index + 1),
    );
  });

  for (const { number, ours, proof } of rows) {
    it(`names tests that exist for lesson ${number}, or says that there is nothing to test yet`, () => {
      if (proof === '–') return assert.match(ours, /^Not yet built\. The test will be /);
      for (const reference of proof.split('<br>')) {
        const [, file = '', title = ''] = /^`(test\/[\w./-]+\.test\.ts)` \*(.+)\*$/.exec(reference) ?? [];
        assert.ok(file !== '' && existsSync(file), reference);
        // A title that is nothing but a case would be any title.
        const found = titlesOf(file).filter((pattern) => pattern.test(title) && pattern.source !== '^.+$');
        assert.ok(found.length > 0, `${file} has no test “${title}”`);
      }
    });
  }
});
