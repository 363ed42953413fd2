/** What the caller of a command can mend: it is shown as one line, without a stack. */
export class UsageError extends Error {
  override readonly name = 'UsageError';
}
