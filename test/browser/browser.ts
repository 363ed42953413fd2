import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import sparticuz from '@sparticuz/chromium';
import { type Browser, chromium } from 'playwright-core';

/** Names under which a Chromium is installed. */
const NAMES = ['chromium', 'google-chrome', 'chromium-browser'];

/**
 * A real browser without a window: the one of `CHROMIUM_PATH` or on PATH, or else the Chromium that came from the npm registry
 * (Linux x64 only).
 */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = process.env.CHROMIUM_PATH ?? findOnPath() ?? (await sparticuz.executablePath());
  // Without its sandbox, because that refuses to run as root, as containers do. Not with the arguments that `@sparticuz/chromium` suggests for
  // functions in the cloud: its single process ends with the first context that is closed, and its lack of web security hides faults of a page.
  return await chromium.launch({ executablePath, args: ['--no-sandbox'] });
}

function findOnPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter((folder) => folder !== '');
  return folders.flatMap((folder) => NAMES.map((name) => join(folder, name))).find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
