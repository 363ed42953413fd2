/** Lets so many run at a time; the others wait for their turn, in the order in which they came. */
export class Turns {
  #free: number;
  readonly #waiting: (() => void)[] = [];

  constructor(atATime: number) {
    this.#free = atATime;
  }

  /** Runs `work` when it is its turn. @param work may pass the turn on before it has ended */
  async take<T>(work: (pass: () => void) => Promise<T>): Promise<T> {
    if (this.#free > 0) this.#free -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    let passed = false;
    const pass = () => {
      if (passed) return;
      passed = true;
      const next = this.#waiting.shift();
      if (next) next();
      else this.#free += 1;
    };
    try {
      return await work(pass);
    } finally {
      pass();
    }
  }
}
