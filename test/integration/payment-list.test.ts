import assert from 'node:assert/strict';
import { createApiKey } from '../../database/api-keys.ts';
import { upsertTenant } from '../../database/merchants.ts';
import { requestAttention } from '../../database/payment-changes.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

describe('GET /v1/payments', () => {
  let paysaga: Paysaga;
  /** Newest first. */
  const ids: string[] = [];
  before(async () => {
    paysaga = await startPaysaga();
    for (let n = 0; n < 7; n += 1) ids.unshift((await paysaga.createPayment()).body.id);
    // Two in the same instant: the cursor still tells them apart.
    await paysaga.pool.query(
      'update payments set created_at = (select created_at from payments where id = $2) where id = $1',
      [ids[2], ids[3]],
    );
    ids.splice(2, 2, ...[String(ids[2]), String(ids[3])].sort().reverse());
  });
  after(() => paysaga.stop());

  const list = (query = '') => paysaga.call('GET', `/v1/payments${query}`);
  const idsOf = ({ body }: Awaited<ReturnType<typeof list>>): string[] =>
    body.data.map(({ id }: { id: string }) => id);

  it('shows the newest first, as they are shown one by one, without what is signed for the front end', async () => {
    const answer = await list();
    assert.equal(answer.status, 200);
    assert.equal(answer.body.object, 'list');
    assert.equal(answer.body.has_more, false);
    assert.deepEqual(idsOf(answer), ids);
    const { code_url, h5_url, invocation, prepay_expires_at, ...one } = (
      await paysaga.call('GET', `/v1/payments/${ids[0]}`)
    ).body;
    assert.deepEqual(answer.body.data[0], one);
    assert.ok(code_url && prepay_expires_at && h5_url === null && invocation === null);
  });

  it('goes through all of them, forward and back, without a gap or a repeat', async () => {
    const forward: string[] = [];
    for (let after = '', more = true; more; after = `&starting_after=${forward.at(-1)}`) {
      const answer = await list(`?limit=2${after}`);
      forward.push(...idsOf(answer));
      more = answer.body.has_more;
      assert.equal(more, forward.length < ids.length);
      // What comes while somebody reads is before the cursor.
      if (forward.length === 2) await paysaga.createPayment();
    }
    assert.deepEqual(forward, ids);
    const back = await list(`?limit=3&ending_before=${ids[5]}`);
    assert.deepEqual(idsOf(back), ids.slice(2, 5));
    assert.equal(back.body.has_more, true);
    const exactly = await list(`?limit=3&starting_after=${ids[3]}`);
    assert.deepEqual([idsOf(exactly), exactly.body.has_more], [ids.slice(4), false]);
  });

  it('shows those that need an operator, or have a status', async () => {
    assert.deepEqual(idsOf(await list('?attention=needs_operator')), []);
    await requestAttention(paysaga.pool, String(ids[4]), 'close_unresolved');
    const answer = await list('?attention=needs_operator&status=PENDING');
    assert.deepEqual(idsOf(answer), [ids[4]]);
    assert.equal(answer.body.data[0].attention_reason, 'close_unresolved');
    assert.deepEqual(idsOf(await list('?attention=needs_operator&status=PAID')), []);
    assert.ok(!idsOf(await list('?attention=none')).includes(String(ids[4])));
  });

  it('shows nobody else’s', async () => {
    const key = await createApiKey(paysaga.pool, await upsertTenant(paysaga.pool, 'other'), 'test');
    const authorization = { authorization: `Bearer ${key}` };
    const answer = await paysaga.call('GET', '/v1/payments', undefined, authorization);
    assert.deepEqual(answer.body, { object: 'list', data: [], has_more: false });
    const cursor = await paysaga.call(
      'GET',
      `/v1/payments?starting_after=${ids[0]}`,
      undefined,
      authorization,
    );
    assert.equal(cursor.status, 422, 'nor does a cursor tell that it exists');
  });

  it('refuses what it does not understand, and says which', async () => {
    for (const [query, parameter] of [
      ['limit=0', 'limit'],
      ['limit=101', 'limit'],
      ['limit=ten', 'limit'],
      ['limit=1&limit=2', 'limit'],
      ['attention=urgent', 'attention'],
      ['status=paid', 'status'],
      ['page=2', 'page'],
      ['starting_after=pay_none', 'starting_after'],
      ['starting_after=%00', 'starting_after'],
      [`starting_after=${ids[0]}&ending_before=${ids[1]}`, 'ending_before'],
    ]) {
      const { status, body } = await list(`?${query}`);
      assert.equal(status, 422, query);
      assert.deepEqual(
        body.errors.map(({ pointer }: { pointer: string }) => pointer),
        [`/${parameter}`],
        query,
      );
    }
  });
});
