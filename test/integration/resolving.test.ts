import assert from 'node:assert/strict';
import { beyondTaskFailures } from '../../api/task-failure.ts';
import { approve, requestApproval } from '../../database/approvals.ts';
import { listEventTypes } from '../../database/events.ts';
import { balances } from '../../database/ledger.ts';
import { addOperator, findOperator, type Operator } from '../../database/operators.ts';
import type { ApprovedAction, PaidClaim } from '../../domain/operator.ts';
import { close, recheck, resolveAsClosed, resolveAsPaid } from '../../workflows/messages.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { withoutWorker } from '../late-money.ts';
import { untilAttention } from '../watch.ts';

const ASKED = { actor: 'somebody', reason: 'seen on the merchant platform' };

/** An operator settles by evidence, never by her word alone. */
describe('resolving a payment', () => {
  let paysaga: Paysaga;
  let ana: Operator;
  let bo: Operator;
  before(async () => {
    paysaga = await startPaysaga({ paymentTiming: { notifyWaitMs: 600_000 }, gatewayTimeoutMs: 700 });
    ana = await operator('ana');
    bo = await operator('bo');
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  async function operator(name: string): Promise<Operator> {
    const key = await addOperator(paysaga.pool, paysaga.tenantId, name);
    const found = key && (await findOperator(paysaga.pool, key));
    assert.ok(found);
    return found;
  }
  const fault = (rule: object) => paysaga.control('POST', '/faults', rule);
  const lose = () => fault({ operation: 'notification', kind: 'drop', times: null });
  const silence = () => fault({ operation: 'order.query', kind: 'error_500', times: null });
  const shown = async (id: string) => (await paysaga.call('GET', `/v1/payments/${id}`)).body;
  async function create() {
    const { body } = await paysaga.createPayment();
    const handle = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${body.out_trade_no}`);
    return { id: body.id as string, number: body.out_trade_no as string, handle };
  }
  const pay = (number: string) => paysaga.control('POST', `/orders/${number}/pay`, {});
  const transactionOf = async (number: string): Promise<string> =>
    (await paysaga.control('GET', `/orders/${number}`)).body.transaction_id;
  const actionsOf = async (id: string) =>
    (
      await paysaga.pool.query(
        'select action, actor, reason, approved_by, evidence, result from operator_actions where payment_id = $1 order by at',
        [id],
      )
    ).rows;
  async function approval(subjectId: string, action: ApprovedAction, payload: PaidClaim | object = {}) {
    const id = await requestApproval(paysaga.pool, ana, {
      action,
      subjectId,
      payload,
      reason: 'bank statement of Monday',
    });
    assert.equal(typeof (await approve(paysaga.pool, bo, id)), 'object');
    return id;
  }
  /** What the payment has moved, by account, debits positive. */
  async function booked(id: string): Promise<Record<string, number>> {
    const { rows } = await paysaga.pool.query(
      `select a.code, sum(case e.side when 'debit' then e.amount else -e.amount end)::int balance
         from ledger_transactions t join ledger_entries e on e.transaction = t.sequence
         join ledger_accounts a on a.id = e.account where t.payment_id = $1 group by a.code`,
      [id],
    );
    return Object.fromEntries(rows.map(({ code, balance }) => [code, balance]));
  }

  it('as paid: WeChat Pay’s own word is enough, and it is the evidence', async () => {
    await lose();
    const { id, number, handle } = await create();
    await pay(number);
    assert.deepEqual(await handle.executeUpdate(resolveAsPaid, { args: [ASKED] }), {
      kind: 'ended',
      status: 'PAID',
    });
    assert.deepEqual(await handle.result(), { status: 'PAID' });
    const payment = await shown(id);
    assert.equal(payment.status, 'PAID');
    assert.equal(payment.transaction_id, await transactionOf(number));
    const [action, ...more] = await actionsOf(id);
    assert.deepEqual(more, []);
    const { evidence, ...rest } = action;
    assert.deepEqual(rest, {
      action: 'resolve_as_paid',
      ...ASKED,
      approved_by: null,
      result: 'PAID',
    });
    assert.equal(evidence.transaction_id, payment.transaction_id);
    assert.equal(evidence.amount.total, 2590);
    assert.ok(!JSON.stringify(evidence).includes('openid'), 'nothing private');
    assert.deepEqual(await booked(id), { wechat_receivable: 2590, sales: -2590 });
    const event = await paysaga.pool.query(
      `select data from events where payment_id = $1 and type = 'payment.paid'`,
      [id],
    );
    assert.match(event.rows[0].data.operator_action, /^act_/);
  });

  it('as closed: only what WeChat Pay says is closed', async () => {
    const { id, number, handle } = await create();
    const open = await handle.executeUpdate(resolveAsClosed, { args: [ASKED] });
    assert.equal(open.kind, 'unchanged');
    assert.match(open.kind === 'unchanged' ? open.gateway : '', /NOTPAY/);
    assert.equal((await shown(id)).status, 'PENDING');
    const wechat = await paysaga.merchants.for({ merchantId: paysaga.merchantId, subMchid: null });
    await wechat.closeOrder(number);
    assert.deepEqual(await handle.executeUpdate(resolveAsClosed, { args: [ASKED] }), {
      kind: 'ended',
      status: 'CLOSED',
    });
    assert.deepEqual(await handle.result(), { status: 'CLOSED' });
    assert.deepEqual(
      (await actionsOf(id)).map(({ result }) => result),
      ['unchanged', 'CLOSED'],
    );
    assert.deepEqual(await booked(id), {});
  });

  it('against what WeChat Pay says, or without a word from it, one person changes nothing', async () => {
    await lose();
    const { id, number, handle } = await create();
    const unpaid = await handle.executeUpdate(resolveAsPaid, { args: [ASKED] });
    assert.equal(unpaid.kind, 'unchanged');
    assert.match(unpaid.kind === 'unchanged' ? unpaid.message : '', /two operators/);
    await silence();
    for (const update of [resolveAsPaid, resolveAsClosed]) {
      const answer = await handle.executeUpdate(update, { args: [ASKED] });
      assert.match(answer.kind === 'unchanged' ? answer.gateway : '', /cannot say: SYSTEM_ERROR/);
    }
    assert.equal((await shown(id)).status, 'PENDING');
    await paysaga.control('DELETE', '/faults');
    await pay(number);
    await paysaga.until(`/v1/payments/${id}`, 'PAID');
  });

  it('a forged approval, sent by hand, changes nothing', async () => {
    await silence();
    const { id, handle } = await create();
    const other = await create();
    const unapproved = await requestApproval(paysaga.pool, ana, {
      action: 'resolve_as_closed',
      subjectId: id,
      payload: {},
      reason: 'no second person yet',
    });
    for (const forged of [
      'apr_00000000000000000000000000000000',
      unapproved,
      await approval(other.id, 'resolve_as_closed'),
      await approval(id, 'resolve_as_paid', { transactionId: '4200', amount: 1 }),
      "' or true --",
    ]) {
      const answer = await handle.executeUpdate(resolveAsClosed, {
        args: [{ ...ASKED, approval: forged }],
      });
      assert.equal(answer.kind, 'unchanged', forged);
    }
    await assert.rejects(
      // biome-ignore lint/suspicious/noExplicitAny: what a person may type into the Temporal UI
      handle.executeUpdate(resolveAsClosed, { args: [{ ...ASKED, approval: { approved: true } } as any] }),
    );
    // biome-ignore lint/suspicious/noExplicitAny: the same
    await assert.rejects(handle.executeUpdate(resolveAsPaid, { args: [{ reason: 'because' } as any] }));
    // biome-ignore lint/suspicious/noExplicitAny: the same
    await assert.rejects(handle.executeUpdate(resolveAsPaid, { args: [] as any }));
    assert.equal((await shown(id)).status, 'PENDING');
    const kept = await paysaga.pool.query('select count(*)::int n from approvals where used_at is not null');
    assert.equal(kept.rows[0].n, 0, 'nor is an approval of something else used up');
  });

  it('two people close what WeChat Pay says nothing about; who they are comes from their keys', async () => {
    await silence();
    const { id, handle } = await create();
    const apr = await approval(id, 'resolve_as_closed');
    const answer = await handle.executeUpdate(resolveAsClosed, { args: [{ ...ASKED, approval: apr }] });
    assert.deepEqual(answer, { kind: 'ended', status: 'CLOSED' });
    assert.deepEqual(await handle.result(), { status: 'CLOSED' });
    const [{ evidence, ...action }] = await actionsOf(id);
    assert.deepEqual(action, {
      action: 'resolve_as_closed',
      actor: 'ana',
      reason: 'bank statement of Monday',
      approved_by: 'bo',
      result: 'CLOSED',
    });
    assert.equal(evidence.code, 'SYSTEM_ERROR');
    const { rows } = await paysaga.pool.query('select used_at from approvals where id = $1', [apr]);
    assert.ok(rows[0].used_at);
  });

  it('two people never close what WeChat Pay has money for', async () => {
    await lose();
    const { id, number, handle } = await create();
    await pay(number);
    await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [id]);
    const apr = await approval(id, 'resolve_as_closed');
    const answer = await handle.executeUpdate(resolveAsClosed, { args: [{ ...ASKED, approval: apr }] });
    assert.match(answer.kind === 'unchanged' ? answer.message : '', /has money/);
    assert.equal((await shown(id)).status, 'PENDING');
  });

  for (const [words, wrong, suspense] of [
    ['more than', -100, -100],
    ['less than', 100, 100],
  ] as const) {
    it(`two people settle a payment over ${words} its amount: the difference has to be explained`, async () => {
      const { id, number, handle } = await create();
      await paysaga.pool.query('update payments set amount = amount + $2 where id = $1', [id, wrong]);
      await pay(number);
      await untilAttention(paysaga, `/v1/payments/${id}`, 'amount_differs');
      const transactionId = await transactionOf(number);
      const refused = [
        await approval(id, 'resolve_as_paid', { transactionId: '4200009999', amount: 2590 }),
        await approval(id, 'resolve_as_paid', { transactionId, amount: 2591 }),
      ];
      for (const apr of refused) {
        const answer = await handle.executeUpdate(resolveAsPaid, { args: [{ ...ASKED, approval: apr }] });
        assert.match(answer.kind === 'unchanged' ? answer.message : '', /WeChat Pay .* the approval/);
      }
      const before = await balances(paysaga.pool, paysaga.merchantId);
      const apr = await approval(id, 'resolve_as_paid', { transactionId, amount: 2590 });
      const answers = await Promise.all([
        handle.executeUpdate(resolveAsPaid, { args: [{ ...ASKED, approval: apr }] }),
        handle.executeUpdate(resolveAsPaid, { args: [{ ...ASKED, approval: apr }] }),
      ]);
      for (const answer of answers) assert.deepEqual(answer, { kind: 'ended', status: 'PAID' });
      await handle.result();
      const payment = await shown(id);
      assert.deepEqual([payment.status, payment.attention], ['PAID', 'none']);
      assert.deepEqual(await booked(id), {
        wechat_receivable: 2590,
        sales: -(2590 + wrong),
        suspense,
      });
      const after = await balances(paysaga.pool, paysaga.merchantId);
      assert.equal(after.wechat_receivable - before.wechat_receivable, 2590, 'what WeChat Pay owes');
      assert.equal(
        (await listEventTypes(paysaga.pool, id)).filter((type) => type === 'payment.paid').length,
        1,
      );
      assert.equal((await actionsOf(id)).filter(({ result }) => result === 'PAID').length, 1);

      const refund = (body: object) => paysaga.call('POST', `/v1/payments/${id}/refunds`, body);
      assert.equal((await refund({ amount: { refund: 2591 } })).body.code, 'refund_exceeds_payment');
      const part = await refund({ amount: { refund: 90 } });
      assert.equal(part.status, 201, JSON.stringify(part.body));
      await paysaga.until(`/v1/payments/${id}`, 'PARTIALLY_REFUNDED');
      assert.equal((await refund({})).body.amount.refund, 2500, 'all that is left of what arrived');
      await paysaga.until(`/v1/payments/${id}`, 'REFUNDED');
      assert.deepEqual(
        await booked(id),
        {
          wechat_receivable: 0,
          sales: -(2590 + wrong),
          suspense: 0,
          refunds: 2590 + wrong,
          refunds_in_flight: 0,
        },
        'nothing is left to explain',
      );
    });
  }

  it('what its saga would show to operators comes too late for a payment that one has resolved', async () => {
    await lose();
    const { id, number, handle } = await create();
    await pay(number);
    await handle.executeUpdate(resolveAsPaid, { args: [ASKED] });
    const { activities, close: end } = withoutWorker(paysaga);
    await activities.requestAttention({ paymentId: id, reason: 'close_unresolved' });
    await end();
    assert.equal((await shown(id)).attention, 'none');
  });

  it('a transaction of another payment is not believed a second time', async () => {
    const paid = await create();
    await pay(paid.number);
    const { transaction_id: transactionId } = await paysaga.until(`/v1/payments/${paid.id}`, 'PAID');
    const { id, handle } = await create();
    await silence();
    const apr = await approval(id, 'resolve_as_paid', { transactionId, amount: 2590 });
    const answer = await handle.executeUpdate(resolveAsPaid, { args: [{ ...ASKED, approval: apr }] });
    assert.match(answer.kind === 'unchanged' ? answer.message : '', /another payment/);
    assert.equal((await shown(id)).status, 'PENDING');
  });

  it('a payment is resolved while its close gets no answer', async () => {
    await silence();
    const { id, handle } = await create();
    const closing = handle.startUpdate(close, {
      args: [{ actor: 'ana', reason: 'cart emptied' }],
      waitForStage: 'ACCEPTED',
    });
    const closed = await closing;
    const apr = await approval(id, 'resolve_as_closed');
    await handle.executeUpdate(resolveAsClosed, { args: [{ ...ASKED, approval: apr }] });
    assert.deepEqual(await closed.result(), { status: 'CLOSED' });
    assert.deepEqual(await handle.result(), { status: 'CLOSED' });
    assert.deepEqual(
      (await actionsOf(id)).map(({ action, result }) => [action, result]),
      [
        ['resolve_as_closed', 'CLOSED'],
        ['close', 'CLOSED'],
      ],
    );
  });

  it('a payment is resolved while its order gets no answer', async () => {
    await fault({ operation: 'native.create', kind: 'error_500', times: null });
    const creating = paysaga.createPayment({ out_trade_no: 'RESOLVED1' });
    let id: string | undefined;
    for (let turn = 0; turn < 400 && !id; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      id = (await paysaga.pool.query(`select id from payments where out_trade_no = 'RESOLVED1'`)).rows[0]?.id;
    }
    const handle = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/RESOLVED1`);
    // WeChat Pay knows no such order, and it was never answered: that is its word.
    const answer = await handle.executeUpdate(resolveAsClosed, { args: [ASKED] });
    assert.deepEqual(answer, { kind: 'ended', status: 'CLOSED' });
    assert.deepEqual(await handle.result(), { status: 'CLOSED' });
    await creating;
    assert.equal((await shown(String(id))).status, 'CLOSED');
  });

  it('what operators ask for otherwise is on record, too; what the merchant’s backend asks for is not', async () => {
    const { id, number, handle } = await create();
    const operator = { actor: 'ana', reason: 'customer called' };
    await paysaga.call('POST', `/v1/payments/${id}/sync`);
    assert.deepEqual(await handle.executeUpdate('syncNow', { args: [operator] }), { kind: 'unpaid' });
    await assert.rejects(handle.executeUpdate('syncNow', { args: [{ actor: '', reason: '' }] }));
    await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [id]);
    await pay(number);
    await untilAttention(paysaga, `/v1/payments/${id}`, 'amount_differs');
    await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [id]);
    // News of the payment may come while the recheck ends it.
    await beyondTaskFailures(() => handle.executeUpdate(recheck, { args: [operator] }));
    await handle.result();
    assert.deepEqual(
      (await actionsOf(id)).map(({ action, actor, result }) => [action, actor, result]),
      [
        ['sync', 'ana', 'unpaid'],
        ['recheck', 'ana', 'asked again'],
      ],
    );
    const backend = await create();
    await paysaga.call('POST', `/v1/payments/${backend.id}/close`, { reason: 'cart emptied' });
    await backend.handle.result();
    assert.deepEqual(await actionsOf(backend.id), []);
  });
});
