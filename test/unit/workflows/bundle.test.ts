import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { bundleWorkflows } from '../../../worker/bundle.ts';

/** What every workflow carries into its sandbox, and a worker into its memory. */
const PACKAGES = ['@temporalio/common', '@temporalio/workflow', 'long', 'ms', 'nexus-rpc'];
/** Today 0.71 MB. The room is for our own code; whatever fills it at once is a package that does not belong there. */
const MOST_BYTES = 850_000;

/** Code without its source map, and the modules in it: packages by name, our files by path. */
async function contents(options: { encodeFailures: boolean }) {
  const { code } = await bundleWorkflows(options);
  const program = code.slice(0, code.lastIndexOf('//# sourceMappingURL='));
  const modules = [...program.matchAll(/^ {2}!\*\*\* (\S+)/gm)].map(([, path]) => path ?? '');
  const nameOf = (path: string) => /node_modules\/((?:@[^/]+\/)?[^/]+)(?!.*node_modules)/.exec(path)?.[1];
  return {
    bytes: Buffer.byteLength(program),
    packages: [...new Set(modules.map(nameOf).filter((name) => name !== undefined))].sort(),
    ours: modules.filter((path) => /^\.\/.*\.ts$/.test(path)).map((path) => path.slice(2)),
  };
}

describe('workflow bundle', () => {
  for (const encodeFailures of [false, true]) {
    it(`contains no package but Temporal’s own, ${encodeFailures ? 'with' : 'without'} encoded failures`, async () => {
      const { packages, ours, bytes } = await contents({ encodeFailures });
      assert.deepEqual(packages, PACKAGES);
      const strangers = ours.filter((path) => !/^(workflows|domain)\//.test(path));
      assert.deepEqual(strangers, encodeFailures ? ['codec/failure-converter.ts'] : []);
      assert.ok(ours.includes('workflows/payment.ts') && ours.includes('domain/payment.ts'), ours.join());
      assert.ok(bytes > 100_000 && bytes < MOST_BYTES, `${bytes} bytes`);
    });
  }
});

describe('files that run in workflows', () => {
  const files = ['workflows', 'domain'].flatMap((folder) =>
    readdirSync(new URL(`../../../${folder}/`, import.meta.url)).map((name) => `${folder}/${name}`),
  );

  it('keep no state at module level, where one payment could see another’s', () => {
    for (const file of files.filter((name) => name.endsWith('.ts'))) {
      const source = readFileSync(new URL(`../../../${file}`, import.meta.url), 'utf8');
      for (const [line] of source.matchAll(
        /^(?:export )?(?:let|var) .*|^(?:export )?const .*= (?:new |\[\];|\{\};).*/gm,
      )) {
        // A set or map that nobody can change is no state.
        if (/: Readonly(Set|Map)</.test(line)) continue;
        assert.fail(`${file}: ${line}`);
      }
    }
  });
});
