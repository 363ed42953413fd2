import { Collection, Journal } from '../journal.ts';
import { type DueEntry, DueQueue } from './due-queue.ts';

/** The longest wait of `setTimeout`; it fires at once when told to wait longer. */
const LONGEST_WAIT_MS = 2 ** 31 - 1;

/** How to move the clock; `set` is RFC 3339. */
export type ClockMove = { advance_ms: number } | { set: string } | { reset: true };

export interface TimerOptions {
  /** Real time, in milliseconds since 1970. */
  clock?: () => number;
  journal?: Journal;
  startsAt?: number | undefined;
}

/**
 * The simulator's clock and what waits for it. The clock is the real one moved by an offset: whoever moves it makes everything happen that
 * became due on the way, in its order and at its time. Nothing happens after `close()`.
 */
export class Timers {
  readonly #clock: () => number;
  readonly #offset: Collection<number>;
  readonly #queue = new DueQueue();
  readonly #real = new Set<NodeJS.Timeout>();
  readonly #running = new Set<Promise<unknown>>();
  #wake: NodeJS.Timeout | undefined;
  /** What the clock shows while it is being moved. */
  #frozen: number | undefined;
  #moved: Promise<unknown> = Promise.resolve();
  #closed = false;

  readonly #startsAt: number | undefined;

  /** `startsAt` is what the clock shows at first; the present unless told. */
  constructor({ clock = Date.now, journal = new Journal(undefined), startsAt }: TimerOptions = {}) {
    this.#clock = clock;
    this.#offset = new Collection<number>(journal, 'clock');
    this.#startsAt = startsAt;
    if (!this.#offset.size) this.#start();
  }

  /** What the simulator's clock shows, in milliseconds since 1970. */
  readonly now = (): number => this.#frozen ?? this.#clock() + this.offset;

  /** How far the simulator's clock is ahead of the real one, in milliseconds. */
  get offset(): number {
    return this.#offset.get('offset') ?? 0;
  }

  /** Runs `action` when the simulator's clock shows `due`; `Infinity` means never. Returns how to cancel it. */
  at(due: number, action: () => unknown): () => void {
    if (this.#closed || due === Number.POSITIVE_INFINITY) return () => {};
    const entry = this.#queue.add(due, action);
    if (this.#queue.first() === entry) this.#arm();
    return () => {
      entry.cancelled = true;
    };
  }

  /** Runs `action` after `milliseconds` of real time, as sockets and people have it; `Infinity` means never. Returns how to cancel it. */
  after(milliseconds: number, action: () => unknown): () => void {
    if (this.#closed || milliseconds === Number.POSITIVE_INFINITY) return () => {};
    const timer = setTimeout(
      () => {
        this.#real.delete(timer);
        void guarded(action);
      },
      Math.min(Math.max(0, milliseconds), LONGEST_WAIT_MS),
    );
    this.#real.add(timer);
    return () => {
      clearTimeout(timer);
      this.#real.delete(timer);
    };
  }

  /** Moves the clock forward. Resolves with the number of things that happened, when they have, answers of merchants included. */
  advance(milliseconds: number): Promise<number> {
    return this.#move((now) => now + milliseconds);
  }

  /** Sets the clock, in milliseconds since 1970; back in time nothing happens. */
  set(time: number): Promise<number> {
    return this.#move(() => time);
  }

  /** The clock is the real one again. */
  reset(): Promise<number> {
    return this.#move(() => this.#clock());
  }

  /** Forgets what waits, and shows what it showed at first. */
  clear(): void {
    this.#queue.clear();
    this.#offset.clear();
    this.#start();
  }

  close(): void {
    this.#closed = true;
    this.#queue.clear();
    clearTimeout(this.#wake);
    for (const timer of this.#real) clearTimeout(timer);
    this.#real.clear();
  }

  #start(): void {
    if (this.#startsAt !== undefined) this.#offset.put('offset', this.#startsAt - this.#clock());
  }

  #arm(): void {
    clearTimeout(this.#wake);
    const next = this.#queue.first();
    if (!next || this.#closed || this.#frozen !== undefined) return;
    const wait = Math.max(0, next.due - this.now());
    this.#wake = setTimeout(
      () => {
        // A clock that a test holds still shows an earlier time than the one that was waited for.
        this.#fire(wait > LONGEST_WAIT_MS ? this.now() : Math.max(next.due, this.now()));
        this.#arm();
      },
      Math.min(wait, LONGEST_WAIT_MS),
    );
  }

  #fire(until: number): void {
    for (let next = this.#queue.first(); next && next.due <= until; next = this.#queue.first()) {
      this.#queue.take();
      void this.#run(next);
    }
  }

  async #run({ action }: DueEntry): Promise<void> {
    const running = guarded(action);
    this.#running.add(running);
    await running;
    this.#running.delete(running);
  }

  /** One move after the other, each when what is under way has ended. */
  #move(target: (now: number) => number): Promise<number> {
    const move = this.#moved.then(async () => {
      const now = this.now();
      const to = target(now);
      this.#frozen = now;
      try {
        return await this.#walk(to);
      } finally {
        this.#frozen = undefined;
        this.#offset.put('offset', to - this.#clock());
        this.#arm();
      }
    });
    this.#moved = move.catch(() => {});
    return move;
  }

  async #walk(to: number): Promise<number> {
    let count = 0;
    for (;;) {
      while (this.#running.size > 0) await Promise.all(this.#running);
      const next = this.#queue.first();
      if (!next || next.due > to) return count;
      this.#queue.take();
      this.#frozen = Math.max(this.#frozen ?? next.due, next.due);
      await this.#run(next);
      count += 1;
    }
  }
}

/** Nobody waits for what a timer does: an error in it is a bug, which is told, and ends neither the process nor what comes after. */
async function guarded(action: () => unknown): Promise<void> {
  try {
    await action();
  } catch (error) {
    process.emitWarning(error instanceof Error ? error : String(error));
  }
}
