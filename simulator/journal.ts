import {
  closeSync,
  fsyncSync,
  ftruncateSync,
  mkdirSync,
  openSync,
  readSync,
  renameSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { lockFolder } from './folder-lock.ts';

interface Line {
  kind: string;
  key: string;
  /** Absent once the entity was deleted. */
  value?: unknown;
}

const FILE = 'journal-2.jsonl';
const CHUNK_BYTES = 4 * 1024 * 1024;
/** Below so many lines a file is not worth being rewritten. */
const FEW_LINES = 10_000;

/**
 * The simulator's memory: one JSON line per change, the last line of an entity wins. What one request changes is appended with one plain
 * write before its answer leaves, and a killed process cannot take it back (a power cut can). At a start, a file that is mostly history is
 * rewritten without it. One process at a time has a directory; without one it writes nothing.
 */
export class Journal {
  readonly #entities = new Map<string, Map<string, unknown>>();
  readonly #given = new Map<string, ReadonlyMap<string, unknown>>();
  #file: number | undefined;
  #lines = 0;
  #pending = '';
  #release = () => {};

  /** @throws FolderInUseError */
  constructor(directory: string | undefined) {
    if (!directory) return;
    mkdirSync(directory, { recursive: true });
    this.#release = lockFolder(directory);
    try {
      this.#open(join(directory, FILE));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** What was on file at the start, in order of first appearance. Can be read once: the memory is given away. */
  take<T>(kind: string): Map<string, T> {
    const entities = (this.#entities.get(kind) ?? new Map()) as Map<string, T>;
    this.#entities.delete(kind);
    this.#given.set(kind, entities);
    return entities;
  }

  /** Everything, by kind and key. */
  dump(): Record<string, Record<string, unknown>> {
    return Object.fromEntries(
      [...this.#given].map(([kind, entities]) => [kind, Object.fromEntries(entities)]),
    );
  }

  write(kind: string, key: string, value: unknown): void {
    if (this.#file === undefined) return;
    // Before anything else happens, answers included, what this turn changes is written in one go.
    if (!this.#pending) queueMicrotask(() => this.#flush());
    this.#pending += lineOf({ kind, key, value });
  }

  /** Forgets everything. */
  truncate(): void {
    this.#pending = '';
    if (this.#file !== undefined) ftruncateSync(this.#file);
  }

  close(): void {
    this.#flush();
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#release();
  }

  #flush(): void {
    const text = this.#pending;
    this.#pending = '';
    if (text && this.#file !== undefined) writeAll(this.#file, text);
  }

  #open(path: string): void {
    this.#file = openSync(path, 'a+');
    this.#load(this.#file);
    const living = [...this.#entities.values()].reduce((sum, { size }) => sum + size, 0);
    if (this.#lines > FEW_LINES && this.#lines > 2 * living) this.#rewrite(path);
  }

  /** Reads line by line: a file may be longer than the longest string. */
  #load(file: number): void {
    const chunk = Buffer.alloc(CHUNK_BYTES);
    let rest: Buffer = Buffer.alloc(0);
    for (let length = readSync(file, chunk, 0, CHUNK_BYTES, 0), position = 0; length > 0; ) {
      const bytes = Buffer.concat([rest, chunk.subarray(0, length)]);
      let start = 0;
      for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, start)) {
        this.#remember(bytes.toString('utf8', start, end));
        start = end + 1;
      }
      rest = bytes.subarray(start);
      position += length;
      length = readSync(file, chunk, 0, CHUNK_BYTES, position);
    }
    if (rest.length === 0) return;
    // A process killed while writing leaves half a line: end it, so that the next record starts on its own.
    writeAll(file, '\n');
    this.#remember(rest.toString('utf8'));
  }

  #remember(line: string): void {
    if (!line) return;
    let record: Line;
    try {
      record = JSON.parse(line) as Line;
    } catch {
      return; // Half a line, see above.
    }
    this.#lines += 1;
    const entities = this.#entities.get(record.kind) ?? new Map<string, unknown>();
    this.#entities.set(record.kind, entities);
    if (record.value === undefined) entities.delete(record.key);
    else entities.set(record.key, record.value);
  }

  /** Writes a new file of the living entities, and puts it in place of the old one at once. */
  #rewrite(path: string): void {
    const file = openSync(`${path}.new`, 'w+');
    let text = '';
    for (const [kind, entities] of this.#entities) {
      for (const [key, value] of entities) {
        text += lineOf({ kind, key, value });
        if (text.length < CHUNK_BYTES) continue;
        writeAll(file, text);
        text = '';
      }
    }
    writeAll(file, text);
    fsyncSync(file);
    renameSync(`${path}.new`, path);
    closeSync(file);
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = openSync(path, 'a+');
  }
}

function lineOf(record: Line): string {
  return `${JSON.stringify(record)}\n`;
}

/** All of a text: a single write may take less. */
function writeAll(file: number, text: string): void {
  const bytes = Buffer.from(text);
  for (let written = 0; written < bytes.length; ) written += writeSync(file, bytes, written);
}

/** Entities of one kind, in memory and in the journal. */
export class Collection<T> {
  readonly #journal: Journal;
  readonly #kind: string;
  readonly #entities: Map<string, T>;

  constructor(journal: Journal, kind: string) {
    this.#journal = journal;
    this.#kind = kind;
    this.#entities = journal.take<T>(kind);
  }

  get size(): number {
    return this.#entities.size;
  }

  get(key: string): T | undefined {
    return this.#entities.get(key);
  }

  /** Stores an entity, new or changed. */
  put(key: string, entity: T): void {
    this.#entities.set(key, entity);
    this.#journal.write(this.#kind, key, entity);
  }

  delete(key: string): boolean {
    const existed = this.#entities.delete(key);
    if (existed) this.#journal.write(this.#kind, key, undefined);
    return existed;
  }

  /** Oldest first. */
  values(): IterableIterator<T> {
    return this.#entities.values();
  }

  /** The newest `limit` entities, newest first. */
  newest(limit: number): T[] {
    const newest: T[] = [];
    let older = this.#entities.size - limit;
    for (const entity of this.#entities.values()) {
      if (older > 0) older -= 1;
      else newest.push(entity);
    }
    return newest.reverse();
  }

  /** Writes everything to a journal that was truncated. */
  rewrite(): void {
    for (const [key, entity] of this.#entities) this.#journal.write(this.#kind, key, entity);
  }

  /** Empties the memory; the journal is truncated by its owner. */
  clear(): void {
    this.#entities.clear();
  }
}
