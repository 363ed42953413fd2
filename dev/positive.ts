import { InvalidArgumentError } from 'commander';

/** Reads a whole number above 0 from the command line. @throws InvalidArgumentError for anything else */
export function positive(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number above 0.');
  return value;
}
