import { Context } from '@temporalio/activity';

/** How often Temporal hears that the activity is alive, in milliseconds. */
const EVERY_MS = 2_000;

/** Tells Temporal what a long activity is doing, while it waits for PostgreSQL, too. */
export interface Heartbeat {
  /** What the operator reads. @throws CancelledFailure when the activity is to end: its worker shuts down, say. */
  say(details: Record<string, string | number>): void;
  stop(): void;
}

/** Starts telling. */
export function startHeartbeat(first: Record<string, string | number>): Heartbeat {
  const context = Context.current();
  let details = first;
  context.heartbeat(details);
  const timer = setInterval(() => context.heartbeat(details), EVERY_MS);
  return {
    say(now) {
      context.cancellationSignal.throwIfAborted();
      details = now;
    },
    stop: () => clearInterval(timer),
  };
}
