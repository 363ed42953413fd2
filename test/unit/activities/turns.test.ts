import assert from 'node:assert/strict';
import { Turns } from '../../../activities/reconciliation/turns.ts';

describe('turns', () => {
  /** Work that ends when it is told to. */
  function work() {
    const told: string[] = [];
    const end: Record<string, () => void> = {};
    const run = (turns: Turns, name: string) =>
      turns.take(async (pass) => {
        told.push(name);
        await new Promise<void>((resolve) => {
          end[name] = resolve;
          end[`${name} passes`] = pass;
        });
      });
    return { told, end, run };
  }
  const settled = () => new Promise((resolve) => setImmediate(resolve));

  it('are taken in the order of asking, so many at a time', async () => {
    const { told, end, run } = work();
    const turns = new Turns(2);
    const all = ['a', 'b', 'c', 'd'].map((name) => run(turns, name));
    await settled();
    assert.deepEqual(told, ['a', 'b']);
    end.b?.();
    await settled();
    assert.deepEqual(told, ['a', 'b', 'c']);
    end.a?.();
    end.c?.();
    await settled();
    end.d?.();
    await Promise.all(all);
    assert.deepEqual(told, ['a', 'b', 'c', 'd']);
  });

  it('can be passed on early, and count once', async () => {
    const { told, end, run } = work();
    const turns = new Turns(1);
    const all = ['a', 'b', 'c'].map((name) => run(turns, name));
    await settled();
    end['a passes']?.();
    await settled();
    assert.deepEqual(told, ['a', 'b']);
    end['a passes']?.();
    end.a?.();
    await settled();
    assert.deepEqual(told, ['a', 'b'], 'b has the only turn');
    end.b?.();
    await settled();
    end.c?.();
    await Promise.all(all);
  });

  it('go on after work that fails', async () => {
    const turns = new Turns(1);
    await assert.rejects(
      turns.take(() => Promise.reject(new Error('broken'))),
      /broken/,
    );
    assert.equal(await turns.take(async () => 'next'), 'next');
  });
});
