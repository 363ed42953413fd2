import assert from 'node:assert/strict';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listMerchants, upsertTenant } from '../../database/merchants.ts';
import { openPool } from '../../database/pool.ts';
import { startSimulator } from '../../simulator/index.ts';
import { paysagaCommand } from '../command.ts';
import { createDatabase } from '../servers.ts';

const SUB_MERCHANT = { mchid: '1900031111', appid: 'wx0123456789abcdef' };

const OTHER_APPID = 'wx0123456789abcdee';

describe('paysaga merchant', () => {
  it('enrols a service provider by its role, keeps role and policies when only credentials are replaced, and knows no other', async function () {
    this.timeout(120_000);
    const { url, drop } = await createDatabase({ migrated: true });
    const folder = await mkdtemp(join(tmpdir(), 'paysaga-credentials-'));
    const simulator = await startSimulator({
      credentialsDir: folder,
      scenario: {
        merchants: [
          { mchid: '1900020000', other_appids: [OTHER_APPID], sub_merchants: [SUB_MERCHANT] },
          { mchid: '1900040000', region: 'overseas' },
        ],
      },
    });
    const pool = openPool(url, { max: 1 });
    const upsert = (...options: string[]) => merchant('upsert', '--tenant', 'demo', ...options);
    const merchant = (...options: string[]) =>
      paysagaCommand(['merchant', ...options], {
        DATABASE_URL: url,
        PAYSAGA_MASTER_KEY: Buffer.alloc(32, 7).toString('base64'),
      });
    try {
      const provider = join(folder, '1900020000');
      const enrolled = await upsert('--credentials', provider, '--role', 'partner');
      assert.equal(enrolled.code, 0, enrolled.said);
      assert.match(enrolled.said, /^mch_[0-9a-f]{32}$/m);
      assert.equal((await upsert('--credentials', provider)).code, 0);
      assert.equal((await upsert('--credentials', folder)).code, 0);
      const overseas = ['--credentials', join(folder, '1900040000'), '--region', 'overseas'];
      assert.equal((await upsert(...overseas)).code, 0);
      const merchants = await listMerchants(pool, await upsertTenant(pool, 'demo'));
      assert.deepEqual(
        merchants.map(({ mchid, role, region, version, speaksV2, otherAppids }) => [
          ...[mchid, role, region, version],
          ...[speaksV2, otherAppids.map(({ appid }) => appid)],
        ]),
        [
          ['1900020000', 'partner', 'mainland', 2, true, [OTHER_APPID]],
          [simulator.merchant.mchid, 'merchant', 'mainland', 1, true, []],
          ['1900040000', 'merchant', 'overseas', 1, true, []],
        ],
      );
      const { mchid } = simulator.merchant;
      assert.equal(
        (await merchant('policy', mchid)).said,
        'late payments: refund\nduplicate payments: refund\n',
      );
      const accept = await merchant('policy', mchid, '--late-payment', 'accept');
      assert.equal(accept.said, 'late payments: accept\nduplicate payments: refund\n');
      const keep = await merchant('policy', mchid, '--duplicate-payment', 'keep');
      assert.equal(keep.said, 'late payments: accept\nduplicate payments: keep\n');
      // Credentials that are replaced leave them alone, and another merchant has its own.
      await upsert('--credentials', folder);
      assert.equal((await merchant('policy', mchid)).said, keep.said);
      assert.match((await merchant('policy', '1900020000')).said, /late payments: refund/);
      const wrong = await merchant('policy', mchid, '--late-payment', 'keep');
      assert.notEqual(wrong.code, 0);
      assert.match(wrong.said, /refund, accept/);
      const nobody = await merchant('policy', '1999999999');
      assert.equal(nobody.code, 1);
      assert.match(nobody.said, /there is no merchant with the mchid 1999999999/);

      // Without the certificate v2 is over; with somebody else's nothing is stored.
      await rm(join(folder, 'apiclient_cert.pem'));
      assert.equal((await upsert('--credentials', folder)).code, 0);
      await cp(join(provider, 'apiclient_cert.pem'), join(folder, 'apiclient_cert.pem'));
      const mismatch = await upsert('--credentials', folder);
      assert.notEqual(mismatch.code, 0);
      assert.match(mismatch.said, /clientCertificate must have/);
      assert.deepEqual(
        merchants.map(({ speaksV2 }) => speaksV2),
        [true, true, true],
      );
      const own = (await listMerchants(pool, await upsertTenant(pool, 'demo')))[1];
      assert.deepEqual([own?.version, own?.speaksV2], [3, false]);
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
