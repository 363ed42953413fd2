import { findTemporalExecutable } from './temporal-executable.ts';

/**
 * Runs before the tests: finds, downloads or builds the Temporal server, with progress. A test's own time limit is no place for a
 * build that may take minutes the first time.
 */
if (!process.env.TEMPORAL_ADDRESS) {
  try {
    const { path, from } = await findTemporalExecutable({ onProgress: (line) => console.log(line) });
    console.log(`Temporal server: ${path} (${from})`);
  } catch (error) {
    console.error((error as Error).message);
    process.exit(1);
  }
}
