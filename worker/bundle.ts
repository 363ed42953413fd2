import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';
import { FAILURE_CONVERTER_PATH } from '../codec/data-converter.ts';

/** Where the build puts the prebuilt bundle, beside the compiled worker. */
const BUNDLE_PATH = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));

/** True when this code runs compiled, where the build has made the bundle; from source it is made at start. */
const IS_COMPILED = extname(import.meta.url) === '.js';

/**
 * Bundles the workflow code for the worker's sandbox.
 * @param encodeFailures whether the errors of workflows go through the payload codec. The bundle of a release always says yes: without a codec their
 * texts are still readable, in another place of the failure.
 */
export async function bundleWorkflows({ encodeFailures = false } = {}): Promise<{ code: string }> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(
      new URL(IS_COMPILED ? '../workflows/index.js' : '../workflows/index.ts', import.meta.url),
    ),
    ...(encodeFailures && { failureConverterPath: FAILURE_CONVERTER_PATH }),
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error },
  });
  return { code };
}

/** The bundle that a worker process runs: the one that the build has made, or, from source, one that is made now. */
export async function loadWorkflows(options: { encodeFailures: boolean }): Promise<{ code: string }> {
  return IS_COMPILED ? { code: await readFile(BUNDLE_PATH, 'utf8') } : await bundleWorkflows(options);
}

// Run by the build: writes the bundle.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { code } = await bundleWorkflows({ encodeFailures: true });
  await mkdir(dirname(BUNDLE_PATH), { recursive: true });
  await writeFile(BUNDLE_PATH, code);
}
