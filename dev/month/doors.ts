import { Client, Connection } from '@temporalio/client';
import { dataConverter } from '../../codec/data-converter.ts';
import { openPool } from '../../database/pool.ts';
import { openVault } from '../../database/secrets.ts';
import { RECONCILIATION_TIMING } from '../../domain/reconciliation.ts';
import { openMerchants } from '../../gateway/merchants.ts';
import { TASK_QUEUE } from '../../workflows/start.ts';
import type { Stack } from '../stack.ts';
import { MerchantBackend } from '../tour/merchant-backend.ts';
import type { Doors } from './market.ts';
import type { NightWorkers } from './night.ts';

/** What a month needs of a stack. */
export type House = Pick<
  Stack,
  'apiUrl' | 'apiKey' | 'simulatorUrl' | 'databaseUrl' | 'temporalAddress' | 'temporalNamespace' | 'pids'
> & { environment: NodeJS.ProcessEnv };

/** Opens what a month reaches a stack by. */
export async function openDoors(
  house: House,
  carryDays: number,
): Promise<{ doors: Doors; workers: NightWorkers; close: () => Promise<void> }> {
  const { environment } = house;
  const pool = openPool(house.databaseUrl, { max: 6 });
  const connection = await Connection.connect({ address: house.temporalAddress });
  const client = new Client({
    connection,
    namespace: house.temporalNamespace,
    dataConverter: dataConverter(undefined),
  });
  const vault = openVault(Buffer.from(environment.PAYSAGA_MASTER_KEY ?? '', 'base64'));
  const merchants = openMerchants({ pool, vault });
  const { rows } = await pool.query<{ tenant_id: string }>('select tenant_id from merchants limit 1');
  const doors: Doors = {
    ...{ backend: new MerchantBackend(house), pool, client, merchants },
    publicUrl: environment.PUBLIC_URL ?? house.apiUrl,
  };
  const workers: NightWorkers = {
    ...{ pool, client, pids: house.pids, tenantId: rows[0]?.tenant_id ?? '' },
    taskQueue: environment.TEMPORAL_TASK_QUEUE ?? TASK_QUEUE,
    timing: { ...RECONCILIATION_TIMING, carryDays },
  };
  const close = async () => {
    await merchants.close();
    await connection.close();
    await pool.end();
  };
  return { doors, workers, close };
}
