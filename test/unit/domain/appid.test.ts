import assert from 'node:assert/strict';
import { appidFor, appidsOf, readOtherAppids } from '../../../domain/appid.ts';

describe('appids of a merchant, as merchant.json has them', () => {
  it('name the products that are ordered under them; the others are under the first', () => {
    const otherAppids = readOtherAppids([{ appid: 'wx2', products: ['APP', 'H5'] }, { appid: 'wx3' }], 'wx1');
    const merchant = { appid: 'wx1', otherAppids };
    assert.deepEqual(appidsOf(merchant), ['wx1', 'wx2', 'wx3']);
    assert.deepEqual([appidFor(merchant, 'H5'), appidFor(merchant, 'NATIVE')], ['wx2', 'wx1']);
  });

  const WRONG: [string, unknown, RegExp][] = [
    ['no list', {}, /must be a list/],
    ['no appid', [{ products: ['APP'] }], /has no appid/],
    ['nothing', [null], /has no appid/],
    ['an appid with a blank', [{ appid: 'wx 2' }], /has no appid/],
    ['products that are no list', [{ appid: 'wx2', products: 'APP' }], /products of wx2 must be a list/],
    ['an unknown product', [{ appid: 'wx2', products: ['app'] }], /products of wx2 must be some of NATIVE,/],
    ['the first appid again', [{ appid: 'wx1' }], /wx1 is in other_appids twice, or is the first/],
    [
      'a product of two',
      [
        { appid: 'wx2', products: ['APP'] },
        { appid: 'wx3', products: ['APP'] },
      ],
      /APP is in/,
    ],
  ];
  for (const [what, value, message] of WRONG) {
    it(`${what}: refused in words`, () => assert.throws(() => readOtherAppids(value, 'wx1'), message));
  }
});
