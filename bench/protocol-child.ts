import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';

type Reply = { answer: unknown } | { error: string };

/** A process of this benchmark; it answers one question after the other and ends with the one that has started it. */
export class Child {
  readonly #process: ChildProcess;
  readonly #name: string;

  /**
   * @param file next to this one
   * @param signal ends the process
   */
  constructor(file: string, args: string[], signal: AbortSignal) {
    this.#name = [file, ...args].join(' ');
    this.#process = fork(fileURLToPath(new URL(file, import.meta.url)), args, { signal });
    // Aborted: whoever waits for an answer sees the process exit.
    this.#process.on('error', () => {});
  }

  /** 0 until it has started. */
  get pid(): number {
    return this.#process.pid ?? 0;
  }

  /** @throws Error with the reason of the process, or when it has ended. */
  ask<Answer>(question: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const child = this.#process;
      const ended = (code: number | null, signal: string | null) =>
        reject(new Error(`${this.#name} has ended with ${code ?? signal}`));
      if (child.exitCode !== null || child.signalCode !== null)
        return ended(child.exitCode, child.signalCode);
      child.once('exit', ended);
      child.once('message', (reply: Reply) => {
        child.off('exit', ended);
        if ('error' in reply) reject(new Error(`${this.#name}: ${reply.error}`));
        else resolve(reply.answer as Answer);
      });
      child.send(question);
    });
  }

  stop(): void {
    this.#process.kill();
  }
}

/** In the process itself: answers the questions. */
export function answerQuestions<Question>(answer: (question: Question) => Promise<unknown>): void {
  process.on('message', (question: Question) => {
    answer(question).then(
      (found) => process.send?.({ answer: found } satisfies Reply),
      (error: unknown) => process.send?.({ error: String(error) } satisfies Reply),
    );
  });
  process.on('disconnect', () => process.exit());
}
