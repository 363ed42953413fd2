import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { migrate } from '../../database/migrate.ts';
import { openPool } from '../../database/pool.ts';
import { openVault } from '../../database/secrets.ts';
import { PAYMENT_STATUSES } from '../../domain/payment.ts';
import { PRODUCT_NAMES } from '../../domain/product.ts';
import { REFUND_STATUSES } from '../../domain/refund.ts';
import { createDatabase } from '../servers.ts';

describe('database', () => {
  it('several processes may migrate at once; the second run changes nothing', async () => {
    const { url, drop } = await createDatabase();
    try {
      const applied = await Promise.all([migrate(url), migrate(url), migrate(url)]);
      assert.equal(applied.flat().length, 4);
      assert.deepEqual(await migrate(url), []);
    } finally {
      await drop();
    }
  });

  it('every table carries its tenant, and the constraints are those of the life cycles and the products', async () => {
    const { url, drop } = await createDatabase();
    const pool = openPool(url, { max: 2 });
    try {
      await migrate(url);
      const { rows: bare } = await pool.query(
        `select table_name from information_schema.tables t where table_schema = 'public'
           and table_name not in ('tenants', 'migrations')
           and not exists (select 1 from information_schema.columns c
                           where c.table_name = t.table_name and c.column_name = 'tenant_id')`,
      );
      assert.deepEqual(bare, []);
      for (const [constraint, statuses] of [
        ['payments_status_check', PAYMENT_STATUSES],
        ['refunds_status_check', REFUND_STATUSES],
        ['payments_product_check', PRODUCT_NAMES],
      ] as const) {
        const { rows } = await pool.query(
          'select pg_get_constraintdef(oid) def from pg_constraint where conname = $1',
          [constraint],
        );
        const allowed = [...rows[0].def.matchAll(/'([A-Z_0-9]+)'/g)].map((match) => match[1]);
        assert.deepEqual(allowed.sort(), [...statuses].sort());
      }
    } finally {
      await pool.end();
      await drop();
    }
  });

  it('a sealed secret opens only with its master key and in its place', () => {
    const vault = openVault(randomBytes(32));
    const sealed = vault.seal('secret', 'a/private_key');
    assert.equal(vault.open(sealed, 'a/private_key'), 'secret');
    assert.ok(!sealed.includes('secret'));
    assert.throws(() => vault.open(sealed, 'b/private_key'), /PAYSAGA_MASTER_KEY/);
    assert.throws(() => openVault(randomBytes(32)).open(sealed, 'a/private_key'), /PAYSAGA_MASTER_KEY/);
    assert.throws(() => openVault(Buffer.alloc(16)), /32 bytes/);
  });
});
