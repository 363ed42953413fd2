import assert from 'node:assert/strict';
import { listEventTypes } from '../../database/events.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { PASSWORD_FEN, TILLS, type Till } from '../till.ts';

/** So long a charge is not reversed. */
const EARLIEST_MS = 400;

/** What becomes of the answer to a reversal. */
const LOST = {
  CODEPAY: [
    { kind: 'timeout_before' },
    { kind: 'timeout_after' },
    { kind: 'error_500' },
    { kind: 'error_500', processed: true },
    { kind: 'rate_limited_429' },
  ],
  // The error says recall=Y: to be called again.
  MICROPAY: [
    { kind: 'timeout_before' },
    { kind: 'timeout_after' },
    { kind: 'refused', code: 'USERPAYING' },
    { kind: 'refused', code: 'SYSTEMERROR', processed: true },
  ],
  FACEPAY: [{ kind: 'timeout_after' }, { kind: 'refused', code: 'BANKERROR' }],
} as const;

/** What was charged is taken back, and only the gateway's own word ends it. */
describe('reversals', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: {
        notifyWaitMs: 200,
        pollGapsMs: [200],
        reversal: { earliestMs: EARLIEST_MS, codeLivesMs: 1_500, settlesMs: 3_000 },
      },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = async (rule: object) => {
    const { status, body } = await paysaga.control('POST', '/faults', rule);
    assert.equal(status, 200, JSON.stringify(body));
  };
  /** The customer types a password: nothing is decided. */
  const typing = async ({ product, fields }: Till): Promise<Answer['body']> => {
    const total = PASSWORD_FEN;
    const { status, body } = await paysaga.createPayment({ product, ...fields, amount: { total } });
    assert.equal(status, 202, JSON.stringify(body));
    return body;
  };
  const until = (id: string, ...statuses: string[]) => paysaga.until(`/v1/payments/${id}`, ...statuses);
  const close = (id: string) => paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'walked away' });
  const state = async (number: string) =>
    (await paysaga.control('GET', `/orders/${number}`)).body.trade_state;
  const calls = async (operation: string, number: string) => {
    const { body } = await paysaga.control('GET', '/fault-log?limit=10000');
    return body.faults.filter(
      (one: Answer['body']) => one.operation === operation && one.out_trade_no === number,
    ).length;
  };
  const pay = (number: string) => paysaga.control('POST', `/orders/${number}/pay`, {});
  const postings = async (id: string) =>
    (await paysaga.pool.query('select step from ledger_transactions where payment_id = $1', [id])).rows;
  const balance = () => {
    const { AVAILABLE, UNSETTLED } = paysaga.simulator.gateway.balance(paysaga.mchid);
    return AVAILABLE + UNSETTLED;
  };
  async function assertTakenBack(id: string, number: string): Promise<void> {
    await until(id, 'CLOSED');
    assert.equal(await state(number), 'REVOKED');
    assert.deepEqual(await postings(id), []);
    const types = await listEventTypes(paysaga.pool, id);
    assert.deepEqual(types, ['payment.created', 'payment.pending', 'payment.closed']);
  }

  for (const one of TILLS) {
    const { product, calls: names } = one;

    it(`${product}: a password that fails is taken back before the window ends`, async () => {
      const { id, out_trade_no } = await typing(one);
      await paysaga.control('POST', `/orders/${out_trade_no}/fail`, { reason: 'wrong_password' });
      await assertTakenBack(id, out_trade_no);
      const workflowId = `payment/${paysaga.mchid}/${out_trade_no}`;
      assert.deepEqual(await paysaga.client.workflow.getHandle(workflowId).result(), { status: 'CLOSED' });
      const events = await paysaga.history(workflowId);
      assert.ok(events.length <= 28, `${events.length} events: ${events.join(' ')}`);
    });

    it(`${product}: the till closes it, but not at once: the charge may be under way`, async () => {
      const { id, out_trade_no } = await typing(one);
      const closed = await close(id);
      assert.equal(closed.status, 200, JSON.stringify(closed.body));
      await assertTakenBack(id, out_trade_no);
      const { rows } = await paysaga.pool.query(
        'select code_sent_at, reverse_sent_at from payments where id = $1',
        [id],
      );
      assert.ok(rows[0].reverse_sent_at - rows[0].code_sent_at >= EARLIEST_MS);
      assert.equal((await close(id)).status, 200, 'and again');
    });

    it(`${product}: what is paid before it is closed is paid`, async () => {
      const { id, out_trade_no } = await typing(one);
      await pay(out_trade_no);
      const refused = await close(id);
      assert.equal(refused.status, 409, JSON.stringify(refused.body));
      assert.equal(refused.body.code, 'payment_not_closable');
      await until(id, 'PAID');
      assert.equal(await state(out_trade_no), 'SUCCESS');
    });

    it(`${product}: what is paid between the query and the reversal goes back, and was never ours`, async () => {
      const before = balance();
      const { id, out_trade_no } = await typing(one);
      await fault({ operation: names.reverse, kind: 'pay_before', out_trade_no });
      await close(id);
      await assertTakenBack(id, out_trade_no);
      assert.equal(balance(), before);
    });

    for (const lost of LOST[product]) {
      const name = JSON.stringify(lost).replaceAll(/["{}]/g, '');
      it(`${product}: a reversal that is not answered (${name}) is repeated until the order is taken back`, async () => {
        const { id, out_trade_no } = await typing(one);
        await fault({ operation: names.reverse, out_trade_no, ...lost });
        await close(id);
        await assertTakenBack(id, out_trade_no);
      });
    }

    it(`${product}: once a reversal may be under way, money is not settled, whoever finds it`, async () => {
      const before = balance();
      const { id, out_trade_no } = await typing(one);
      await fault({ operation: names.reverse, kind: 'timeout_before', out_trade_no, times: null });
      const closing = close(id);
      while ((await calls(names.reverse, out_trade_no)) === 0)
        await new Promise((resolve) => setTimeout(resolve, 25));
      await pay(out_trade_no);
      const synced = await paysaga.call('POST', `/v1/payments/${id}/sync`);
      assert.equal(synced.status, 200, JSON.stringify(synced.body));
      assert.equal(synced.body.status, 'PENDING');
      await paysaga.control('DELETE', '/faults');
      await closing;
      await assertTakenBack(id, out_trade_no);
      assert.equal(balance(), before);
    });

    it(`${product}: a reversal that is refused leaves the money where it is`, async () => {
      const { id, out_trade_no } = await typing(one);
      await fault({ operation: names.reverse, kind: 'pay_before', out_trade_no });
      const code = product === 'CODEPAY' ? 'RULE_LIMIT' : 'ERROR';
      await fault({ operation: names.reverse, kind: 'refused', code, out_trade_no });
      assert.equal((await close(id)).status, 409);
      await until(id, 'PAID');
      assert.equal(await state(out_trade_no), 'SUCCESS');
      assert.deepEqual(await postings(id), [{ step: 'payment.paid' }]);
    });
  }

  const [codepay] = TILLS as [Till];

  it('a refusal is not believed while an earlier reversal may still be carried out', async () => {
    const { id, out_trade_no } = await typing(codepay);
    await fault({ operation: 'codepay.reverse', kind: 'pay_before', out_trade_no });
    await fault({ operation: 'codepay.reverse', kind: 'timeout_before', out_trade_no });
    await fault({ operation: 'codepay.reverse', kind: 'refused', code: 'RULE_LIMIT', out_trade_no });
    // It was refused while another one was under way; the next one is accepted.
    await close(id);
    await assertTakenBack(id, out_trade_no);
  });

  it('an operator alone cannot settle as paid what may be on its way back', async () => {
    const { id, out_trade_no } = await typing(codepay);
    await fault({ operation: 'codepay.reverse', kind: 'timeout_before', out_trade_no, times: null });
    const closing = close(id);
    while ((await calls('codepay.reverse', out_trade_no)) === 0)
      await new Promise((resolve) => setTimeout(resolve, 25));
    await pay(out_trade_no);
    const answer = await paysaga.client.workflow
      .getHandle(`payment/${paysaga.mchid}/${out_trade_no}`)
      .executeUpdate<{ kind: string; message: string }, [object]>('resolveAsPaid', {
        args: [{ actor: 'lin', reason: 'the merchant platform says so' }],
      });
    assert.equal(answer.kind, 'unchanged');
    assert.match(answer.message, /on its way to the customer/);
    await paysaga.control('DELETE', '/faults');
    await closing;
    await assertTakenBack(id, out_trade_no);
  });

  it('an order that somebody else takes back is closed', async () => {
    const { id, out_trade_no } = await typing(codepay);
    const { gateway } = paysaga.simulator;
    const there = gateway.findOrder(paysaga.mchid, { outTradeNo: out_trade_no });
    assert.ok(there);
    gateway.reverse(there);
    await assertTakenBack(id, out_trade_no);
  });

  it('a till that cannot be told in time hears that it will be, and asks again', async () => {
    const { id, out_trade_no } = await typing(codepay);
    await fault({ operation: 'codepay.reverse', kind: 'error_500', out_trade_no, times: null });
    const noted = await close(id);
    assert.equal(noted.status, 202, JSON.stringify(noted.body));
    assert.equal(noted.body.status, 'PENDING');
    assert.equal((await close(id)).status, 202);
    await paysaga.control('DELETE', '/faults');
    await assertTakenBack(id, out_trade_no);
    assert.equal((await close(id)).status, 200);
  });

  it('a cancelled workflow takes back what it has charged', async () => {
    const { id, out_trade_no } = await typing(codepay);
    await paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${out_trade_no}`).cancel();
    await assertTakenBack(id, out_trade_no);
  });

  it('the worker may die at any time while it takes back', async () => {
    const { id, out_trade_no } = await typing(codepay);
    await fault({ operation: 'codepay.reverse', kind: 'timeout_after', out_trade_no });
    const closing = close(id);
    while ((await calls('codepay.reverse', out_trade_no)) === 0)
      await new Promise((resolve) => setTimeout(resolve, 25));
    await paysaga.stopWorker();
    await paysaga.startWorker();
    await closing;
    await assertTakenBack(id, out_trade_no);
  });
});
