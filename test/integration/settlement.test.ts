import assert from 'node:assert/strict';
import { listEventTypes } from '../../database/events.ts';
import { claimDeliveries } from '../../database/notifications.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

/** However the truth arrives, the payment settles once. */
describe('settlement', () => {
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
  const pay = (number: string) => paysaga.control('POST', `/orders/${number}/pay`, {});
  const paidOnce = async (id: string) => {
    const paid = await paysaga.until(`/v1/payments/${id}`, 'PAID');
    const types = await listEventTypes(paysaga.pool, id);
    assert.equal(types.filter((type) => type === 'payment.paid').length, 1);
    return paid;
  };

  it('polling alone settles a payment whose notification is lost', async () => {
    await fault({ operation: 'notification', kind: 'drop', times: null });
    const { body } = await paysaga.createPayment();
    await pay(body.out_trade_no);
    const paid = await paidOnce(body.id);
    assert.match(paid.transaction_id, /^4200/);
    assert.equal(paid.amount.payer_total, 2590);
  });

  it('however often it polls, the history stays short', async () => {
    await fault({ operation: 'notification', kind: 'drop', times: null });
    const { body } = await paysaga.createPayment();
    await new Promise((resolve) => setTimeout(resolve, 2_000));
    await pay(body.out_trade_no);
    await paidOnce(body.id);
    const history = await paysaga.history(`payment/${paysaga.mchid}/${body.out_trade_no}`);
    assert.ok(history.length <= 22, `${history.length} events: ${history.join(' ')}`);
  });

  it('a hundred copies of one notification have one effect and a hundred acknowledgements', async () => {
    await paysaga.stopWorker();
    await paysaga.startWorker();
    const { body } = await paysaga.createPayment();
    await pay(body.out_trade_no);
    await paidOnce(body.id);
    const { rows } = await paysaga.pool.query(
      `select headers, body from notifications where verdict = 'accepted' order by received_at desc limit 1`,
    );
    const headers: Record<string, string> = {};
    const raw: string[] = rows[0].headers;
    for (let i = 0; i < raw.length; i += 2) headers[String(raw[i]).toLowerCase()] = String(raw[i + 1]);
    for (const name of ['host', 'connection', 'content-length', 'transfer-encoding', 'keep-alive'])
      delete headers[name];
    const answers = await Promise.all(
      Array.from({ length: 100 }, () =>
        fetch(`${paysaga.apiUrl}/v1/notifications/${paysaga.merchantId}`, {
          method: 'POST',
          headers,
          body: rows[0].body,
        }),
      ),
    );
    assert.deepEqual(new Set(answers.map((answer) => answer.status)), new Set([204]));
    await paidOnce(body.id);
    const verdicts = await paysaga.pool.query(
      `select verdict, count(*)::int n from notifications where notification_id =
         (select notification_id from notifications where verdict = 'accepted' order by received_at desc limit 1)
       group by verdict order by verdict`,
    );
    assert.deepEqual(verdicts.rows, [
      { verdict: 'accepted', n: 1 },
      { verdict: 'duplicate', n: 100 },
    ]);
  });

  it('two notifications at the same instant as the poll make one transition', async () => {
    await fault({ operation: 'notification', kind: 'duplicate', times: null });
    const { body } = await paysaga.createPayment();
    await pay(body.out_trade_no);
    await paidOnce(body.id);
  });

  for (const kind of [
    'timeout_after',
    'reset_after',
    'error_500',
    'error_502_html',
    'probe_signature',
    'unsigned',
  ]) {
    it(`one order at the gateway when the prepay answer is lost (${kind})`, async () => {
      await fault({ operation: 'native.create', kind, processed: true });
      const { status, body } = await paysaga.createPayment();
      assert.equal(status, 201, JSON.stringify(body));
      const order = (await paysaga.control('GET', `/orders/${body.out_trade_no}`)).body;
      assert.equal(order.code_url, body.code_url, 'the code_url is the one that works');
      await pay(body.out_trade_no);
      await paidOnce(body.id);
    });
  }

  it('after an order without an answer, the next ones hold no workflow task', async () => {
    // A new worker has seen no slow call yet.
    await paysaga.stopWorker();
    await paysaga.startWorker();
    const orderedByActivity = async (number: string) => {
      const handle = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${number}`);
      const { events } = await handle.fetchHistory();
      return events?.some(
        (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'createPrepayOrder',
      );
    };
    const prompt = await paysaga.createPayment();
    assert.equal(await orderedByActivity(prompt.body.out_trade_no), false);
    await fault({ operation: 'native.create', kind: 'error_500' });
    await paysaga.createPayment();
    const next = await paysaga.createPayment();
    assert.equal(next.status, 201);
    assert.equal(await orderedByActivity(next.body.out_trade_no), true);
  });

  it('the exact order request is stored, and the appid it named counts even if the merchant’s changes', async () => {
    const { body } = await paysaga.createPayment();
    const { rows } = await paysaga.pool.query('select prepay_request, appid from payments where id = $1', [
      body.id,
    ]);
    const sent = JSON.parse(rows[0].prepay_request);
    assert.equal(sent.out_trade_no, body.out_trade_no);
    assert.equal(sent.appid, rows[0].appid);
    await paysaga.pool.query(`update merchants set appid = 'wx9999999999999999'`);
    try {
      await pay(body.out_trade_no);
      await paidOnce(body.id);
    } finally {
      await paysaga.pool.query('update merchants set appid = $1', [paysaga.simulator.merchant.appid]);
    }
  });

  it('a signal that somebody sends by hand without an id does no harm', async () => {
    const { body } = await paysaga.createPayment();
    await paysaga.client.workflow
      .getHandle(`payment/${paysaga.mchid}/${body.out_trade_no}`)
      .signal('notified');
    await pay(body.out_trade_no);
    await paidOnce(body.id);
  });

  it('connections to PostgreSQL that are cut off in the middle end no process and lose nothing', async () => {
    const { body } = await paysaga.createPayment();
    const locker = await paysaga.pool.connect();
    await locker.query('begin');
    await locker.query('select 1 from payments where id = $1 for update', [body.id]);
    await pay(body.out_trade_no);
    // Settling waits for the lock now, inside its transaction.
    const others = async () =>
      (
        await paysaga.pool.query(
          `select pid from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'`,
        )
      ).rows;
    for (let turn = 0; turn < 400 && (await others()).length === 0; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    assert.ok((await others()).length > 0);
    await locker.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );
    await locker.query('rollback');
    locker.release();
    await paidOnce(body.id);
  });

  it('a claimed notification comes up again when the relay that claimed it dies', async () => {
    const { rows } = await paysaga.pool.query(
      `update notifications set deliver_at = now(), delivered_at = null
       where id = (select id from notifications where verdict = 'accepted' limit 1) returning id`,
    );
    const delivered = async () =>
      (await paysaga.pool.query('select delivered_at from notifications where id = $1', [rows[0].id])).rows[0]
        .delivered_at;
    for (let turn = 0; turn < 200 && !(await delivered()); turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.ok(await delivered());
    await paysaga.stopWorker();
    await paysaga.pool.query('update notifications set deliver_at = now() where id = $1', [rows[0].id]);
    const claimed = await claimDeliveries(paysaga.pool, 10);
    assert.deepEqual(
      claimed.map((delivery) => delivery.id),
      [rows[0].id],
    );
    assert.deepEqual(await claimDeliveries(paysaga.pool, 10), [], 'nobody else takes it');
    const again = await paysaga.pool.query(
      'select deliver_at > now() later from notifications where id = $1',
      [rows[0].id],
    );
    assert.equal(again.rows[0].later, true, 'it is due again by itself');
    await paysaga.startWorker();
  });

  it('a worker that is gone while the customer pays settles the payment when it is back', async () => {
    const { body } = await paysaga.createPayment();
    await paysaga.stopWorker();
    await pay(body.out_trade_no);
    await paysaga.startWorker();
    await paidOnce(body.id);
  });

  it('a success over another amount never settles: it waits for an operator, and a recheck settles it', async () => {
    const { body } = await paysaga.createPayment();
    await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [body.id]);
    await pay(body.out_trade_no);
    let shown: { attention: string; attention_reason: string; status: string } | undefined;
    for (let turn = 0; turn < 200 && shown?.attention !== 'needs_operator'; turn += 1) {
      shown = (await paysaga.call('GET', `/v1/payments/${body.id}`)).body;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal(shown?.attention_reason, 'amount_differs');
    assert.equal(shown?.status, 'PENDING');

    const handle = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${body.out_trade_no}`);
    await assert.rejects(handle.executeUpdate('recheck', { args: [{ actor: '', reason: '' }] }));
    await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [body.id]);
    await handle.executeUpdate('recheck', { args: [{ actor: 'ops', reason: 'amount corrected' }] });
    const paid = await paidOnce(body.id);
    assert.equal(paid.attention, 'none');
    await handle.result();
    const { searchAttributes } = await handle.describe();
    assert.ok(!(searchAttributes.Attention as unknown[] | undefined)?.includes('needs_operator'));
  });
});

describe('settlement while Temporal is away', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({ apiTemporalAddress: '127.0.0.1:1', sagaDeadlineMs: 1_000, worker: false });
  });
  after(() => paysaga.stop());

  it('the intent is accepted, and settles when Temporal is back', async () => {
    const { status, body } = await paysaga.createPayment();
    assert.equal(status, 202);
    assert.equal(body.status, 'CREATED');
    // Temporal and the worker are back.
    await paysaga.pool.query('update payments set ensure_at = now() where id = $1', [body.id]);
    await paysaga.startWorker();
    await paysaga.until(`/v1/payments/${body.id}`, 'PENDING');
    await paysaga.stopWorker();
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    const notified = async () =>
      (await paysaga.pool.query(`select verdict from notifications where verdict = 'accepted'`)).rows.length;
    for (let turn = 0; turn < 200 && (await notified()) === 0; turn += 1)
      await new Promise((resolve) => setTimeout(resolve, 25));
    assert.equal(await notified(), 1, 'acknowledged without Temporal');
    await paysaga.startWorker();
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
  });
});
