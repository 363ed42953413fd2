import assert from 'node:assert/strict';
import {
  appendFileSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Collection, Journal } from '../../../simulator/journal.ts';

describe('simulator: journal', () => {
  let folder: string;
  let file: string;
  let journal: Journal;

  const open = <T>(kind = 'thing') => {
    journal = new Journal(folder);
    return new Collection<T>(journal, kind);
  };
  const reopen = <T>(kind = 'thing') => {
    journal.close();
    return open<T>(kind);
  };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'paysaga-journal-'));
    file = join(folder, 'journal-2.jsonl');
  });

  afterEach(() => {
    journal.close();
    rmSync(folder, { recursive: true });
  });

  it('writes what one turn changed in one go, before anything that is awaited', async () => {
    const things = open<number>();
    things.put('one', 1);
    things.put('two', 2);
    assert.equal(readFileSync(file, 'utf8'), '');
    await Promise.resolve();
    assert.deepEqual(readFileSync(file, 'utf8').split('\n'), [
      '{"kind":"thing","key":"one","value":1}',
      '{"kind":"thing","key":"two","value":2}',
      '',
    ]);
  });

  it('writes at its end what was not written yet, and nothing afterwards', () => {
    const things = open<number>();
    things.put('one', 1);
    journal.close();
    things.put('two', 2);
    assert.deepEqual([...open<number>().values()], [1]);
  });

  it('keeps the last of each in order of first appearance, without what was deleted', () => {
    const things = open<string>();
    for (const key of ['one', 'two', 'three']) things.put(key, key);
    things.put('one', 'changed');
    things.delete('two');
    assert.deepEqual([...reopen<string>().values()], ['changed', 'three']);
  });

  it('forgets everything, also what was not written yet', async () => {
    const things = open<number>();
    things.put('one', 1);
    await Promise.resolve();
    things.put('two', 2);
    journal.truncate();
    await Promise.resolve();
    assert.equal(statSync(file).size, 0);
  });

  it('loses the half line of a killed process, and nothing of what follows', () => {
    writeFileSync(file, '{"kind":"thing","key":"one","value":1}\n{"kind":"thing","key":"tw');
    const things = open<number>();
    assert.deepEqual([...things.values()], [1]);
    things.put('three', 3);
    assert.deepEqual([...reopen<number>().values()], [1, 3]);
  });

  it('reads a last line that lacks nothing but its end', () => {
    writeFileSync(file, '{"kind":"thing","key":"one","value":1}');
    assert.deepEqual([...open<number>().values()], [1]);
  });

  it('reads lines that lie across the pieces in which a file is read, with characters of several bytes', () => {
    const texts = Array.from({ length: 12 }, (_, index) => '支付'.repeat(100_000) + index);
    const things = open<string>();
    texts.forEach((text, index) => {
      things.put(String(index), text);
    });
    journal.close();
    assert.ok(statSync(file).size > 4 * 1024 * 1024);
    assert.deepEqual([...open<string>().values()], texts);
  });

  it('rewrites a file that is mostly history, and loses nothing', () => {
    const line = (key: string, value?: number) => `${JSON.stringify({ kind: 'thing', key, value })}\n`;
    let history = line('first', 1) + line('deleted', 2) + line('deleted');
    for (let value = 0; value <= 10_000; value += 1) history += line('counter', value);
    writeFileSync(file, history);
    const things = open<number>();
    assert.deepEqual([...things.values()], [1, 10_000]);
    assert.equal(readFileSync(file, 'utf8'), line('first', 1) + line('counter', 10_000));
    assert.equal(existsSync(`${file}.new`), false);
    things.put('later', 3);
    assert.deepEqual([...reopen<number>().values()], [1, 10_000, 3]);
  });

  it('leaves a file as it is that is mostly alive', () => {
    const line = (key: number) => `${JSON.stringify({ kind: 'thing', key: String(key), value: key })}\n`;
    for (let from = 0; from < 12_000; from += 1000) {
      appendFileSync(file, Array.from({ length: 1000 }, (_, index) => line(from + index)).join(''));
    }
    const before = readFileSync(file, 'utf8');
    assert.equal(open<number>().size, 12_000);
    assert.equal(readFileSync(file, 'utf8'), before);
  });

  it('shows the newest first', () => {
    const things = open<number>();
    for (let value = 1; value <= 5; value += 1) things.put(String(value), value);
    assert.deepEqual(things.newest(2), [5, 4]);
    assert.deepEqual(things.newest(Number.POSITIVE_INFINITY), [5, 4, 3, 2, 1]);
  });
});
