import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { DataConverter } from '@temporalio/common';
import { type CodecKey, encryptingCodec } from './payload-codec.ts';

/** The failure converter as client, worker and bundler want it: the file that exports it. */
export const FAILURE_CONVERTER_PATH = fileURLToPath(
  new URL(`./failure-converter${extname(import.meta.url)}`, import.meta.url),
);

/**
 * What a Temporal client and a worker need in order to read and write encrypted payloads.
 * @param keys the first encrypts, all decrypt; without keys nothing is encrypted.
 */
export function dataConverter(keys: readonly CodecKey[] | undefined): DataConverter | undefined {
  if (!keys || keys.length === 0) return undefined;
  return { failureConverterPath: FAILURE_CONVERTER_PATH, payloadCodecs: [encryptingCodec(keys)] };
}
