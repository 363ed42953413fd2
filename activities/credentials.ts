import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import {
  clearAttention,
  merchantOf,
  type Subject,
  showCredentialsRefused,
  showsAttention,
} from '../database/attention.ts';
import { inTransaction } from '../database/pool.ts';
import { CREDENTIALS_SIGNAL } from '../domain/identity.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { type FailureType, gatewayFailure } from './failures.ts';

const REASON = 'credentials_refused';
/** After a refusal the step is repeated after this long, and after twice as long each time, in milliseconds: people mend it. */
const FIRST_DELAY_MS = 10_000;
const LONGEST_DELAY_MS = 300_000;

/** Failures in which the gateway has spoken to the merchant. */
const ANSWERED: readonly (string | null | undefined)[] = [
  'NotFinalYet',
  'GatewayRejected',
] satisfies FailureType[];

/**
 * Makes a step at the gateway show that the merchant's credentials are refused, and that they are taken again: in the row, with an event, and
 * by a signal to its own workflow for whoever looks there. The step itself is repeated with the same number and the same bytes, for as long
 * as it has patience; that leaves no trace in the history.
 *
 * The signal comes before row and heartbeat: after a crash between the two it is repeated, and changes nothing then.
 */
export function showingRefusals<Input extends Subject, Answer>(
  { pool, merchants }: ActivityDependencies,
  step: (input: Input) => Promise<Answer>,
): (input: Input) => Promise<Answer> {
  return async (input) => {
    try {
      const answer = await step(input);
      await taken(input);
      return answer;
    } catch (error) {
      const failure = gatewayFailure(error);
      if (!(failure instanceof ApplicationFailure)) throw failure;
      if (failure.type === ('GatewayConfiguration' satisfies FailureType))
        throw await refused(input, failure);
      if (ANSWERED.includes(failure.type)) await taken(input);
      throw failure;
    }
  };

  async function refused(subject: Subject, failure: ApplicationFailure): Promise<ApplicationFailure> {
    const code = (failure.details?.[0] as { code: string } | undefined)?.code ?? '';
    merchants.doubt(await merchantOf(pool, subject));
    if (!(await showsAttention(pool, subject, REASON))) {
      // Where the row goes on showing another reason, one signal of the step is enough.
      if (!wasRefused()) await signal({ refused: code });
      await inTransaction(pool, (db) => showCredentialsRefused(db, subject, code));
    }
    remember(true);
    const attempt = context()?.info.attempt ?? 1;
    return ApplicationFailure.create({
      message: failure.message,
      type: 'GatewayConfiguration' satisfies FailureType,
      details: failure.details ?? [],
      nextRetryDelay: Math.min(FIRST_DELAY_MS * 2 ** (attempt - 1), LONGEST_DELAY_MS),
    });
  }

  /** A local step does not look: a durable one is under way wherever a refusal is shown, and will. */
  async function taken(subject: Subject): Promise<void> {
    if (context()?.info.isLocal || !(wasRefused() || (await showsAttention(pool, subject, REASON)))) return;
    await signal({});
    await inTransaction(pool, (db) => clearAttention(db, subject, REASON));
    remember(false);
  }
}

/** Tells the workflow whose step this is; a relay that runs it has none. */
async function signal(news: { refused?: string }): Promise<void> {
  const { client, info } = context() ?? {};
  if (!client || !info?.workflowExecution) return;
  const { workflowId, runId } = info.workflowExecution;
  await client.workflow.getHandle(workflowId, runId).signal(CREDENTIALS_SIGNAL, news);
}

/** Whether an earlier attempt of this step was refused, and none was answered since. */
function wasRefused(): boolean {
  return context()?.info.heartbeatDetails === REASON;
}

/** Leaves word for the next attempt: Temporal keeps the last heartbeat. */
function remember(refused: boolean): void {
  if (refused === wasRefused() || context()?.info.isLocal) return;
  context()?.heartbeat(refused ? REASON : null);
}

function context(): Context | undefined {
  try {
    return Context.current();
  } catch {
    return undefined;
  }
}
