import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { version } from '../cli/version.ts';
import { startPaysaga } from '../test/fixture.ts';
import { fromRecorded, steps, toRecorded } from '../test/replay/history.ts';
import { SETTINGS } from '../test/replay/paths.ts';
import { stopServers } from '../test/servers.ts';

/**
 * Records how each path of the sagas looks in Temporal today, for `test/replay`: `npm run record-histories -- [path …]`. It drives the whole
 * service on real servers. Files of this version are replaced, those of earlier versions stay.
 */

const FOLDER = fileURLToPath(new URL('../test/replay/histories/', import.meta.url));
const wanted = new Set(process.argv.slice(2));

mkdirSync(FOLDER, { recursive: true });
try {
  for (const { options, paths } of SETTINGS) {
    const chosen = Object.entries(paths).filter(([name]) => wanted.size === 0 || wanted.has(name));
    if (chosen.length === 0) continue;
    const paysaga = await startPaysaga(options);
    try {
      for (const [name, path] of chosen) {
        const workflowId = await path.drive(paysaga);
        const handle = paysaga.client.workflow.getHandle(workflowId);
        await handle.result();
        const recorded = toRecorded(workflowId, await handle.fetchHistory());
        await paysaga.control('DELETE', '/faults');
        const happened = steps(fromRecorded(recorded));
        const missing = path.has.filter((step) => !happened.includes(step));
        const unwanted = (path.hasNot ?? []).filter((step) => happened.includes(step));
        if (missing.length > 0 || unwanted.length > 0) {
          throw new Error(
            `${name} took another way: ${happened.join(', ')}; missing ${missing}; unwanted ${unwanted}`,
          );
        }
        writeFileSync(join(FOLDER, `${name}.${version()}.json`), `${JSON.stringify(recorded, null, 1)}\n`);
        console.log(`${name.padEnd(52)} ${recorded.events.length} events`);
      }
    } finally {
      await paysaga.stop();
    }
  }
} finally {
  await stopServers();
}
