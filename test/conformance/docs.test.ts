import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { PLAN } from './plan.ts';

const read = (path: string) => readFile(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('docs/conformance.md', () => {
  let document: string;
  before(async () => {
    document = await read('docs/conformance.md');
  });

  it('tells of every client and of every step', () => {
    const parts = Object.values(PLAN).flat();
    const names = new Set(parts.flatMap(({ sdk, steps }) => [sdk, ...steps]));
    const missing = [...names].filter((name) => !document.includes(`\`${name}\``));
    assert.deepEqual(missing, []);
  });

  it('has the versions that are run', async () => {
    const [, go] = /wechatpay-go (v[\d.]+)/.exec(await read('test/conformance/go/go.mod')) ?? [];
    const [, java] =
      /<artifactId>wechatpay-java<\/artifactId>\s*<version>([\d.]+)/.exec(
        await read('test/conformance/java/pom.xml'),
      ) ?? [];
    const { devDependencies } = JSON.parse(await read('package.json')) as {
      devDependencies: Record<string, string>;
    };
    const versions = {
      'wechatpay-go': go,
      'wechatpay-java': java,
      'wechatpay-axios-plugin': devDependencies['wechatpay-axios-plugin'],
      'wechatpay-node-v3': devDependencies['wechatpay-node-v3'],
    };
    for (const [sdk, version] of Object.entries(versions)) {
      const row = document.split('\n').find((line) => line.startsWith(`| \`${sdk}\``));
      assert.equal(row?.split('|')[2]?.trim(), version);
    }
  });
});
