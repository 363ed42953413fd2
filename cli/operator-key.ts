import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { findOperator, type Operator } from '../database/operators.ts';
import type { Pool } from '../database/pool.ts';
import { UsageError } from './usage-error.ts';

/** Where an operator's key comes from, besides `PAYSAGA_OPERATOR_KEY`. Never from the command line, which others can see. */
export interface KeySource {
  operatorKeyFile?: string;
}

/**
 * Who acts, by her key: from the file, else from `PAYSAGA_OPERATOR_KEY`, else typed in.
 * @throws UsageError when there is no key, or it is nobody's.
 */
export async function actingOperator(pool: Pool, source: KeySource): Promise<Operator> {
  const key = (await readKey(source)).trim();
  const operator = await findOperator(pool, key);
  if (!operator) throw new UsageError('this operator key is nobody’s, or was revoked');
  return operator;
}

async function readKey({ operatorKeyFile }: KeySource): Promise<string> {
  if (operatorKeyFile !== undefined) {
    return await readFile(operatorKeyFile, 'utf8').catch((error: Error) => {
      throw new UsageError(`the operator key cannot be read: ${error.message}`);
    });
  }
  const fromEnvironment = process.env.PAYSAGA_OPERATOR_KEY;
  if (fromEnvironment) return fromEnvironment;
  if (!process.stdin.isTTY) {
    throw new UsageError(
      'who acts? Put your operator key into PAYSAGA_OPERATOR_KEY, or name a file: --operator-key-file',
    );
  }
  // What is typed is not shown.
  const nowhere = new Writable({ write: (_chunk, _encoding, done) => done() });
  const reader = createInterface({ input: process.stdin, output: nowhere, terminal: true });
  process.stderr.write('operator key: ');
  try {
    return await reader.question('');
  } finally {
    reader.close();
    process.stderr.write('\n');
  }
}
