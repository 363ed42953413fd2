import type { Stack } from '../stack.ts';

/** Kills a process of the stack (SIGKILL). @returns false when it is dead already, by another kill. */
export function kill(stack: Pick<Stack, 'pids'>, name: 'worker' | 'api'): boolean {
  const victim = stack.pids().find((candidate) => candidate.name === name);
  if (!victim) return false;
  process.kill(victim.pid, 'SIGKILL');
  return true;
}
