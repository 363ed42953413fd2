import assert from 'node:assert/strict';
import { listEvents, listEventTypes } from '../../database/events.ts';
import { balances } from '../../database/ledger.ts';
import { eventually } from '../eventually.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import {
  booksSince,
  decide,
  latePayments,
  otherTransaction,
  untilLate,
  untilUndecided,
} from '../late-money.ts';
import { notify, success } from '../notification.ts';
import { fault } from '../replay/path.ts';

/** Money that is not what was ordered settles nothing, and a person sees both sides. */
describe('a paid order that is not the payment’s', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 60_000 },
      // Late money: its workflows are named by the gateway's transaction_id, which a seed repeats, and Temporal is that of all tests.
      simulator: { seed: 51 },
    });
  });
  after(() => paysaga.stop());

  const pay = ({ out_trade_no }: { out_trade_no: string }) =>
    paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});
  const untilShown = async ({ id }: { id: string }): Promise<Answer['body']> =>
    await eventually(`${id} is shown to an operator`, async () => {
      const { body } = await paysaga.call('GET', `/v1/payments/${id}`);
      return body.attention === 'needs_operator' && body;
    });
  const workflowOf = ({ out_trade_no }: { out_trade_no: string }) =>
    paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${out_trade_no}`);
  const changed = async (column: 'amount' | 'appid', value: number | string) => {
    const { body } = await paysaga.createPayment();
    await paysaga.pool.query(`update payments set ${column} = $2 where id = $1`, [body.id, value]);
    return body;
  };

  for (const [field, value, theirs] of [
    ['amount', 2600, 2590],
    ['appid', 'wx0000000000000000', undefined],
  ] as const) {
    it(`in its ${field}: nothing is settled, and both sides are in the API, the event and the Temporal UI`, async () => {
      const before = await balances(paysaga.pool, paysaga.merchantId);
      const payment = await changed(field, value);
      await pay(payment);
      const shown = await untilShown(payment);
      assert.equal(shown.status, 'PENDING');
      assert.equal(shown.attention_reason, `${field}_differs`);
      const { wechat_pay, paysaga: ours } = shown.attention_details;
      assert.equal(wechat_pay[field], theirs ?? paysaga.simulator.merchant.appid);
      assert.equal(ours[field], value);
      const { transaction_id } = (await paysaga.control('GET', `/orders/${payment.out_trade_no}`)).body;
      assert.equal(wechat_pay.transaction_id, transaction_id);
      assert.equal(ours.transaction_id, null);
      assert.equal(wechat_pay.out_trade_no, ours.out_trade_no);
      const kept = JSON.stringify(shown.attention_details);
      assert.ok(!/openid|payer/.test(kept), `nothing private: ${kept}`);

      const types = await listEventTypes(paysaga.pool, payment.id);
      assert.deepEqual(types, ['payment.created', 'payment.pending', 'payment.needs_operator']);
      assert.deepEqual(await booksSince(paysaga, before), {});
      await eventually('the Temporal UI shows both sides', async () => {
        const { currentDetails } = await workflowOf(payment).query<{ currentDetails: string }>(
          '__temporal_workflow_metadata',
        );
        const said = (side: Answer['body']) => `"${field}":${JSON.stringify(side[field])}`;
        return currentDetails.includes(said(wechat_pay)) && currentDetails.includes(said(ours));
      });
    });
  }

  it('and that was mended is settled by a recheck, and shows no sides any more', async () => {
    const payment = await changed('amount', 2600);
    await pay(payment);
    await untilShown(payment);
    await paysaga.pool.query('update payments set amount = 2590 where id = $1', [payment.id]);
    await eventually('the recheck is taken', async () => {
      const request = { actor: 'lin', reason: 'the import was wrong' };
      return await workflowOf(payment)
        .executeUpdate('recheck', { args: [request] })
        .then(
          () => true,
          () => false,
        );
    });
    const paid = await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    assert.equal(paid.attention_details, null);
    assert.equal(paid.attention, 'none');
  });

  describe('and that it was paid by', () => {
    /** A paid payment of which WeChat Pay says another appid afterwards. */
    const corrected = async () => {
      const { body } = await paysaga.createPayment();
      await pay(body);
      const { transaction_id } = await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
      const appid = (value: string) =>
        paysaga.pool.query('update payments set appid = $2 where id = $1', [body.id, value]);
      await appid('wx0000000000000000');
      await notify(paysaga, success(paysaga, body.out_trade_no, { transaction_id }));
      assert.equal((await untilShown(body)).attention_reason, 'appid_differs');
      await appid(body.appid);
      return body;
    };
    const secondTransaction = async ({ id, out_trade_no }: Answer['body']) => {
      const transaction_id = await otherTransaction(paysaga);
      await notify(paysaga, success(paysaga, out_trade_no, { transaction_id }));
      const [late] = await latePayments(paysaga, id);
      return late;
    };
    const shown = async (id: string) => (await paysaga.call('GET', `/v1/payments/${id}`)).body;
    const acknowledge = (id: string, reason = 'the support has corrected it') =>
      paysaga.call('POST', `/v1/payments/${id}/acknowledge`, { reason });

    it('stays shown, whatever becomes of refunds and other money, until somebody acknowledges it', async () => {
      const payment = await corrected();
      await untilLate(paysaga, await secondTransaction(payment), 'REFUNDED');
      await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, { amount: { refund: 90 } });
      await paysaga.until(`/v1/payments/${payment.id}`, 'PARTIALLY_REFUNDED');
      const { attention_reason, attention_details } = await shown(payment.id);
      assert.equal(attention_reason, 'appid_differs');
      assert.ok(attention_details);

      const { status, body } = await acknowledge(payment.id);
      assert.deepEqual([status, body.attention, body.attention_details], [200, 'none', null]);
      const { rows } = await paysaga.pool.query(
        'select id, action, actor, reason, result from operator_actions where payment_id = $1',
        [payment.id],
      );
      const [{ id, actor, ...done }, ...more] = rows;
      assert.deepEqual(more, []);
      assert.match(actor, /^key_/);
      assert.deepEqual(done, {
        action: 'acknowledge',
        reason: 'the support has corrected it',
        result: 'appid_differs',
      });
      const events = await listEvents(paysaga.pool, payment.id);
      assert.deepEqual(events.at(-1)?.data, {
        attention: 'none',
        reason: 'appid_differs',
        operator_action: id,
      });
      const again = await acknowledge(payment.id);
      assert.deepEqual([again.status, again.body.version], [200, body.version], 'whose answer was lost');
      assert.equal((await listEvents(paysaga.pool, payment.id)).length, events.length);
      const another = await acknowledge(payment.id, 'once more');
      assert.deepEqual([another.status, another.body.code], [409, 'payment_not_acknowledgeable']);
    });

    it('hides no late money: that is shown after it, and is decided', async () => {
      const payment = await corrected();
      await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
      const late = await untilUndecided(paysaga, await secondTransaction(payment));
      assert.equal((await shown(payment.id)).attention_reason, 'appid_differs');
      assert.equal((await acknowledge(payment.id)).body.attention_reason, 'late_money');
      assert.equal((await acknowledge(payment.id)).status, 409);
      const partly = { amount: { refund: 90 } };
      await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, partly);
      const { attention_reason } = await paysaga.until(`/v1/payments/${payment.id}`, 'PARTIALLY_REFUNDED');
      assert.equal(attention_reason, 'late_money', 'a refund of the sale is another thing');
      await decide(paysaga, late, { decision: 'refund', actor: 'lin', reason: 'the card works again' });
      await untilLate(paysaga, late, 'REFUNDED');
      assert.equal((await shown(payment.id)).attention, 'none');
      assert.equal(
        (await listEvents(paysaga.pool, payment.id)).filter(
          ({ type }) => type === 'payment.attention_cleared',
        ).length,
        2,
      );
    });
  });

  it('an open payment is not acknowledged: it waits for a decision', async () => {
    const payment = await changed('amount', 2600);
    await pay(payment);
    await untilShown(payment);
    const refused = await paysaga.call('POST', `/v1/payments/${payment.id}/acknowledge`, { reason: 'seen' });
    assert.deepEqual([refused.status, refused.body.code], [409, 'payment_not_acknowledgeable']);
    assert.equal((await untilShown(payment)).attention_reason, 'amount_differs');
  });

  it('an order of nobody is acknowledged, kept, and found by its operator, page by page, without who has paid', async () => {
    for (const number of ['NOBODY0001', 'NOBODY0002', 'NOBODY0003']) {
      const order = success(paysaga, number, { amount: { total: 7, currency: 'CNY' } });
      assert.equal((await notify(paysaga, order)).status, 204);
    }
    const list = async (query: string) => (await paysaga.call('GET', `/v1/notifications${query}`)).body;
    const first = await list('?verdict=unmatched&limit=2');
    assert.deepEqual(
      first.data.map((entry: Answer['body']) => entry.out_trade_no),
      ['NOBODY0003', 'NOBODY0002'],
    );
    assert.equal(first.has_more, true);
    const [, last] = first.data;
    const second = await list(`?limit=2&starting_after=${last.id}`);
    assert.deepEqual([second.data.length, second.has_more], [1, false]);
    const [found] = second.data;
    assert.equal(found.out_trade_no, 'NOBODY0001');
    assert.equal(found.merchant_id, paysaga.merchantId);
    assert.match(found.transaction_id, /^4200/);
    assert.deepEqual(found.amount, { total: 7, refund: null, currency: 'CNY' });
    assert.ok(!/openid|oA1b/.test(JSON.stringify(found)));
  });

  it('refuses to list notifications of another verdict, and strangers', async () => {
    const refused = await paysaga.call('GET', '/v1/notifications?verdict=forged');
    assert.equal(refused.body.errors[0].pointer, '/verdict');
    const stranger = await paysaga.call('GET', '/v1/notifications', undefined, {
      authorization: 'Bearer sk_no',
    });
    assert.equal(stranger.status, 401);
    assert.equal((await paysaga.call('POST', '/v1/notifications', {})).status, 405);
  });
});
