import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { ERRORS, type ErrorCode, NOTIFICATION_VERDICTS } from '../../../domain/errors.ts';

const page = readFileSync(new URL('../../../docs/errors.md', import.meta.url), 'utf8');
const [problems = '', verdicts = ''] = page.split(/^## Verdicts on notifications$/m);

/** The sections of a part, by the code in their heading. */
function sections(part: string): Map<string, string> {
  return new Map(
    part
      .split(/^### /m)
      .slice(1)
      .map((section) => {
        const [heading = '', ...body] = section.split('\n');
        return [heading.trim(), body.join('\n')];
      }),
  );
}

describe('docs/errors.md', () => {
  const documented = sections(problems);

  it('has a heading for each code of the catalogue, and no other', () => {
    assert.deepEqual([...documented.keys()].sort(), Object.keys(ERRORS).sort());
  });

  for (const code of Object.keys(ERRORS) as ErrorCode[]) {
    it(`says of ${code} what the catalogue says, and what to do`, () => {
      const { status, retryable, title } = ERRORS[code];
      const body = documented.get(code) ?? '';
      assert.ok(body.includes(`Status ${status} · ${retryable ? 'retryable' : 'not retryable'}`), body);
      assert.ok(body.includes(title), body);
      assert.match(body, /\*\*What to do:\*\* .{20,}/);
    });
  }

  it('lists every verdict with the status that WeChat Pay is answered', () => {
    const rows = [...verdicts.matchAll(/^\| `([a-z]+)` \| (\d{3}) \| .+\|$/gm)];
    assert.deepEqual(
      Object.fromEntries(rows.map(([, verdict, status]) => [verdict, { status: Number(status) }])),
      NOTIFICATION_VERDICTS,
    );
  });
});
