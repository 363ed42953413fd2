import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listMerchants, upsertTenant } from '../../database/merchants.ts';
import { migrate } from '../../database/migrate.ts';
import { openPool } from '../../database/pool.ts';
import { startSimulator } from '../../simulator/index.ts';
import { createDatabase } from '../servers.ts';

const SUB_MERCHANT = { mchid: '1900031111', appid: 'wx0123456789abcdef' };

describe('paysaga merchant upsert', () => {
  it('enrols a service provider by its role, keeps the role when only credentials are replaced, and knows no other', async () => {
    const { url, drop } = await createDatabase();
    const folder = await mkdtemp(join(tmpdir(), 'paysaga-credentials-'));
    const simulator = await startSimulator({
      credentialsDir: folder,
      scenario: { merchants: [{ mchid: '1900020000', sub_merchants: [SUB_MERCHANT] }] },
    });
    const pool = openPool(url, { max: 1 });
    const upsert = async (...options: string[]) => {
      const child = spawn(
        process.execPath,
        ['--import=tsx', 'cli/paysaga.ts', 'merchant', 'upsert', '--tenant', 'demo', ...options],
        {
          env: {
            ...process.env,
            DATABASE_URL: url,
            PAYSAGA_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
          },
          stdio: ['ignore', 'pipe', 'pipe'],
        },
      );
      let said = '';
      child.stdout.on('data', (chunk) => {
        said += chunk;
      });
      child.stderr.on('data', (chunk) => {
        said += chunk;
      });
      const [code] = await once(child, 'close');
      return { code, said };
    };
    try {
      await migrate(url);
      const provider = join(folder, '1900020000');
      const enrolled = await upsert('--credentials', provider, '--role', 'partner');
      assert.equal(enrolled.code, 0, enrolled.said);
      assert.match(enrolled.said, /^mch_[0-9a-f]{32}$/m);
      assert.equal((await upsert('--credentials', provider)).code, 0);
      assert.equal((await upsert('--credentials', folder)).code, 0);
      const merchants = await listMerchants(pool, await upsertTenant(pool, 'demo'));
      assert.deepEqual(
        merchants.map(({ mchid, role, version, speaksV2 }) => [mchid, role, version, speaksV2]),
        [
          ['1900020000', 'partner', 2, true],
          [simulator.merchant.mchid, 'merchant', 1, true],
        ],
      );
      // Without the certificate v2 is over; with somebody else's nothing is stored.
      await rm(join(folder, 'apiclient_cert.pem'));
      assert.equal((await upsert('--credentials', folder)).code, 0);
      await cp(join(provider, 'apiclient_cert.pem'), join(folder, 'apiclient_cert.pem'));
      const mismatch = await upsert('--credentials', folder);
      assert.notEqual(mismatch.code, 0);
      assert.match(mismatch.said, /clientCertificate must have/);
      const own = (await listMerchants(pool, await upsertTenant(pool, 'demo')))[1];
      assert.deepEqual([own?.version, own?.speaksV2], [2, false]);
      const refused = await upsert('--credentials', folder, '--role', 'bank');
      assert.notEqual(refused.code, 0);
      assert.match(refused.said, /merchant, partner/);
    } finally {
      await pool.end();
      await simulator.close();
      await drop();
      await rm(folder, { recursive: true });
    }
  });
});
