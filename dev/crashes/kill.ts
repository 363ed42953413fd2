import type { Stack } from '../stack.ts';

/** Kills a process of the stack (SIGKILL). @returns false when it is dead already, by another kill. */
export function kill(stack: Pick<Stack, 'pids'>, name: 'worker' | 'api'): boolean {
  const victim = stack.pids().find((candidate) => candidate.name === name);
  if (!victim) return false;
  try {
    process.kill(victim.pid, 'SIGKILL');
    return true;
  } catch (error) {
    // It has gone, and its stack has not heard of it yet.
    if ((error as NodeJS.ErrnoException).code === 'ESRCH') return false;
    throw error;
  }
}
