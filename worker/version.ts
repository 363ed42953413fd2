import { createHash } from 'node:crypto';
import type { WorkerDeploymentOptions } from '@temporalio/worker';

/**
 * Names what a worker runs: the package's version and the content of its workflow bundle. Two workers with the same build id run every workflow alike;
 * any change to workflow code makes another one.
 * @param code the bundle; where its source map says the files were is left out.
 */
export function buildId(version: string, code: string): string {
  const end = code.lastIndexOf('\n//# sourceMappingURL=');
  const hash = createHash('sha256').update(end === -1 ? code : code.slice(0, end));
  return `${version}-${hash.digest('hex').slice(0, 12)}`;
}

/**
 * Temporal's name for all workers of a task queue, of whatever version. Two installations in one namespace have different task queues, and
 * must not switch each other's versions.
 */
export function deploymentName(taskQueue: string): string {
  // Temporal separates name and build id with these.
  return taskQueue.replaceAll(/[.:]/g, '-');
}

/**
 * A payment ends on the version that began it: it is short, so an old version drains by itself, and no change to a workflow has to be able to
 * continue what an older one has begun.
 */
export function pinnedTo(taskQueue: string, build: string): WorkerDeploymentOptions {
  return {
    version: { deploymentName: deploymentName(taskQueue), buildId: build },
    useWorkerVersioning: true,
    defaultVersioningBehavior: 'PINNED',
  };
}
