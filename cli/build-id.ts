import { readEnvironment } from '../process/environment.ts';
import { loadWorkflows } from '../worker/bundle.ts';
import { buildId } from '../worker/version.ts';
import { version } from './version.ts';

/** `paysaga build-id`: the name that a worker of this build has in versioned deployments. */
export async function printBuildId(): Promise<void> {
  const { PAYSAGA_CODEC_KEYS: keys } = readEnvironment(['PAYSAGA_CODEC_KEYS']);
  const { code } = await loadWorkflows({ encodeFailures: keys !== undefined });
  console.log(buildId(version(), code));
}
