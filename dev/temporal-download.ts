import { execFile } from 'node:child_process';
import { createWriteStream, existsSync, mkdtempSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';

/** What to download, and to where. */
export interface DownloadOptions {
  /** The executable to be. */
  target: string;
  version: string;
  onProgress: (line: string) => void;
  /** Host of the official downloads, the one that Temporal's SDKs use. */
  url?: string | undefined;
  signal?: AbortSignal | undefined;
}

// Someone without internet must not wait: no answer within this, or no data for as long, and it is given up.
const PATIENCE_MS = 5_000;

/**
 * Fetches the official archive of the Temporal CLI and unpacks the executable.
 *
 * @throws within seconds when the host cannot be reached
 */
export async function downloadTemporal(options: DownloadOptions): Promise<void> {
  const { target, version, onProgress, url = 'https://temporal.download' } = options;
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const arch = process.arch === 'x64' ? 'amd64' : process.arch;
  const archiveUrl = `${url}/cli/archive/v${version}?platform=${platform}&arch=${arch}`;
  onProgress(`downloading the Temporal CLI ${version} from ${url}`);

  const giveUp = new AbortController();
  const signal = options.signal ? AbortSignal.any([giveUp.signal, options.signal]) : giveUp.signal;
  const patience = setTimeout(
    () => giveUp.abort(new Error(`no answer from ${url} within ${PATIENCE_MS / 1000} s`)),
    PATIENCE_MS,
  );
  // In the target's folder, so that the last step is a rename within one file system.
  const folder = mkdtempSync(join(dirname(target), 'download-'));
  try {
    const response = await fetch(archiveUrl, { signal }).catch((error: Error) => {
      throw new Error(reason(error, url), { cause: error });
    });
    if (!response.ok || !response.body) throw new Error(`${archiveUrl} answered ${response.status}`);
    const archive = join(folder, platform === 'windows' ? 'temporal.zip' : 'temporal.tar.gz');
    const alive = new Transform({
      transform(chunk, _encoding, done) {
        patience.refresh();
        done(null, chunk);
      },
    });
    await pipeline(Readable.fromWeb(response.body), alive, createWriteStream(archive), {
      signal,
    });
    clearTimeout(patience);
    await promisify(execFile)('tar', ['-xf', archive, '-C', folder]);
    const unpacked = join(folder, basename(target));
    if (!existsSync(unpacked)) throw new Error(`${archiveUrl} holds no ${basename(target)}`);
    renameSync(unpacked, target);
  } finally {
    clearTimeout(patience);
    rmSync(folder, { recursive: true, force: true });
  }
}

function reason(error: Error, url: string): string {
  if (error.name !== 'TypeError') return error.message;
  const cause = error.cause as (Error & { code?: string }) | undefined;
  return `${url} cannot be reached (${cause?.code ?? cause?.message ?? error.message})`;
}
