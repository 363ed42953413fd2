import assert from 'node:assert/strict';
import { WorkflowNotFoundError } from '@temporalio/client';
import { beyondTaskFailures } from '../../api/task-failure.ts';
import {
  combinedEvents,
  combinedId,
  createCombined,
  payCombined,
  SECOND_MCHID,
  subOrder,
  subStatuses,
  untilCombined,
} from '../combined.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { latePayments, untilLate } from '../late-money.ts';

type Combined = Answer['body'];

/** However the truth arrives, all orders of a combined payment settle once, or none does. */
describe('settling of combined payments', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = (rule: object) => paysaga.control('POST', '/faults', rule);
  const loseNotifications = () => fault({ operation: 'notification', kind: 'drop', times: null });
  const read = async ({ id }: Combined) => (await paysaga.call('GET', `/v1/combined-payments/${id}`)).body;
  const tradeStates = (combined: Combined) =>
    Promise.all(
      combined.sub_payments.map(
        async ({ out_trade_no }: Combined) =>
          (await paysaga.control('GET', `/orders/${out_trade_no}`)).body.trade_state,
      ),
    );

  /** Waits until the resource at the path shows the reason to an operator. */
  async function untilAttention(path: string, reason: string): Promise<Combined> {
    for (let turn = 0; turn < 400; turn += 1) {
      const { body } = await paysaga.call('GET', path);
      if (body.attention_reason === reason) return body;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`${path} does not ask for an operator because of ${reason}`);
  }
  const shown = ({ id }: Combined, reason: string) => untilAttention(`/v1/combined-payments/${id}`, reason);

  async function paidOnce(combined: Combined): Promise<Combined> {
    const paid = await untilCombined(paysaga, combined, 'PAID');
    assert.ok(subStatuses(paid).every((status) => status === 'PAID'));
    const { rows } = await paysaga.pool.query(
      `select p.id, (select count(*)::int from events e where e.payment_id = p.id and e.type = 'payment.paid') told,
              (select count(*)::int from ledger_transactions t where t.payment_id = p.id) posted
         from payments p where p.combined_id = $1`,
      [combined.id],
    );
    assert.equal(rows.length, combined.sub_payments.length);
    for (const { told, posted } of rows) assert.deepEqual([told, posted], [1, 1]);
    const events = await combinedEvents(paysaga, combined.id);
    assert.equal(events.filter((type) => type === 'combined_payment.paid').length, 1);
    return paid;
  }

  async function recheck(combined: Combined): Promise<void> {
    const handle = paysaga.client.workflow.getHandle(combinedId(combined));
    const args: [object] = [{ actor: 'ops', reason: 'corrected' }];
    await beyondTaskFailures(() => handle.executeUpdate('recheck', { args })).catch((error) => {
      // A poll that was under way has found it right already.
      if (!(error instanceof WorkflowNotFoundError)) throw error;
    });
  }

  describe('the order', () => {
    for (const kind of [
      'timeout_before',
      'timeout_after',
      'reset_after',
      'error_500',
      'probe_signature',
      'unsigned',
    ]) {
      it(`is one at the gateway when its answer is ${kind}`, async () => {
        await fault({
          operation: 'combine.native.create',
          kind,
          ...(kind !== 'timeout_before' && { processed: true }),
        });
        const { status, body } = await createCombined(paysaga);
        assert.equal(status, 201, JSON.stringify(body));
        for (const { out_trade_no } of body.sub_payments) {
          const order = (await paysaga.control('GET', `/orders/${out_trade_no}`)).body;
          assert.equal(order.code_url, body.code_url, 'the code_url is the one that works');
        }
        await payCombined(paysaga, body);
        await paidOnce(body);
      });
    }

    it('that WeChat Pay refuses fails all of its sub-orders, with its words', async () => {
      await fault({ operation: 'combine.native.create', kind: 'refused', code: 'RULE_LIMIT' });
      const { status, body } = await createCombined(paysaga);
      assert.deepEqual([status, body.code, body.gateway_code], [422, 'gateway_rejected', 'RULE_LIMIT']);
      const failed = (await paysaga.call('GET', `/v1/combined-payments/${body.combined_payment_id}`)).body;
      assert.deepEqual([failed.status, failed.failure.code], ['FAILED', 'RULE_LIMIT']);
      assert.deepEqual(subStatuses(failed), ['FAILED', 'FAILED']);
      assert.equal(failed.sub_payments[1].failure.code, 'RULE_LIMIT');
      assert.deepEqual(await combinedEvents(paysaga, failed.id), [
        'combined_payment.created',
        'combined_payment.failed',
      ]);
      await paysaga.client.workflow.getHandle(combinedId(failed)).result();
    });

    it('is sent byte for byte as it was stored, with the appid that its sub-orders remember', async () => {
      const { body } = await createCombined(paysaga, {
        client_ip: '203.0.113.9',
        sub_orders: [subOrder(1, { description: '茶', attach: 'a=1' }), subOrder(2)],
      });
      const { rows } = await paysaga.pool.query(
        `select c.prepay_request, c.appid, array_agg(distinct p.appid) appids
           from combined_payments c join payments p on p.combined_id = c.id where c.id = $1 group by c.id`,
        [body.id],
      );
      const sent = JSON.parse(rows[0].prepay_request);
      assert.equal(sent.combine_out_trade_no, body.combine_out_trade_no);
      assert.deepEqual([rows[0].appid, rows[0].appids], [sent.combine_appid, [sent.combine_appid]]);
      assert.deepEqual(sent.sub_orders[0], {
        mchid: paysaga.mchid,
        out_trade_no: body.sub_payments[0].out_trade_no,
        description: '茶',
        attach: 'a=1',
        amount: { total_amount: 1, currency: 'CNY' },
      });
    });

    it('is renewed when its code has expired, and the old code dies', async () => {
      const { body } = await createCombined(paysaga, { expires_in: 24 * 3600 });
      const prepay = () => paysaga.call('POST', `/v1/combined-payments/${body.id}/prepay`);
      assert.equal((await prepay()).body.code_url, body.code_url, 'what lives is left alone');
      await paysaga.pool.query(
        `update combined_payments set prepay_issued_at = prepay_issued_at - interval '3 hours' where id = $1`,
        [body.id],
      );
      assert.equal((await read(body)).code_url, null);
      const renewed = await prepay();
      assert.equal(renewed.status, 200, JSON.stringify(renewed.body));
      assert.notEqual(renewed.body.code_url, body.code_url);
      assert.equal(paysaga.simulator.gateway.scan(body.code_url).status, 'dead');
      assert.equal(paysaga.simulator.gateway.scan(renewed.body.code_url).status, 'payable');
      await payCombined(paysaga, body);
      await paidOnce(body);
      assert.deepEqual((await prepay()).body.code, 'payment_not_open');
    });
  });

  describe('the money', () => {
    it('is found by a front end that asks, at once', async () => {
      await loseNotifications();
      const { body } = await createCombined(paysaga);
      const sync = () => paysaga.call('POST', `/v1/combined-payments/${body.id}/sync`);
      assert.equal((await sync()).body.status, 'PENDING');
      await payCombined(paysaga, body);
      const found = await sync();
      assert.deepEqual([found.status, found.body.status], [200, 'PAID']);
      await paidOnce(body);
    });

    it('is nobody’s knowledge while the gateway is away', async () => {
      const { body } = await createCombined(paysaga);
      await fault({ operation: 'combine.query', kind: 'error_500', times: null });
      const asked = await paysaga.call('POST', `/v1/combined-payments/${body.id}/sync`);
      assert.deepEqual([asked.status, asked.body.code], [503, 'temporarily_unavailable']);
    });

    for (const kind of ['duplicate', 'replay', 'forge', 'stale', 'delay'] as const) {
      it(`settles once when its notification is a ${kind}`, async () => {
        await fault({
          operation: 'notification',
          kind,
          times: null,
          ...(kind === 'delay' && { delay_ms: 1_000 }),
        });
        const { body } = await createCombined(paysaga);
        await payCombined(paysaga, body);
        await paidOnce(body);
      });
    }

    it('that a lagging query does not know yet is not missed', async () => {
      await loseNotifications();
      await fault({ operation: 'combine.query', kind: 'notpay_lag', times: 3 });
      const { body } = await createCombined(paysaga);
      await payCombined(paysaga, body);
      await paidOnce(body);
    });

    it('settles when the worker that was gone is back', async () => {
      const { body } = await createCombined(paysaga);
      await paysaga.stopWorker();
      await payCombined(paysaga, body);
      await paysaga.startWorker();
      await paidOnce(body);
    });

    it('that comes before the answer to the order settles all of it', async () => {
      await fault({ operation: 'combine.native.create', kind: 'slow', delay_ms: 500 });
      const out_trade_no = `EARLY${Date.now()}`;
      const creating = createCombined(paysaga, { sub_orders: [subOrder(1, { out_trade_no }), subOrder(2)] });
      const pay = () => paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});
      for (let turn = 0; turn < 400 && (await pay()).status !== 200; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await paidOnce((await creating).body);
    });

    it('of one order is not seen before that of the others, whatever breaks between them', async () => {
      const { body } = await createCombined(paysaga);
      const [first, second] = body.sub_payments;
      const locker = await paysaga.pool.connect();
      await locker.query('begin');
      await locker.query('select 1 from payments where id = $1 for update', [second.id]);
      await payCombined(paysaga, body);
      // Settling has the first one, and waits for the lock of the second inside its transaction.
      const waiting = async () =>
        (
          await paysaga.pool.query(
            `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
          )
        ).rows;
      for (let turn = 0; turn < 400 && (await waiting()).length === 0; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      assert.ok((await waiting()).length > 0);
      assert.equal((await paysaga.call('GET', `/v1/payments/${first.id}`)).body.status, 'PENDING');
      await locker.query(
        `select pg_terminate_backend(pid) from pg_stat_activity
         where datname = current_database() and pid <> pg_backend_pid()`,
      );
      await locker.query('rollback');
      locker.release();
      await paidOnce(body);
    });

    it('of the ten orders that a merchant may combine settles at once', async () => {
      const { body } = await createCombined(paysaga, {
        sub_orders: Array.from({ length: 10 }, (_, index) => subOrder(index + 1)),
      });
      await payCombined(paysaga, body);
      assert.equal((await paidOnce(body)).amount.total, 55);
    });
  });

  describe('a contradiction', () => {
    it('in one order settles none: an operator sees in which and in what, and a recheck settles all', async () => {
      const { body } = await createCombined(paysaga);
      const [first, second] = body.sub_payments;
      await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [second.id]);
      await payCombined(paysaga, body);
      const waiting = await shown(body, 'amount_differs');
      assert.deepEqual([waiting.status, subStatuses(waiting)], ['PENDING', ['PENDING', 'PENDING']]);
      assert.deepEqual(
        waiting.sub_payments.map(({ attention_reason }: Combined) => attention_reason),
        [null, 'amount_differs'],
      );
      const { rows } = await paysaga.pool.query(
        'select count(*)::int posted from ledger_transactions where payment_id = any($1)',
        [[first.id, second.id]],
      );
      assert.equal(rows[0].posted, 0);
      assert.ok((await combinedEvents(paysaga, body.id)).includes('combined_payment.needs_operator'));
      await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [second.id]);
      await recheck(body);
      const paid = await paidOnce(body);
      assert.deepEqual(
        [paid.attention, ...paid.sub_payments.map(({ attention }: Combined) => attention)],
        ['none', 'none', 'none'],
      );
      const handle = paysaga.client.workflow.getHandle(combinedId(body));
      await handle.result();
      assert.ok(
        !((await handle.describe()).searchAttributes.Attention as string[] | undefined)?.includes(
          'needs_operator',
        ),
      );
    });

    for (const [what, column, value, reason] of [
      ['another appid', 'appid', 'wx9999999999999999', 'appid_differs'],
      ['a sub-merchant', 'sub_mchid', '1900031111', 'sub_mchid_differs'],
      ['another number', 'out_trade_no', 'SOMEBODYELSES', 'sub_orders_differ'],
    ] as const) {
      it(`of ${what} settles nothing`, async () => {
        const { body } = await createCombined(paysaga);
        await paysaga.pool.query(`update payments set ${column} = $2 where id = $1`, [
          body.sub_payments[0].id,
          value,
        ]);
        await payCombined(paysaga, body);
        assert.equal((await shown(body, reason)).status, 'PENDING');
      });
    }

    it('of another merchant settles nothing', async () => {
      const { body } = await createCombined(paysaga);
      const { rows } = await paysaga.pool.query(
        `insert into merchants (id, tenant_id, mchid, appid, serial_no, sealed_private_key, sealed_api_v3_key, public_keys, api_base_url)
         select 'mch_other', tenant_id, $1, appid, serial_no, sealed_private_key, sealed_api_v3_key, public_keys, api_base_url
           from merchants where id = $2 returning id`,
        [SECOND_MCHID, paysaga.merchantId],
      );
      await paysaga.pool.query('update payments set merchant_id = $2 where id = $1', [
        body.sub_payments[1].id,
        rows[0].id,
      ]);
      await payCombined(paysaga, body);
      assert.equal((await shown(body, 'mchid_differs')).status, 'PENDING');
    });

    it('within the gateway’s answer, some orders paid and others not, settles nothing until it is resolved', async () => {
      await loseNotifications();
      const { body } = await createCombined(paysaga);
      const [first, second] = body.sub_payments;
      const { orderBook } = paysaga.simulator.gateway;
      const orderOf = ({ out_trade_no }: Combined) => {
        const order = orderBook.find(paysaga.mchid, out_trade_no);
        assert.ok(order);
        return order;
      };
      // A gateway that breaks its promise of all or none.
      orderBook.pay(orderOf(first));
      const waiting = await shown(body, 'partly_paid');
      assert.deepEqual([waiting.status, subStatuses(waiting)], ['PENDING', ['PENDING', 'PENDING']]);
      const close = await paysaga.call('POST', `/v1/combined-payments/${body.id}/close`);
      assert.equal(close.status, 202, 'the close waits for the operator, too');
      assert.deepEqual(await tradeStates(body), ['SUCCESS', 'NOTPAY'], 'nothing was closed');
      orderBook.pay(orderOf(second));
      await recheck(body);
      await paidOnce(body);
    });

    it('in a genuine notification alone is none: the gateway’s order counts', async () => {
      await fault({ operation: 'notification', kind: 'wrong_amount', times: null });
      const { body } = await createCombined(paysaga);
      await payCombined(paysaga, body);
      await paidOnce(body);
    });
  });

  describe('closing', () => {
    const close = (combined: Combined) =>
      paysaga.call('POST', `/v1/combined-payments/${combined.id}/close`, { reason: 'cart emptied' });

    it('closes all orders at the gateway, and answers the same when it is repeated', async () => {
      const { body } = await createCombined(paysaga);
      const closed = await close(body);
      assert.deepEqual([closed.status, closed.body.status], [200, 'CLOSED']);
      assert.deepEqual(subStatuses(closed.body), ['CLOSED', 'CLOSED']);
      assert.deepEqual(await tradeStates(body), ['CLOSED', 'CLOSED']);
      assert.equal((await close(body)).status, 200);
      const history = await paysaga.history(combinedId(body));
      assert.ok(history.length <= 32, `${history.length} events: ${history.join(' ')}`);
    });

    it('finds what was paid in the instant before it', async () => {
      await loseNotifications();
      await fault({ operation: 'combine.close', kind: 'pay_before' });
      const { body } = await createCombined(paysaga);
      const refused = await close(body);
      assert.deepEqual([refused.status, refused.body.code], [409, 'payment_not_closable']);
      await paidOnce(body);
    });

    for (const kind of ['timeout_before', 'timeout_after', 'error_500', 'rate_limited_429']) {
      it(`whose answer is ${kind} is resolved, never assumed`, async () => {
        await fault({ operation: 'combine.close', kind });
        const { body } = await createCombined(paysaga);
        await close(body);
        await untilCombined(paysaga, body, 'CLOSED');
        assert.deepEqual(await tradeStates(body), ['CLOSED', 'CLOSED']);
      });
    }

    it('names the appid of the order, whatever the merchant’s is by now', async () => {
      const { body } = await createCombined(paysaga);
      const orderedUnder = (appid: string) =>
        paysaga.pool.query('update combined_payments set appid = $2 where id = $1', [body.id, appid]);
      // WeChat Pay refuses another one, so that the order stays open.
      await orderedUnder('wx9999999999999999');
      const handle = paysaga.client.workflow.getHandle(combinedId(body));
      const closing = handle.executeUpdate('close', { args: [{ actor: 'test', reason: 'appid' }] });
      const refused = async () =>
        (await handle.describe()).raw.pendingActivities?.some(({ lastFailure }) =>
          /still says NOTPAY, NOTPAY after the close/.test(lastFailure?.message ?? ''),
        );
      for (let turn = 0; turn < 400 && !(await refused()); turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      assert.ok(await refused());
      await orderedUnder(paysaga.simulator.merchant.appid);
      assert.deepEqual(await closing, { status: 'CLOSED' });
      assert.deepEqual(await tradeStates(body), ['CLOSED', 'CLOSED']);
    });

    it('happens when the workflow is cancelled', async () => {
      const { body } = await createCombined(paysaga);
      await paysaga.client.workflow.getHandle(combinedId(body)).cancel();
      await untilCombined(paysaga, body, 'CLOSED');
      assert.deepEqual(await tradeStates(body), ['CLOSED', 'CLOSED']);
    });

    it('does not hide money that comes after it: each order is late money of its own, and goes back', async () => {
      const { body } = await createCombined(paysaga);
      await close(body);
      await paysaga.client.workflow.getHandle(combinedId(body)).result();
      // Nobody is told: the customer comes back to the shop, which asks.
      await fault({
        operation: 'notification',
        kind: 'drop',
        event_type: 'TRANSACTION.SUCCESS',
        times: null,
      });
      const { out_trade_no } = body.sub_payments[0];
      await paysaga.control('POST', `/orders/${out_trade_no}/pay`, { late: true });
      const asked = await paysaga.call('POST', `/v1/combined-payments/${body.id}/sync`);
      assert.equal(asked.status, 200);
      for (const { id, amount } of body.sub_payments) {
        const [late] = await latePayments(paysaga, id);
        assert.equal(late.amount.total, amount.total);
        await untilLate(paysaga, late, 'REFUNDED');
        assert.equal((await paysaga.call('GET', `/v1/payments/${id}`)).body.status, 'CLOSED');
      }
      assert.equal((await read(body)).status, 'CLOSED');
    });
  });

  it('whose workflow somebody terminated is shown to an operator, and its close is not acknowledged', async () => {
    const { body } = await createCombined(paysaga);
    await paysaga.client.workflow.getHandle(combinedId(body)).terminate('by hand');
    const refused = await paysaga.call('POST', `/v1/combined-payments/${body.id}/close`);
    assert.deepEqual([refused.status, refused.body.code], [503, 'temporarily_unavailable']);
    await shown(body, 'workflow_ended');
  });
});

describe('combined payments while Temporal is away', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({ apiTemporalAddress: '127.0.0.1:1', sagaDeadlineMs: 1_000, worker: false });
  });
  after(() => paysaga.stop());

  it('are accepted, started by the relay, and settled from the notification that was stored meanwhile', async () => {
    const { status, body } = await createCombined(paysaga);
    assert.deepEqual([status, body.status, subStatuses(body)], [202, 'CREATED', ['CREATED', 'CREATED']]);
    const { rows } = await paysaga.pool.query('select ensure_at from payments where combined_id = $1', [
      body.id,
    ]);
    assert.deepEqual(
      rows,
      [{ ensure_at: null }, { ensure_at: null }],
      'its orders have no workflow of their own',
    );
    // Temporal and the worker are back.
    await paysaga.pool.query('update combined_payments set ensure_at = now() where id = $1', [body.id]);
    await paysaga.startWorker();
    const pending = await untilCombined(paysaga, body, 'PENDING');
    assert.match(pending.code_url, /^weixin:/);
    await paysaga.stopWorker();
    await payCombined(paysaga, body);
    const accepted = async () =>
      (await paysaga.pool.query(`select subject_id from notifications where verdict = 'accepted'`)).rows;
    for (let turn = 0; turn < 200 && (await accepted()).length === 0; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 25));
    assert.deepEqual(await accepted(), [{ subject_id: body.id }], 'acknowledged without Temporal');
    await paysaga.startWorker();
    assert.deepEqual(subStatuses(await untilCombined(paysaga, body, 'PAID')), ['PAID', 'PAID']);
  });
});
