import { condition, defineSignal, setHandler } from '@temporalio/workflow';

/** What no workflow of ours does: remembers something outside of itself. */
let calls = 0;
const seen: string[] = [];

export const count = defineSignal<[string]>('count');

/** Counts signals at module level until one says `end`. */
export async function counting(): Promise<{ calls: number; seen: string[]; global: number }> {
  const shared = globalThis as { calls?: number };
  let ended = false;
  setHandler(count, (word) => {
    if (word === 'end') ended = true;
    else {
      calls += 1;
      seen.push(word);
      shared.calls = (shared.calls ?? 0) + 1;
    }
  });
  await condition(() => ended);
  return { calls, seen, global: shared.calls ?? 0 };
}
