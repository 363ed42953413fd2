import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import { createApiKey } from '../../database/api-keys.ts';
import { loadCredentials, upsertMerchant, upsertTenant } from '../../database/merchants.ts';
import { migrate } from '../../database/migrate.ts';
import { addOperator } from '../../database/operators.ts';
import { openPool } from '../../database/pool.ts';
import { openVault } from '../../database/secrets.ts';
import { COMBINED_PRODUCTS } from '../../domain/combined-payment.ts';
import { LATE_PAYMENT_STATUSES } from '../../domain/late-payment.ts';
import { isPaid, PAYMENT_STATUSES } from '../../domain/payment.ts';
import { PRODUCT_NAMES } from '../../domain/product.ts';
import { REFUND_STATUSES } from '../../domain/refund.ts';
import { enrolment } from '../../simulator/merchants/merchant.ts';
import { createDatabase } from '../servers.ts';

/** Brings the schema to where it was before a migration. */
async function migrateBefore(databaseUrl: string, migration: string): Promise<void> {
  const dir = fileURLToPath(new URL('../../database/migrations', import.meta.url));
  await runner({
    databaseUrl,
    dir,
    direction: 'up',
    migrationsTable: 'migrations',
    count: readdirSync(dir).filter((file) => file < migration).length,
    singleTransaction: false,
    log: () => {},
  });
}

/** What is part of a row which has the tenant, and is reached through it alone. */
const PARTS = [
  ...['bill_file_bytes', 'ledger_unproved', 'reconciliation_item_events', 'reconciliation_lines'],
  'statement_lines',
];

describe('database', () => {
  it('several processes may migrate at once; the second run changes nothing', async () => {
    const { url, drop } = await createDatabase({ migrated: false });
    try {
      const applied = await Promise.all([migrate(url), migrate(url), migrate(url)]);
      const files = readdirSync(new URL('../../database/migrations', import.meta.url));
      assert.deepEqual(applied.flat().sort(), files.map((file) => file.replace('.sql', '')).sort());
      assert.deepEqual(await migrate(url), []);
    } finally {
      await drop();
    }
  });

  it('a ledger from before its numbers gets them, and waits for its seals', async () => {
    const { url, drop } = await createDatabase({ migrated: false });
    const pool = openPool(url, { max: 2 });
    try {
      await migrateBefore(url, '0011');
      await pool.query(`
        insert into tenants (id, name) values ('ten_1', 'old');
        insert into merchants (id, tenant_id, mchid, appid, serial_no, sealed_private_key, sealed_api_v3_key, public_keys, api_base_url)
          values ('mch_1', 'ten_1', '1900000001', 'wx1', '1', '', '', '{}', 'http://127.0.0.1');
        insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status, transaction_id)
          values ('pay_1', 'ten_1', 'mch_1', 'T000001', 'NATIVE', 100, 'CNY', 'x', now(), 'PARTIALLY_REFUNDED', '4200000001');
        begin;
        insert into refunds (id, tenant_id, merchant_id, payment_id, amount, status)
          values ('ref_1', 'ten_1', 'mch_1', 'pay_1', 40, 'SUCCEEDED');
        insert into refund_attempts (tenant_id, merchant_id, refund_id, number, out_refund_no, wechat_refund_id, outcome, ended_at)
          values ('ten_1', 'mch_1', 'ref_1', 1, 'R1', '5030000001', 'SUCCEEDED', now());
        commit;
        insert into ledger_accounts (tenant_id, merchant_id, code, kind, currency)
          values ('ten_1', 'mch_1', 'wechat_receivable', 'asset', 'CNY'), ('ten_1', 'mch_1', 'sales', 'income', 'CNY');
        insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, refund_id, effective_at)
          values ('ten_1', 'mch_1', 'payment.paid', 'pay_1', 'pay_1', null, now()),
                 ('ten_1', 'mch_1', 'refund.succeeded', 'ref_1', 'pay_1', 'ref_1', now()),
                 ('ten_1', 'mch_1', 'payment.late', 'pay_1/4200000009', 'pay_1', null, now());
        insert into ledger_entries (transaction, account, tenant_id, side, amount)
          select t.sequence, a.id, 'ten_1', case a.code when 'sales' then 'credit' else 'debit' end, 1
            from ledger_transactions t cross join ledger_accounts a;`);
      await migrate(url);
      const { rows } = await pool.query(
        `select step, out_trade_no, transaction_id, out_refund_no, wechat_refund_id,
                exists (select 1 from ledger_unsealed u where u.transaction = t.sequence) waits
           from ledger_transactions t order by sequence`,
      );
      assert.deepEqual(
        rows.map((row) => Object.values(row)),
        [
          ['payment.paid', 'T000001', '4200000001', null, null, true],
          ['refund.succeeded', 'T000001', '4200000001', 'R1', '5030000001', true],
          ['payment.late', 'T000001', '4200000009', null, null, true],
        ],
      );
      await assert.rejects(pool.query("update ledger_transactions set out_trade_no = 'X'"), /append-only/);
    } finally {
      await pool.end();
      await drop();
    }
  });

  it('late money from before it was decided about waits for a person, with the transaction and the amount that came', async () => {
    const { url, drop } = await createDatabase({ migrated: false });
    const pool = openPool(url, { max: 2 });
    try {
      await migrateBefore(url, '0005');
      await pool.query(`
        insert into tenants (id, name) values ('ten_1', 'old');
        insert into merchants (id, tenant_id, mchid, appid, serial_no, sealed_private_key, sealed_api_v3_key, public_keys, api_base_url)
          values ('mch_1', 'ten_1', '1900000001', 'wx1', '1', '', '', '{}', 'http://127.0.0.1');
        insert into ledger_accounts (tenant_id, merchant_id, code, kind, currency)
          values ('ten_1', 'mch_1', 'wechat_receivable', 'asset', 'CNY'), ('ten_1', 'mch_1', 'late_money', 'liability', 'CNY');
        insert into payments (id, tenant_id, merchant_id, out_trade_no, product, amount, currency, description, time_expire, status, attention,
          attention_reason)
          values ('pay_1', 'ten_1', 'mch_1', 'T000001', 'NATIVE', 100, 'CNY', 'x', now(), 'CLOSED', 'needs_operator', 'late_money');
        insert into ledger_transactions (tenant_id, merchant_id, step, cause_id, payment_id, effective_at)
          values ('ten_1', 'mch_1', 'payment.late', 'pay_1/4200000009', 'pay_1', '2026-03-01T12:00:00+08:00');
        insert into ledger_entries (transaction, account, tenant_id, side, amount)
          select t.sequence, a.id, 'ten_1', case a.code when 'late_money' then 'credit' else 'debit' end, 100
            from ledger_transactions t cross join ledger_accounts a;`);
      await migrate(url);
      const { rows } = await pool.query(
        `select payment_id, transaction_id, amount, status, attention_reason, success_time = '2026-03-01T12:00:00+08:00' same,
                ensure_at <= now() due, id ~ '^late_[0-9a-f]{32}$' named from late_payments`,
      );
      assert.deepEqual(
        rows.map((row) => Object.values(row)),
        [['pay_1', '4200000009', 100, 'RECEIVED', 'undecided', true, true, true]],
      );
    } finally {
      await pool.end();
      await drop();
    }
  });

  it('every table carries its tenant, and the constraints are those of the life cycles and the products', async () => {
    const { url, drop } = await createDatabase({ migrated: true });
    const pool = openPool(url, { max: 2 });
    try {
      const { rows: bare } = await pool.query(
        `select table_name from information_schema.tables t where table_schema = 'public'
           and table_name not in ('tenants', 'migrations')
           and not exists (select 1 from information_schema.columns c
                           where c.table_name = t.table_name and c.column_name = 'tenant_id')`,
      );
      assert.deepEqual(bare.map(({ table_name: name }) => name).sort(), PARTS);
      for (const [constraint, statuses] of [
        ['payments_status_check', PAYMENT_STATUSES],
        ['refunds_status_check', REFUND_STATUSES],
        ['late_payments_status_check', LATE_PAYMENT_STATUSES],
        ['payments_product_check', PRODUCT_NAMES],
        [
          'combined_payments_status_check',
          PAYMENT_STATUSES.filter((status) => status === 'PAID' || !isPaid(status)),
        ],
        ['combined_payments_product_check', COMBINED_PRODUCTS],
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

  it('no secret of a merchant, and no key of a client or an operator, can be read in it', async () => {
    const { url, drop } = await createDatabase({ migrated: true });
    const pool = openPool(url, { max: 2 });
    try {
      const vault = openVault(randomBytes(32));
      const tenantId = await upsertTenant(pool, 'demo');
      const { merchant } = enrolment(1);
      const input = {
        mchid: merchant.mchid,
        appid: merchant.appid,
        serialNo: merchant.serialNo,
        privateKey: merchant.privateKeyPem,
        apiV3Key: merchant.apiV3Key,
        apiV2Key: merchant.apiV2Key,
        publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
        apiBaseUrl: 'http://127.0.0.1',
      };
      const { id } = await upsertMerchant(pool, vault, tenantId, input);
      const secrets = [
        ...[input.apiV3Key, input.apiV2Key, ...input.privateKey.trim().split('\n').slice(1, -1)],
        await createApiKey(pool, tenantId, 'shop'),
        (await addOperator(pool, tenantId, 'lin')) ?? '',
      ];
      const { rows: tables } = await pool.query<{ name: string }>(
        `select table_name name from information_schema.tables where table_schema = 'public'`,
      );
      for (const { name } of tables) {
        const { rows } = await pool.query(
          `select coalesce(json_agg(t)::text, '') everything from "${name}" t`,
        );
        for (const secret of secrets)
          for (const spelling of ['utf8', 'hex', 'base64'] as const)
            assert.ok(!rows[0].everything.includes(Buffer.from(secret).toString(spelling)), name);
      }
      const { privateKey, apiV3Key } = (await loadCredentials(pool, vault, id)) ?? {};
      assert.deepEqual(
        [privateKey, apiV3Key],
        [input.privateKey, input.apiV3Key],
        'they are there all the same',
      );
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
