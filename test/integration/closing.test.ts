import assert from 'node:assert/strict';
import { listEventTypes } from '../../database/events.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

/** The API's clock is behind, so that a window of one minute ends after two seconds. */
const WINDOW_MS = 2_000;

describe('closing', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      apiClock: () => Date.now() - 60_000 + WINDOW_MS,
      paymentTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = (rule: object) => paysaga.control('POST', '/faults', rule);
  const create = async (fields = {}) => (await paysaga.createPayment({ expires_in: 60, ...fields })).body;
  const tradeState = async (number: string) =>
    (await paysaga.control('GET', `/orders/${number}`)).body.trade_state;

  it('an unpaid order is closed at the gateway before the payment says CLOSED', async () => {
    const { id, out_trade_no: number } = await create();
    await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
    assert.equal(await tradeState(number), 'CLOSED');
    assert.deepEqual(await listEventTypes(paysaga.pool, id), [
      'payment.created',
      'payment.pending',
      'payment.closed',
    ]);
    const history = await paysaga.history(`payment/${paysaga.mchid}/${number}`);
    assert.ok(history.length <= 26, `${history.length} events: ${history.join(' ')}`);
  });

  it('no payment says CLOSED before WeChat Pay has confirmed it, however overdue it is', async () => {
    await fault({ operation: 'order.close', kind: 'error_500', times: null });
    const { id, out_trade_no: number } = await create();
    await eventually('the close was asked for twice', async () => {
      const { faults } = (await paysaga.control('GET', '/fault-log?limit=1000')).body;
      return faults.filter((one: { out_trade_no: string }) => one.out_trade_no === number).length > 1;
    });
    assert.notEqual(await tradeState(number), 'CLOSED');
    assert.equal((await paysaga.call('GET', `/v1/payments/${id}`)).body.status, 'PENDING');
    await paysaga.control('DELETE', '/faults');
    await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
    assert.equal(await tradeState(number), 'CLOSED');
  });

  it('paid in the instant between the query and the close is PAID', async () => {
    const { id, out_trade_no: number } = await create();
    await fault({ operation: 'notification', kind: 'drop', times: null });
    await fault({ operation: 'order.close', kind: 'pay_before', out_trade_no: number });
    const paid = await paysaga.until(`/v1/payments/${id}`, 'PAID');
    assert.match(paid.transaction_id, /^4200/);
    assert.equal(await tradeState(number), 'SUCCESS');
  });

  for (const kind of ['timeout_before', 'timeout_after', 'error_500', 'rate_limited_429']) {
    it(`a close whose answer is ${kind} is resolved, never assumed`, async () => {
      await fault({ operation: 'order.close', kind });
      const { id, out_trade_no: number } = await create();
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      assert.equal(await tradeState(number), 'CLOSED');
    });
  }

  it('a gateway that cannot be asked keeps the payment open', async () => {
    await fault({ operation: 'order.query', kind: 'error_500', times: null });
    const { id, out_trade_no: number } = await create();
    await new Promise((resolve) => setTimeout(resolve, WINDOW_MS + 1_000));
    assert.equal((await paysaga.call('GET', `/v1/payments/${id}`)).body.status, 'PENDING');
    await paysaga.control('DELETE', '/faults');
    await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
    assert.equal(await tradeState(number), 'CLOSED');
  });

  it('an issued order that the gateway does not know for a moment is closed all the same', async () => {
    const { id, out_trade_no: number } = await create({ expires_in: 3600 });
    const { rows } = await paysaga.pool.query('select out_trade_no from payments where id = $1', [id]);
    assert.equal(rows[0].out_trade_no, number);
    // The row names another number for a moment, which the gateway has never heard of.
    await paysaga.pool.query('update payments set out_trade_no = $2 where id = $1', [
      id,
      `${number.slice(0, 28)}none`,
    ]);
    const closing = paysaga.client.workflow
      .getHandle(`payment/${paysaga.mchid}/${number}`)
      .executeUpdate('close', { args: [{ actor: 'test', reason: 'lag' }] });
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.equal(
      (await paysaga.call('GET', `/v1/payments/${id}`)).body.status,
      'PENDING',
      'silence closes nothing',
    );
    await paysaga.pool.query('update payments set out_trade_no = $2 where id = $1', [id, number]);
    assert.deepEqual(await closing, { status: 'CLOSED' });
    assert.equal(await tradeState(number), 'CLOSED');
  });

  it('a close on request answers CLOSED once the gateway confirmed it, and again when it is repeated', async () => {
    const { id, out_trade_no: number } = await create({ expires_in: 3600 });
    const closed = await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'cart emptied' });
    assert.equal(closed.status, 200);
    assert.equal(closed.body.status, 'CLOSED');
    assert.equal(await tradeState(number), 'CLOSED');
    assert.equal((await paysaga.call('POST', `/v1/payments/${id}/close`)).status, 200);
  });

  it('a close of a paid payment is refused with 409', async () => {
    const { id, out_trade_no: number } = await create({ expires_in: 3600 });
    await fault({ operation: 'notification', kind: 'drop', times: null });
    await paysaga.control('POST', `/orders/${number}/pay`, {});
    const refused = await paysaga.call('POST', `/v1/payments/${id}/close`);
    assert.equal(refused.status, 409);
    assert.equal(refused.body.code, 'payment_not_closable');
    assert.equal((await paysaga.call('GET', `/v1/payments/${id}`)).body.status, 'PAID');
  });

  it('a cancelled workflow closes the order instead of leaving it open', async () => {
    const { id, out_trade_no: number } = await create({ expires_in: 3600 });
    await paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${number}`).cancel();
    await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
    assert.equal(await tradeState(number), 'CLOSED');
  });

  it('a payment whose workflow somebody terminated is shown to an operator, and a close of it is not acknowledged', async () => {
    const { id, out_trade_no: number } = await create({ expires_in: 3600 });
    await paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${number}`).terminate('by hand');
    const refused = await paysaga.call('POST', `/v1/payments/${id}/close`);
    assert.equal(refused.status, 503);
    assert.equal(refused.body.code, 'temporarily_unavailable');
    await untilShownAsEnded(id);
  });

  it('a close and an order whose workflow is terminated before it has answered are told to come again', async () => {
    await fault({ operation: 'order.query', kind: 'error_500', times: null });
    const { id, out_trade_no: number } = await create({ expires_in: 3600 });
    const closing = paysaga.call('POST', `/v1/payments/${id}/close`);
    await terminateOnceAsked(number, 2);
    const { status, body } = await closing;
    assert.deepEqual([status, body.code], [503, 'temporarily_unavailable'], JSON.stringify(body));
    await untilShownAsEnded(id);

    await fault({ operation: 'native.create', kind: 'error_500', times: null });
    const ordering = paysaga.createPayment({ out_trade_no: 'ENDEDEARLY1' });
    await terminateOnceAsked('ENDEDEARLY1', 1);
    const ordered = await ordering;
    assert.deepEqual([ordered.status, ordered.body.status], [202, 'CREATED'], JSON.stringify(ordered.body));
  });

  /** Terminates a payment's workflow as soon as it has taken so many updates. */
  async function terminateOnceAsked(number: string, updates: number): Promise<void> {
    const workflowId = `payment/${paysaga.mchid}/${number}`;
    await eventually(`${number} has taken ${updates} updates`, async () => {
      const history = await paysaga.history(workflowId).catch(() => []);
      return history.filter((event) => event === 'workflowExecutionUpdateAccepted').length === updates;
    });
    await paysaga.client.workflow.getHandle(workflowId).terminate('by hand');
  }

  async function untilShownAsEnded(id: string): Promise<void> {
    let shown: { attention_reason?: string } = {};
    for (let turn = 0; turn < 200 && shown.attention_reason !== 'workflow_ended'; turn += 1) {
      shown = (await paysaga.call('GET', `/v1/payments/${id}`)).body;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal(shown.attention_reason, 'workflow_ended');
  }
});
