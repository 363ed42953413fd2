import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { PAYSAGA } from '../../../dev/paysaga-command.ts';
import { isAlive } from '../../../dev/process-table.ts';
import { type PORTS, startStack } from '../../../dev/stack.ts';

const ANY_PORTS = {
  api: 0,
  checkout: 0,
  temporal: 0,
  temporalUi: 0,
  codecServer: 0,
  simulator: 0,
  postgres: 0,
} satisfies typeof PORTS;

interface Described {
  executionConfig: { userMetadata: { summary: object } };
}

describe('development stack', function () {
  this.timeout(600_000);
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'paysaga-stack-test-'));
    chmodSync(folder, 0o711);
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it('it takes a payment, keeps it over a restart, and leaves no process behind', async () => {
    const options = { dir: join(folder, '.paysaga'), ports: ANY_PORTS, durable: false };
    const first = await startStack(options);
    const firstPids = first.pids().map(({ pid }) => pid);
    let id: string;
    try {
      assert.deepEqual(
        first.pids().map(({ name }) => name),
        ['postgres', 'temporal', 'simulator', 'worker', 'api'],
      );
      const response = await fetch(`${first.apiUrl}/v1/payments`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${first.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': 'stack-test-0001',
        },
        body: JSON.stringify({ description: 'A cup of tea', amount: { total: 2590, currency: 'CNY' } }),
      });
      const payment = (await response.json()) as { id: string; code_url: string };
      assert.match(payment.code_url, /^weixin:\/\//);
      id = payment.id;
      const environment = `--env-file=${join(options.dir, 'cli.env')}`;
      const command = [environment, ...PAYSAGA, 'payment', 'list'];
      const { stdout } = await promisify(execFile)(process.execPath, command);
      assert.match(stdout, new RegExp(`^${id} `, 'm'), 'the command line works on what npm start runs');
    } finally {
      await first.stop();
    }
    assert.deepEqual(firstPids.filter(isAlive), []);

    // The second time everything that Temporal stores is encrypted.
    process.env.PAYSAGA_CODEC_KEYS = `k1:${Buffer.alloc(32, 1).toString('base64')}`;
    const second = await startStack(options);
    try {
      assert.equal(second.apiKey, first.apiKey);
      const response = await fetch(`${second.apiUrl}/v1/payments/${id}`, {
        headers: { authorization: `Bearer ${second.apiKey}` },
      });
      assert.equal(response.status, 200);

      assert.ok(second.pids().some(({ name }) => name === 'codec-server'));
      const settings = await fetch(`${second.temporalUiUrl}/api/v1/settings`).then((answer) => answer.json());
      assert.equal((settings as { Codec: { Endpoint: string } }).Codec.Endpoint, second.codecServerUrl);
      const created = await fetch(`${second.apiUrl}/v1/payments`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${second.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': 'stack-test-0002',
        },
        body: JSON.stringify({ description: 'A cup of tea', amount: { total: 2590, currency: 'CNY' } }),
      });
      assert.equal(created.status, 201);
      const { out_trade_no } = (await created.json()) as { out_trade_no: string };
      // As the UI does it: what Temporal has, through the codec server.
      const { mchid } = JSON.parse(readFileSync(join(second.credentialsDir, 'merchant.json'), 'utf8'));
      const workflowId = encodeURIComponent(`payment/${mchid}/${out_trade_no}`);
      const described = await fetch(
        `${second.temporalUiUrl}/api/v1/namespaces/default/workflows/${workflowId}`,
      );
      const { executionConfig } = (await described.json()) as Described;
      const decoded = await fetch(`${second.codecServerUrl}/decode`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', origin: String(second.temporalUiUrl) },
        body: JSON.stringify({ payloads: [executionConfig.userMetadata.summary] }),
      });
      const { payloads } = (await decoded.json()) as { payloads: { data: string }[] };
      assert.match(Buffer.from(payloads[0]?.data ?? '', 'base64').toString(), /¥25\.90/);
    } finally {
      delete process.env.PAYSAGA_CODEC_KEYS;
      await second.stop();
    }
  });

  it('a start that is given up cleans up', async () => {
    const abort = new AbortController();
    const starting = startStack({
      dir: join(folder, '.paysaga'),
      ports: ANY_PORTS,
      durable: false,
      signal: abort.signal,
      say: () => abort.abort(new Error('changed my mind')),
    });
    await assert.rejects(starting, /changed my mind/);
    assert.ok(!existsSync(join(folder, '.paysaga', 'lock')));
    assert.ok(!existsSync(join(folder, '.paysaga', 'stack.json')));
    assert.ok(!existsSync(join(folder, '.paysaga', 'postgres', 'data', 'postmaster.pid')));
  });
});
