import { closeSync, ftruncateSync, mkdirSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';

interface Record {
  kind: string;
  key: string;
  /** Absent once the entity was deleted. */
  value?: unknown;
}

/**
 * The simulator's memory: one JSON line per change, appended with a plain write, which a killed process cannot take back (a power cut
 * can). The last line of an entity wins. Without a directory it writes nothing.
 */
export class Journal {
  readonly #entities = new Map<string, Map<string, unknown>>();
  #file: number | undefined;

  constructor(directory: string | undefined) {
    if (!directory) return;
    mkdirSync(directory, { recursive: true });
    this.#file = openSync(join(directory, 'journal-2.jsonl'), 'a+');
    const text = readFileSync(this.#file, 'utf8');
    for (const line of text.split('\n')) this.#load(line);
    // A process killed while writing leaves half a line: end it, so that the next record starts on its own.
    if (text && !text.endsWith('\n')) writeSync(this.#file, '\n');
  }

  /** What was on file at the start, in order of first appearance. Can be read once: the memory is given away. */
  take<T>(kind: string): Map<string, T> {
    const entities = (this.#entities.get(kind) ?? new Map()) as Map<string, T>;
    this.#entities.delete(kind);
    return entities;
  }

  write(kind: string, key: string, value: unknown): void {
    if (this.#file === undefined) return;
    writeSync(this.#file, `${JSON.stringify({ kind, key, value } satisfies Record)}\n`);
  }

  /** Forgets everything. */
  truncate(): void {
    if (this.#file !== undefined) ftruncateSync(this.#file);
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
  }

  #load(line: string): void {
    if (!line) return;
    let record: Record;
    try {
      record = JSON.parse(line) as Record;
    } catch {
      return; // Half a line, see above.
    }
    const entities = this.#entities.get(record.kind) ?? new Map<string, unknown>();
    this.#entities.set(record.kind, entities);
    if (record.value === undefined) entities.delete(record.key);
    else entities.set(record.key, record.value);
  }
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
    return [...this.#entities.values()].slice(-limit).reverse();
  }

  /** Empties the memory; the journal is truncated by its owner. */
  clear(): void {
    this.#entities.clear();
  }
}
