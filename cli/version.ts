import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** This package's version, from its package.json: one folder up from the source, two from the compiled code. */
export function version(): string {
  const candidates = ['../package.json', '../../package.json'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  );
  const path = candidates.find((candidate) => existsSync(candidate));
  return path ? (JSON.parse(readFileSync(path, 'utf8')) as { version: string }).version : 'unknown';
}
