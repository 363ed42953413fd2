import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflowCode } from '@temporalio/worker';

/** Where the build puts the prebuilt bundle, beside the compiled worker. */
export const BUNDLE_PATH = fileURLToPath(new URL('./workflow-bundle.js', import.meta.url));

/** True when this code runs compiled, where the build has made the bundle; from source it is made at start. */
export const IS_COMPILED = extname(import.meta.url) === '.js';

/** Bundles the workflow code for the worker's sandbox. */
export async function bundleWorkflows(): Promise<{ code: string }> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: fileURLToPath(
      new URL(IS_COMPILED ? '../workflows/index.js' : '../workflows/index.ts', import.meta.url),
    ),
    logger: { log() {}, trace() {}, debug() {}, info() {}, warn: console.error, error: console.error },
  });
  return { code };
}

// Run by the build: writes the bundle.
if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const { code } = await bundleWorkflows();
  await mkdir(dirname(BUNDLE_PATH), { recursive: true });
  await writeFile(BUNDLE_PATH, code);
}
