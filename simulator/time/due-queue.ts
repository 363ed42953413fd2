/** Something that is due at a time; of two that are due together the earlier one comes first. */
export interface DueEntry {
  /** Milliseconds since 1970. */
  due: number;
  action: () => unknown;
  cancelled: boolean;
}

/** What is due, soonest first: a binary heap, so that hundreds of thousands of waiting notifications cost little. */
export class DueQueue {
  readonly #heap: (DueEntry & { sequence: number })[] = [];
  #sequence = 0;

  add(due: number, action: () => unknown): DueEntry {
    const entry = { due, action, cancelled: false, sequence: this.#sequence };
    this.#sequence += 1;
    let index = this.#heap.push(entry) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (!this.#isBefore(index, parent)) break;
      this.#swap(index, parent);
      index = parent;
    }
    return entry;
  }

  /** What is due first, those that were cancelled left out. */
  first(): DueEntry | undefined {
    while (this.#heap[0]?.cancelled) this.#remove();
    return this.#heap[0];
  }

  /** Takes out what is due first. */
  take(): DueEntry | undefined {
    const first = this.first();
    if (first) this.#remove();
    return first;
  }

  clear(): void {
    this.#heap.length = 0;
  }

  #remove(): void {
    const last = this.#heap.pop();
    if (!last || this.#heap.length === 0) return;
    this.#heap[0] = last;
    let index = 0;
    for (;;) {
      const left = 2 * index + 1;
      let smallest = index;
      for (const child of [left, left + 1]) {
        if (child < this.#heap.length && this.#isBefore(child, smallest)) smallest = child;
      }
      if (smallest === index) return;
      this.#swap(index, smallest);
      index = smallest;
    }
  }

  #isBefore(one: number, other: number): boolean {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (!a || !b) return false;
    return a.due < b.due || (a.due === b.due && a.sequence < b.sequence);
  }

  #swap(one: number, other: number): void {
    const [a, b] = [this.#heap[one], this.#heap[other]];
    if (!a || !b) return;
    this.#heap[one] = b;
    this.#heap[other] = a;
  }
}
