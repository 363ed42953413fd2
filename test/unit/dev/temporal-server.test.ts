import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { isAlive } from '../../../dev/process-table.ts';
import { startTemporalServer, temporalServerOrExisting } from '../../../dev/temporal-server.ts';

describe('Temporal dev server', function () {
  // The first run on a machine may have to download or build it.
  this.timeout(600_000);

  it('it keeps its database file, its search attributes and closed workflows for a month', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'paysaga-temporal-server-'));
    const options = { dbFile: join(folder, 'temporal.db') };
    try {
      const first = await startTemporalServer({ ...options, searchAttributes: ['PaymentStatus'] });
      await first.stop();
      assert.ok(!isAlive(first.pid ?? 0));

      const second = await startTemporalServer({
        ...options,
        searchAttributes: ['PaymentStatus', 'OutTradeNo'],
      });
      const connection = await Connection.connect({ address: second.address });
      try {
        const namespace = second.namespace;
        const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
        assert.deepEqual(Object.keys(customAttributes).sort(), ['OutTradeNo', 'PaymentStatus']);
        const { config } = await connection.workflowService.describeNamespace({ namespace });
        assert.equal(Number(config?.workflowExecutionRetentionTtl?.seconds), 30 * 86_400);
      } finally {
        await connection.close();
        await second.stop();
      }
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('a server that runs already is used and taught the search attributes, never stopped', async () => {
    const server = await startTemporalServer();
    try {
      const existing = await temporalServerOrExisting({
        env: { TEMPORAL_ADDRESS: server.address },
        searchAttributes: ['MerchantId'],
      });
      assert.equal(existing.address, server.address);
      assert.equal(existing.pid, undefined);
      await existing.stop();
      assert.ok(isAlive(server.pid ?? 0));
    } finally {
      await server.stop();
    }
  });
});
