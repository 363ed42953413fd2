/** gRPC status FAILED_PRECONDITION. */
const FAILED_PRECONDITION = 9;

/** So often a request is repeated whose workflow task has failed beneath it. */
const REPEATS = 3;

/**
 * Sends an update, again where the workflow task that had taken it has failed: the workflow wanted to end, and the server had news for it
 * (UnhandledCommand). The server repeats the task by itself but has given up the waiting caller, with FAILED_PRECONDITION. The repeat finds
 * the workflow going on, or ended: then its row tells.
 */
export async function beyondTaskFailures<Answer>(send: () => Promise<Answer>): Promise<Answer> {
  for (let repeat = 0; ; repeat += 1) {
    try {
      return await send();
    } catch (error) {
      if (repeat === REPEATS || !isTaskFailure(error)) throw error;
    }
  }
}

/** Found in the error or in what caused it. */
function isTaskFailure(error: unknown): boolean {
  for (let at = error; at; at = (at as { cause?: unknown }).cause) {
    const { code, message } = at as { code?: unknown; message?: string };
    if (/unexpected workflow task failure/.test(String(message))) return true;
    // The reason of an update with start may be left out.
    if (code === FAILED_PRECONDITION && /Update-with-Start could not be executed/.test(String(message)))
      return true;
  }
  return false;
}
