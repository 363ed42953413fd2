import { axiosPluginV3 } from './axios-plugin.ts';
import { axiosPluginV2, SIGN_TYPES, type SignMode } from './axios-plugin-v2.ts';
import type { ClientRun, NpmClient } from './client.ts';
import { nodeV3 } from './node-v3.ts';
import type { Part } from './plan.ts';
import type { Outcome } from './report.ts';
import type { Gateway } from './settings.ts';

/** The client of a part, at work for its merchant. */
export async function startPart(gateway: Gateway, part: Part): Promise<ClientRun> {
  return clientOf(part).start(await gateway.setting(part.merchant, part.role));
}

function clientOf({ sdk, mode }: Part): NpmClient {
  const clients = [axiosPluginV3, nodeV3, ...(mode in SIGN_TYPES ? [axiosPluginV2(mode as SignMode)] : [])];
  const client = clients.find((one) => one.sdk === sdk);
  if (!client) throw new Error(`there is no client ${sdk}`);
  return client;
}

/** Runs all steps of a part; one that fails does not stop the others. */
export async function runPart(
  gateway: Gateway,
  part: Part,
  onOutcome: (outcome: Outcome) => void,
): Promise<void> {
  const { sdk, mode, role } = part;
  const run = await startPart(gateway, part);
  for (const [step, action] of Object.entries(run.steps)) {
    let failure: string | undefined;
    try {
      await action();
    } catch (error) {
      failure = error instanceof Error ? error.message : String(error);
    }
    onOutcome({ sdk, mode, role, step, failure });
  }
  await run.close();
}
