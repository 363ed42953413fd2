import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { PATIENCE_MS } from './subject.ts';

/** How exactly the moment of PAID is known, in milliseconds. */
const INTERVAL_MS = 25;

interface Waiting {
  resolve(paidAt: number): void;
  reject(error: Error): void;
  deadline: number;
}

/**
 * Notices when payments become PAID, by one connection and one look-up of primary keys at a time. Asking the API instead would load
 * the very thing that is measured.
 */
export class PaidWatch {
  readonly #waiting = new Map<string, Waiting>();
  readonly #client: pg.Client;
  #running = true;
  #ended: Promise<void> | undefined;
  /** Process of this connection at the server. */
  readonly backendPid: number;

  private constructor(client: pg.Client, backendPid: number) {
    this.#client = client;
    this.backendPid = backendPid;
  }

  static async open(databaseUrl: string): Promise<PaidWatch> {
    const client = new pg.Client({ connectionString: databaseUrl, application_name: 'paysaga bench' });
    await client.connect();
    const { rows } = await client.query<{ pid: number }>('select pg_backend_pid() pid');
    const watch = new PaidWatch(client, rows[0]?.pid ?? 0);
    // What breaks the connection is told to everybody who waits.
    client.on('error', (error) => watch.#giveUp(error));
    watch.#ended = watch.#look();
    return watch;
  }

  /** Resolves to the time (of `performance.now`) at which the payment was seen to be PAID; rejects when it takes too long. */
  paid(paymentId: string): Promise<number> {
    return new Promise((resolve, reject) => {
      if (!this.#running) reject(new Error('the watch has ended'));
      const deadline = performance.now() + PATIENCE_MS;
      this.#waiting.set(paymentId, { resolve, reject, deadline });
    });
  }

  async close(): Promise<void> {
    this.#giveUp(new Error('the watch was closed'));
    await this.#ended;
    await this.#client.end();
  }

  async #look(): Promise<void> {
    while (this.#running) {
      await sleep(INTERVAL_MS);
      if (this.#waiting.size === 0) continue;
      try {
        const { rows } = await this.#client.query<{ id: string }>({
          name: 'paid',
          text: `select id from payments where id = any($1) and status = 'PAID'`,
          values: [[...this.#waiting.keys()]],
        });
        const now = performance.now();
        for (const { id } of rows) {
          this.#waiting.get(id)?.resolve(now);
          this.#waiting.delete(id);
        }
        for (const [id, { reject, deadline }] of this.#waiting) {
          if (now < deadline) continue;
          reject(new Error(`not PAID after ${PATIENCE_MS / 1000} s`));
          this.#waiting.delete(id);
        }
      } catch (error) {
        this.#giveUp(error as Error);
      }
    }
  }

  #giveUp(error: Error): void {
    this.#running = false;
    for (const { reject } of this.#waiting.values()) reject(error);
    this.#waiting.clear();
  }
}
