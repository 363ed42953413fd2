import assert from 'node:assert/strict';
import { approve, requestApproval } from '../../database/approvals.ts';
import { addOperator, findOperator, type Operator } from '../../database/operators.ts';
import type { ApprovedAction, CombinedClaim } from '../../domain/operator.ts';
import { resolveAsClosed, resolveAsPaid } from '../../workflows/messages.ts';
import {
  combinedEvents,
  combinedId,
  createCombined,
  payCombined,
  subStatuses,
  untilCombined,
} from '../combined.ts';
import { runPaysaga } from '../command.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { untilAttention } from '../watch.ts';

const ASKED = { actor: 'somebody', reason: 'seen on the merchant platform' };
type Combined = Answer['body'];

/** As of a payment, and for all sub-orders together: they are all paid, or all closed. */
describe('resolving a combined payment', () => {
  let paysaga: Paysaga;
  let ana: Operator;
  let bo: Operator;
  const keys: Record<string, string> = {};
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 600_000 },
      gatewayTimeoutMs: 700,
      simulator: { seed: 43 },
    });
    ana = await operator('ana');
    bo = await operator('bo');
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  async function operator(name: string): Promise<Operator> {
    const key = (await addOperator(paysaga.pool, paysaga.tenantId, name)) ?? '';
    keys[name] = key;
    const found = await findOperator(paysaga.pool, key);
    assert.ok(found);
    return found;
  }
  const fault = (rule: object) => paysaga.control('POST', '/faults', { times: null, ...rule });
  const silence = () => fault({ operation: 'combine.query', kind: 'error_500' });
  const lose = () => fault({ operation: 'notification', kind: 'drop' });
  const create = async (): Promise<Combined> => (await createCombined(paysaga)).body;
  const shown = async ({ id }: Combined) => (await paysaga.call('GET', `/v1/combined-payments/${id}`)).body;
  const handleOf = (combined: Combined) => paysaga.client.workflow.getHandle(combinedId(combined));
  const resolve = (combined: Combined, update: typeof resolveAsPaid, approval?: string) =>
    handleOf(combined).executeUpdate(update, { args: [{ ...ASKED, ...(approval && { approval }) }] });
  const transactionOf = async (number: string): Promise<string> =>
    (await paysaga.control('GET', `/orders/${number}`)).body.transaction_id;
  const actionsOf = async ({ id }: Combined) =>
    (
      await paysaga.pool.query(
        'select id, action, actor, reason, approved_by, evidence, result from operator_actions where combined_id = $1 order by at',
        [id],
      )
    ).rows;
  async function approval(
    { id }: Combined,
    action: ApprovedAction,
    payload: CombinedClaim | object = {},
  ): Promise<string> {
    const request = { action, subjectId: id, payload, reason: 'bank statement of Monday' };
    const apr = await requestApproval(paysaga.pool, ana, request);
    assert.equal(typeof (await approve(paysaga.pool, bo, apr)), 'object');
    return apr;
  }
  /** What a payment has moved, by account, debits positive. */
  async function booked({ id }: { id: string }): Promise<Record<string, number>> {
    const { rows } = await paysaga.pool.query(
      `select a.code, sum(case e.side when 'debit' then e.amount else -e.amount end)::int balance
         from ledger_transactions t join ledger_entries e on e.transaction = t.sequence
         join ledger_accounts a on a.id = e.account where t.payment_id = $1 group by a.code`,
      [id],
    );
    return Object.fromEntries(rows.map(({ code, balance }) => [code, balance]));
  }
  const claims = (combined: Combined, transactions: string[], amounts = [1000, 1590]): CombinedClaim => ({
    orders: combined.sub_payments.map(({ id: paymentId }: Combined, index: number) => ({
      paymentId,
      transactionId: transactions[index] ?? '',
      amount: amounts[index] ?? 0,
    })),
  });
  const two = (kind: string) => ['1', '2'].map((n) => `4200${kind}${n}`);

  it('as paid: WeChat Pay’s own word is enough, and it is the evidence', async () => {
    await lose();
    const combined = await create();
    await payCombined(paysaga, combined);
    assert.deepEqual(await resolve(combined, resolveAsPaid), { kind: 'ended', status: 'PAID' });
    assert.deepEqual(await handleOf(combined).result(), { status: 'PAID' });
    const paid = await shown(combined);
    assert.deepEqual(subStatuses(paid), ['PAID', 'PAID']);
    const [action, ...more] = await actionsOf(combined);
    assert.deepEqual(more, []);
    assert.deepEqual(
      [action.action, action.actor, action.approved_by, action.result],
      ['resolve_as_paid', 'somebody', null, 'PAID'],
    );
    assert.deepEqual(
      action.evidence.sub_orders.map(({ transaction_id }: Combined) => transaction_id),
      paid.sub_payments.map(({ transaction_id }: Combined) => transaction_id),
    );
    assert.ok(!/openid|attach/.test(JSON.stringify(action.evidence)), 'nothing private');
    assert.deepEqual(await combinedEvents(paysaga, combined.id), [
      'combined_payment.created',
      'combined_payment.pending',
      'combined_payment.paid',
    ]);
    const { rows } = await paysaga.pool.query(
      `select data->>'operator_action' by from events
        where type in ('combined_payment.paid', 'payment.paid') and (combined_id = $1 or payment_id = any($2))`,
      [combined.id, combined.sub_payments.map(({ id }: Combined) => id)],
    );
    assert.deepEqual(new Set(rows.map(({ by }) => by)), new Set([action.id]));
    assert.equal(rows.length, 3);
  });

  it('as closed: only what WeChat Pay says is closed', async () => {
    const combined = await create();
    const open = await resolve(combined, resolveAsClosed);
    assert.match(open.kind === 'unchanged' ? open.gateway : '', /is NOTPAY; .* is NOTPAY/);
    assert.match(open.kind === 'unchanged' ? open.message : '', /two operators/);
    assert.equal((await shown(combined)).status, 'PENDING');
    for (const { out_trade_no } of combined.sub_payments) {
      const order = paysaga.simulator.gateway.orderBook.find(paysaga.mchid, out_trade_no);
      assert.ok(order);
      paysaga.simulator.gateway.orderBook.close(order);
    }
    assert.deepEqual(await resolve(combined, resolveAsClosed), { kind: 'ended', status: 'CLOSED' });
    assert.deepEqual(subStatuses(await shown(combined)), ['CLOSED', 'CLOSED']);
  });

  it('two people close what WeChat Pay says nothing about', async () => {
    await silence();
    const combined = await create();
    const alone = await resolve(combined, resolveAsClosed);
    assert.match(alone.kind === 'unchanged' ? alone.gateway : '', /cannot say: SYSTEM_ERROR/);
    const apr = await approval(combined, 'resolve_as_closed');
    assert.deepEqual(await resolve(combined, resolveAsClosed, apr), { kind: 'ended', status: 'CLOSED' });
    assert.deepEqual(await handleOf(combined).result(), { status: 'CLOSED' });
    assert.deepEqual(
      (await actionsOf(combined)).map(({ actor, approved_by, result }) => [actor, approved_by, result]),
      [
        ['somebody', null, 'unchanged'],
        ['ana', 'bo', 'CLOSED'],
      ],
    );
  });

  it('two people never close what WeChat Pay has money for, be it for one of the orders', async () => {
    await lose();
    const combined = await create();
    const [first] = combined.sub_payments;
    const order = paysaga.simulator.gateway.orderBook.find(paysaga.mchid, first.out_trade_no);
    assert.ok(order);
    paysaga.simulator.gateway.orderBook.pay(order);
    const apr = await approval(combined, 'resolve_as_closed');
    const answer = await resolve(combined, resolveAsClosed, apr);
    assert.match(answer.kind === 'unchanged' ? answer.message : '', /has money for some/);
    assert.deepEqual(subStatuses(await shown(combined)), ['PENDING', 'PENDING']);
    const { rows } = await paysaga.pool.query('select used_at from approvals where id = $1', [apr]);
    assert.equal(rows[0].used_at, null);
  });

  it('two people say of each order what arrived; a difference has to be explained', async () => {
    await silence();
    const combined = await create();
    const apr = await approval(combined, 'resolve_as_paid', claims(combined, two('11'), [1000, 1500]));
    const answers = await Promise.all([
      resolve(combined, resolveAsPaid, apr),
      resolve(combined, resolveAsPaid, apr),
    ]);
    for (const answer of answers) assert.deepEqual(answer, { kind: 'ended', status: 'PAID' });
    const paid = await shown(combined);
    assert.deepEqual([paid.status, ...subStatuses(paid)], ['PAID', 'PAID', 'PAID']);
    const [first, second] = paid.sub_payments;
    assert.deepEqual([first.transaction_id, second.transaction_id], two('11'));
    assert.deepEqual(await booked(first), { wechat_receivable: 1000, sales: -1000 });
    assert.deepEqual(await booked(second), { wechat_receivable: 1500, sales: -1590, suspense: 90 });
  });

  it('what two people say is refused when WeChat Pay says otherwise, when an order is missing, or when it is not theirs', async () => {
    const combined = await create();
    const [first] = combined.sub_payments;
    await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [first.id]);
    await payCombined(paysaga, combined);
    await untilAttention(paysaga, `/v1/combined-payments/${combined.id}`, 'amount_differs');
    const transactions = await Promise.all(
      combined.sub_payments.map(({ out_trade_no }: Combined) => transactionOf(out_trade_no)),
    );
    const { orders } = claims(combined, transactions);
    const other = await create();
    for (const [apr, message] of [
      [await approval(combined, 'resolve_as_paid', claims(combined, two('12'))), /the approval another one/],
      [
        await approval(combined, 'resolve_as_paid', claims(combined, transactions, [1001, 1590])),
        /says 1000/,
      ],
      [await approval(combined, 'resolve_as_paid', { orders: orders.slice(0, 1) }), /says nothing of/],
      [await approval(other, 'resolve_as_paid', { orders }), /no such approval/],
      [await approval(combined, 'resolve_as_closed'), /no such approval/],
    ] as const) {
      const answer = await resolve(combined, resolveAsPaid, apr);
      assert.match(answer.kind === 'unchanged' ? answer.message : '', message);
      assert.deepEqual(subStatuses(await shown(combined)), ['PENDING', 'PENDING']);
    }
    const apr = await approval(combined, 'resolve_as_paid', { orders });
    assert.deepEqual(await resolve(combined, resolveAsPaid, apr), { kind: 'ended', status: 'PAID' });
    const paid = await shown(combined);
    assert.deepEqual([paid.status, paid.attention], ['PAID', 'none']);
    assert.deepEqual(await booked(first), { wechat_receivable: 1000, sales: -1001, suspense: 1 });
    const taken = await approval(other, 'resolve_as_paid', claims(other, transactions));
    await silence();
    const twice = await resolve(other, resolveAsPaid, taken);
    assert.match(twice.kind === 'unchanged' ? twice.message : '', /another payment/);
    assert.deepEqual(subStatuses(await shown(other)), ['PENDING', 'PENDING']);
  });

  it('from a shell: one operator says what arrived, another one approves it, and the list shows what became of it', async () => {
    const as = (name: string, ...words: string[]) =>
      runPaysaga(paysaga, words, { env: { PAYSAGA_OPERATOR_KEY: keys[name] } });
    const [, combined] = [await create(), await create()];
    await silence();
    const [first, second] = combined.sub_payments.map(({ out_trade_no }: Combined) => out_trade_no);
    const words = (...orders: string[]) => [
      'payment',
      'resolve',
      combined.id,
      '--as',
      'paid',
      '--reason',
      'seen on the platform',
      '--request-approval',
      ...orders.flatMap((order) => ['--sub-order', order]),
    ];
    const incomplete = await as('ana', ...words(`${first}=420021=1000`));
    assert.equal(incomplete.code, 1);
    assert.match(incomplete.said, new RegExp(`--sub-order ${second.replaceAll('*', '.')}=`));
    const asked = await as('ana', ...words(`${second}=420022=1590`, `${first}=420021=1000`));
    assert.equal(asked.code, 0, asked.said);
    const [apr = ''] = /apr_[0-9a-f]+/.exec(asked.said) ?? [];
    const approved = await as('bo', 'approve', apr);
    assert.deepEqual([approved.code, approved.stdout], [0, 'the payment is PAID\n'], approved.said);
    await untilCombined(paysaga, combined, 'PAID');
    const list = await as('ana', 'payment', 'list', '--combined', '--status', 'PAID', '--limit', '1');
    assert.match(
      list.stdout,
      new RegExp(`^${combined.id}  PAID  .*¥25.90 .*${combined.combine_out_trade_no}\n$`),
    );
    assert.match(list.said, new RegExp(`--starting-after ${combined.id}`));
  });

  it('an order that nobody knows is told of after the end: it is shown until somebody acknowledges it', async () => {
    await lose();
    const combined = await create();
    const [, second] = combined.sub_payments;
    await payCombined(paysaga, combined);
    await resolve(combined, resolveAsPaid);
    await paysaga.control('DELETE', '/faults');
    await paysaga.pool.query(`update payments set out_trade_no = 'NOBODYS' where id = $1`, [second.id]);
    const [notification] = (await paysaga.control('GET', '/notifications?limit=1')).body.notifications;
    await paysaga.control('POST', `/notifications/${notification.id}/redeliver`);
    await untilAttention(paysaga, `/v1/combined-payments/${combined.id}`, 'sub_orders_differ');

    const path = `/v1/combined-payments/${combined.id}/acknowledge`;
    assert.equal((await paysaga.call('POST', path, {})).body.code, 'invalid_request');
    const { status, body } = await paysaga.call('POST', path, { reason: 'the other shop’s' });
    assert.deepEqual([status, body.status, body.attention], [200, 'PAID', 'none']);
    assert.equal((await combinedEvents(paysaga, combined.id)).at(-1), 'combined_payment.attention_cleared');
    const { action, actor, reason } = (await actionsOf(combined)).at(-1);
    assert.deepEqual([action, reason], ['acknowledge', 'the other shop’s']);
    assert.match(actor, /^key_/);
  });
});
