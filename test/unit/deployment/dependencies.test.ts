import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';

const read = (path: string) => readFileSync(new URL(`../../../${path}`, import.meta.url), 'utf8');
const { dependencies, devDependencies } = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies',
  Record<string, string>
>;
const lock = JSON.parse(read('package-lock.json')) as { packages: Record<string, { license?: string }> };

describe('docs/decisions/dependencies.md', () => {
  const [ofTheService = '', forDevelopment = ''] = read('docs/decisions/dependencies.md').split(
    /^## For development$/m,
  );
  for (const [part, text, packages] of [
    ['the service', ofTheService, dependencies],
    ['development', forDevelopment, devDependencies],
  ] as const) {
    const rows = [...text.matchAll(/^\| `(.+)` \| (.+) \|.*\| (.+) \|$/gm)];

    it(`has a line for each package of ${part}, and no other`, () => {
      assert.deepEqual(rows.map(([, name]) => name).sort(), Object.keys(packages).sort());
    });

    it(`names the licence of each package of ${part}`, () => {
      for (const [, name, , license] of rows) {
        const declared = lock.packages[`node_modules/${name}`]?.license;
        if (declared !== undefined) assert.equal(license, declared, name);
      }
    });
  }
});
