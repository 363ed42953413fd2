/** Timers that end with the simulator: nothing fires after `close()`. */
export class Timers {
  readonly #running = new Set<NodeJS.Timeout>();
  #closed = false;

  /** Runs `action` after `milliseconds` of real time; `Infinity` means never. Returns how to cancel it. */
  after(milliseconds: number, action: () => void): () => void {
    if (this.#closed || milliseconds === Number.POSITIVE_INFINITY) return () => {};
    const timer = setTimeout(
      () => {
        this.#running.delete(timer);
        action();
      },
      Math.max(0, milliseconds),
    );
    this.#running.add(timer);
    return () => {
      clearTimeout(timer);
      this.#running.delete(timer);
    };
  }

  close(): void {
    this.#closed = true;
    for (const timer of this.#running) clearTimeout(timer);
    this.#running.clear();
  }
}
