import assert from 'node:assert/strict';
import { approve, listOpenApprovals, requestApproval, useApproval } from '../../database/approvals.ts';
import { upsertTenant } from '../../database/merchants.ts';
import { recordOperatorAction } from '../../database/operator-actions.ts';
import { addOperator, findOperator, type Operator, revokeOperator } from '../../database/operators.ts';
import { inTransaction, openPool, type Pool } from '../../database/pool.ts';
import { createDatabase } from '../servers.ts';

describe('what takes two people', () => {
  let pool: Pool;
  let drop: () => Promise<void>;
  let tenantId: string;
  let ana: Operator;
  let bo: Operator;
  before(async () => {
    const database = await createDatabase({ migrated: true });
    drop = database.drop;
    pool = openPool(database.url);
    tenantId = await upsertTenant(pool, 'demo');
    ana = await operator('ana');
    bo = await operator('bo');
  });
  after(async () => {
    await pool.end();
    await drop();
  });

  async function operator(name: string, tenant = tenantId): Promise<Operator> {
    const key = await addOperator(pool, tenant, name);
    const found = key && (await findOperator(pool, key));
    assert.ok(found, name);
    return found;
  }
  const WANTED = { action: 'resolve_as_closed', subjectId: 'pay_1' } as const;
  const ask = (by = ana) => requestApproval(pool, by, { ...WANTED, payload: {}, reason: 'seen on platform' });
  const use = (id: string, wanted: Parameters<typeof useApproval>[2] = { tenantId, ...WANTED }) =>
    inTransaction(pool, (db) => useApproval(db, id, wanted));

  it('is shown to others, approved by another person, and carried out once', async () => {
    const id = await ask();
    assert.deepEqual(
      (await listOpenApprovals(pool, tenantId)).map((open) => [open.id, open.requestedBy, open.approvedBy]),
      [[id, 'ana', null]],
    );
    assert.equal(await use(id), 'not_approved');
    assert.equal(await approve(pool, ana, id), 'same_person');
    assert.equal(await use(id), 'not_approved', 'a refused approval is none');
    const approved = await approve(pool, bo, id);
    assert.ok(typeof approved === 'object');
    assert.equal(approved.approvedBy, 'bo');
    const uses = await Promise.all([use(id), use(id), use(id)]);
    assert.equal(uses.filter((used) => typeof used === 'object').length, 1);
    assert.equal(uses.filter((used) => used === 'used').length, 2);
    assert.equal(await approve(pool, bo, id), 'used');
    assert.deepEqual(await listOpenApprovals(pool, tenantId), []);
  });

  it('holds for what was asked for, and nothing else', async () => {
    const id = await ask();
    await approve(pool, bo, id);
    assert.equal(await use(id, { tenantId, action: 'resolve_as_closed', subjectId: 'pay_2' }), 'unknown');
    assert.equal(await use('apr_forged'), 'unknown');
    const elsewhere = await upsertTenant(pool, 'elsewhere');
    assert.equal(await use(id, { ...WANTED, tenantId: elsewhere }), 'unknown');
    assert.equal(await approve(pool, await operator('eve', elsewhere), await ask()), 'unknown');
    for (const change of [
      `payload = '{"amount": 1}'`,
      `subject_id = 'pay_2'`,
      `requested_by = approved_by`,
    ]) {
      await assert.rejects(
        pool.query(`update approvals set ${change} where id = $1`, [id]),
        /stays as it is/,
        change,
      );
    }
    await assert.rejects(pool.query('delete from approvals'), /stays as it is/);
    await assert.rejects(pool.query('truncate approvals cascade'), /stays/);
  });

  it('expires after a day, approved or not', async () => {
    const late = async (approver?: Operator) => {
      const id = await requestApproval(pool, ana, { ...WANTED, payload: {}, reason: 'late' });
      if (approver) await approve(pool, approver, id);
      // No time machine reaches a row that never changes, except its owner's.
      await pool.query('alter table approvals disable trigger approval_is_final');
      await pool.query(`update approvals set expires_at = expires_at - interval '24 hours' where id = $1`, [
        id,
      ]);
      await pool.query('alter table approvals enable trigger approval_is_final');
      return id;
    };
    const id = await late();
    assert.equal(await approve(pool, bo, id), 'expired');
    assert.equal(await use(await late(bo)), 'expired');
  });

  it('needs two who may still act', async () => {
    const cy = await operator('cy');
    const id = await ask(cy);
    await approve(pool, bo, id);
    assert.ok(await revokeOperator(pool, tenantId, 'cy'));
    assert.equal(await use(id), 'operator_revoked');
    assert.equal(await addOperator(pool, tenantId, 'bo'), undefined, 'a name in use has one key');
    assert.equal((await operator('cy')).id, cy.id, 'a name means one person for ever');
  });

  it('stays on record, whoever asks to change it', async () => {
    const { rows } = await pool.query(`select 1 from operator_actions`);
    assert.deepEqual(rows, []);
    const record = (updateKey: string) =>
      recordOperatorAction(pool, {
        tenantId,
        latePaymentId: 'late_1',
        action: 'recheck',
        actor: 'ana',
        reason: 'mended',
        result: 'asked',
        updateKey,
      });
    const id = await record('workflow/1');
    assert.equal(await record('workflow/1'), id, 'a repeat is the same action');
    assert.notEqual(await record('workflow/2'), id);
    for (const change of [
      `update operator_actions set actor = 'bo'`,
      'delete from operator_actions',
      'truncate operator_actions',
    ]) {
      await assert.rejects(pool.query(change), /stays on record/, change);
    }
  });
});
