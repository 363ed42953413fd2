import { setTimeout as sleep } from 'node:timers/promises';

/** What a supervisor knows of a running process. */
export interface Running {
  pid?: number;
  /** Resolves when it has ended, wanted or not; absent when it is somebody else's to keep alive. */
  exited?: Promise<unknown>;
  stop(): Promise<void>;
}

/** A process to keep alive. */
export interface Service<Kind extends Running = Running> {
  name: string;
  /** Resolves once it is ready. When the signal is aborted, ends what it has started and rejects. */
  start(signal: AbortSignal): Promise<Kind>;
}

/** How a supervisor behaves; all of it has a default. */
export interface SupervisorOptions {
  /** Is told one line when a process died, came back, or does not come back. */
  say?: (line: string) => void;
  /** Is called whenever a process has started, with the new pid. */
  onStarted?: (name: string, running: Running) => void;
  /** First pause before a process is started again, in milliseconds; doubles each time. */
  backoffMs?: number;
  /** The wait doubles up to this, in milliseconds. */
  longestBackoffMs?: number;
}

const LONGEST_BACKOFF_MS = 30_000;
/** Who ran this long was healthy: the next pause is the shortest again. */
const HEALTHY_MS = 60_000;

interface Entry {
  service: Service;
  starting?: { promise: Promise<Running>; abort: AbortController };
  running?: Running;
  watch?: Promise<void>;
}

/** Keeps named processes alive and stops them in the reverse order of their start. */
export class Supervisor {
  private readonly entries: Entry[] = [];
  private readonly stopping = new AbortController();
  private readonly say: (line: string) => void;
  private readonly onStarted: (name: string, running: Running) => void;
  private readonly backoffMs: number;
  private readonly longestBackoffMs: number;

  constructor({
    say = () => {},
    onStarted = () => {},
    backoffMs = 500,
    longestBackoffMs = LONGEST_BACKOFF_MS,
  }: SupervisorOptions = {}) {
    this.say = say;
    this.onStarted = onStarted;
    this.backoffMs = backoffMs;
    this.longestBackoffMs = longestBackoffMs;
  }

  /**
   * Starts a process and keeps it alive from then on.
   * @throws what its first start throws: a process that never worked is a mistake, not a crash
   */
  async start<Kind extends Running>(service: Service<Kind>): Promise<Kind> {
    const entry: Entry = { service };
    this.entries.push(entry);
    const running = await this.launch(entry);
    entry.watch = this.keepAlive(entry);
    return running as Kind;
  }

  /** The processes that run now. */
  pids(): { name: string; pid: number }[] {
    return this.entries.flatMap(({ service, running }) =>
      running?.pid === undefined ? [] : [{ name: service.name, pid: running.pid }],
    );
  }

  /** Stops everything, the last one first, and whatever was on its way up; nothing starts afterwards. */
  async stop(): Promise<void> {
    this.stopping.abort();
    for (const { starting } of this.entries) starting?.abort.abort();
    for (const entry of [...this.entries].reverse()) {
      await entry.starting?.promise.catch(() => {});
      await entry.running?.stop();
      await entry.watch;
      delete entry.running;
    }
  }

  private async launch(entry: Entry): Promise<Running> {
    this.stopping.signal.throwIfAborted();
    const abort = new AbortController();
    const promise = entry.service.start(abort.signal);
    entry.starting = { promise, abort };
    try {
      entry.running = await promise;
    } finally {
      delete entry.starting;
    }
    this.onStarted(entry.service.name, entry.running);
    return entry.running;
  }

  private async keepAlive(entry: Entry): Promise<void> {
    const { name } = entry.service;
    const { signal } = this.stopping;
    let pause = this.backoffMs;
    while (entry.running?.exited) {
      const since = Date.now();
      const exit = await entry.running.exited;
      if (signal.aborted) return;
      if (Date.now() - since > HEALTHY_MS) pause = this.backoffMs;
      delete entry.running;
      let why = `ended unexpectedly${howItEnded(exit)}`;
      while (!entry.running) {
        this.say(`${name} ${why}; starting it again in ${pause / 1000} s`);
        await sleep(pause, undefined, { signal }).catch(() => {});
        if (signal.aborted) return;
        pause = Math.min(pause * 2, this.longestBackoffMs);
        try {
          const { pid } = await this.launch(entry);
          this.say(`${name} runs again${pid === undefined ? '' : ` (pid ${pid})`}`);
        } catch (error) {
          if (signal.aborted) return;
          why = `did not come back: ${(error as Error).message.split('\n')[0]}`;
        }
      }
    }
  }
}

/** The signal or exit code, where the process told one. */
function howItEnded(exit: unknown): string {
  const { code, signal } = (exit ?? {}) as { code?: number | null; signal?: string | null };
  if (signal) return ` (${signal})`;
  return typeof code === 'number' ? ` (exit code ${code}; see its log)` : '';
}
