import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { listEventTypes } from '../../database/events.ts';
import { upsertMerchant } from '../../database/merchants.ts';
import { openVault } from '../../database/secrets.ts';
import { type OperatorRequest, recheck, retryStep } from '../../workflows/messages.ts';
import { combinedId, createCombined, payCombined } from '../combined.ts';
import { runPaysaga } from '../command.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { currentDetails, untilAttention, untilSearchAttribute } from '../watch.ts';

const ASKED: [OperatorRequest] = [{ actor: 'lin', reason: 'keys mended' }];

/** Wrong keys hold everything up and lose nothing. */
describe('credentials that WeChat Pay refuses', () => {
  let paysaga: Paysaga;
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'paysaga-credentials-'));
    paysaga = await startPaysaga({
      sagaDeadlineMs: 500,
      paymentTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
      refundTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
      simulator: { credentialsDir: folder },
    });
  });
  after(async () => {
    await paysaga.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(mend);

  /** The key of somebody else under the merchant's number. */
  async function spoil(): Promise<void> {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { merchant } = paysaga.simulator;
    await upsertMerchant(paysaga.pool, openVault(paysaga.masterKey), paysaga.tenantId, {
      mchid: merchant.mchid,
      appid: merchant.appid,
      serialNo: merchant.serialNo,
      privateKey: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      apiV3Key: merchant.apiV3Key,
      publicKeys: { [merchant.publicKeyId]: merchant.publicKeyPem },
      apiBaseUrl: paysaga.simulator.baseUrl,
    });
    // Known at once instead of within seconds.
    paysaga.merchants.doubt(paysaga.merchantId);
  }
  async function mend(): Promise<void> {
    const { code, said } = await runPaysaga(paysaga, [
      ...['merchant', 'upsert', '--tenant', 'demo', '--credentials', folder],
    ]);
    assert.equal(code, 0, said);
  }
  const row = async (id: string) =>
    (await paysaga.pool.query('select prepay_request, out_trade_no from payments where id = $1', [id]))
      .rows[0];
  const handleOf = (number: string) =>
    paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${number}`);
  const shown = async (path: string) => (await paysaga.call('GET', path)).body;

  it('hold an order up, visibly; once they are mended it goes on at the operator’s word, with its number and its bytes', async () => {
    await spoil();
    const { status, body } = await paysaga.createPayment();
    assert.equal(status, 202, JSON.stringify(body));
    const path = `/v1/payments/${body.id}`;
    await untilAttention(paysaga, path, 'credentials_refused');
    const handle = handleOf(body.out_trade_no);
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    assert.match(
      await currentDetails(handle),
      /refuses the merchant's credentials \(SIGN_ERROR\).*paysaga merchant upsert/,
    );
    const before = await row(body.id);
    const events = (await handle.fetchHistory()).events?.length;

    const early = await handle.executeUpdate(retryStep, { args: ASKED });
    assert.deepEqual(early, { repeated: ['createPrepayOrder'] });
    assert.equal((await shown(path)).status, 'CREATED', 'not mended yet');
    await mend();
    assert.deepEqual(await handle.executeUpdate(retryStep, { args: ASKED }), {
      repeated: ['createPrepayOrder'],
    });
    const pending = await paysaga.until(path, 'PENDING');
    assert.equal(pending.attention, 'none');
    assert.equal(pending.out_trade_no, body.out_trade_no);
    assert.deepEqual(await row(body.id), before, 'the same bytes');
    await untilSearchAttribute(handle, 'Attention', undefined);
    assert.match(await currentDetails(handle), /^Waiting for the customer to pay the Native order/);

    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await paysaga.until(path, 'PAID');
    await handle.result();
    assert.deepEqual(await listEventTypes(paysaga.pool, body.id), [
      'payment.created',
      'payment.needs_operator',
      'payment.pending',
      'payment.paid',
    ]);
    const total = (await paysaga.control('GET', `/orders?out_trade_no=${body.out_trade_no}`)).body.total;
    assert.equal(total, 1, 'one order at the gateway');
    const actions = await paysaga.pool.query(
      'select action, actor, reason, result from operator_actions where payment_id = $1 order by at',
      [body.id],
    );
    const action = { action: 'retry_step', actor: 'lin', reason: 'keys mended', result: 'createPrepayOrder' };
    assert.deepEqual(actions.rows, [action, action]);
    assert.ok(events && events < 20, `${events} events`);
  });

  it('hold an order up until they are mended; it goes on by itself, and its history has not grown', async () => {
    await spoil();
    const { body } = await paysaga.createPayment();
    const path = `/v1/payments/${body.id}`;
    await untilAttention(paysaga, path, 'credentials_refused');
    const handle = handleOf(body.out_trade_no);
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    const { historyLength: before } = await handle.describe();
    await mend();
    await paysaga.until(path, 'PENDING');
    const { events } = await handle.fetchHistory();
    const since = (events ?? []).slice(before);
    assert.ok(
      since.filter((event) => event.activityTaskScheduledEventAttributes).length <= 1,
      'at most the poll was scheduled since',
    );
  });

  it('hold polling up; it goes on, and whoever looked need look no more', async () => {
    const { body } = await paysaga.createPayment();
    const path = `/v1/payments/${body.id}`;
    await spoil();
    await untilAttention(paysaga, path, 'credentials_refused');
    const handle = handleOf(body.out_trade_no);
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    await mend();
    await handle.executeUpdate(retryStep, { args: ASKED });
    await untilSearchAttribute(handle, 'Attention', undefined);
    await untilAttention(paysaga, path, null);
    assert.equal((await shown(path)).status, 'PENDING');
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    const paid = await paysaga.until(path, 'PAID');
    assert.deepEqual(await listEventTypes(paysaga.pool, body.id), [
      'payment.created',
      'payment.pending',
      'payment.needs_operator',
      'payment.attention_cleared',
      'payment.paid',
    ]);
    assert.equal(paid.version, 5, 'each event is a version');
  });

  it('do not hide what a person is asked for already', async () => {
    const { body } = await paysaga.createPayment();
    const path = `/v1/payments/${body.id}`;
    await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [body.id]);
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await untilAttention(paysaga, path, 'amount_differs');
    await spoil();
    const handle = handleOf(body.out_trade_no);
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    await handle.executeUpdate(recheck, { args: ASKED });
    for (let turn = 0; !/refuses the merchant's credentials/.test(await currentDetails(handle)); turn += 1) {
      assert.ok(turn < 200, 'the refusal shows in the details');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.equal((await shown(path)).attention_reason, 'amount_differs');
    await mend();
    await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [body.id]);
    await handle.executeUpdate(retryStep, { args: ASKED });
    await paysaga.until(path, 'PAID');
  });

  it('are told of once by a step whose row shows another reason, and told of again when they are taken', async () => {
    const { body } = await paysaga.createPayment();
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    await paysaga.control('POST', '/faults', { operation: 'refund.create', kind: 'not_enough', times: null });
    const refund = (
      await paysaga.call('POST', `/v1/payments/${body.id}/refunds`, { amount: { refund: 100 } })
    ).body;
    await untilAttention(paysaga, `/v1/refunds/${refund.id}`, 'refund_not_enough');
    const handle = paysaga.client.workflow.getHandle(`refund/${paysaga.mchid}/${refund.out_refund_no}`);
    const signals = async () =>
      ((await handle.fetchHistory()).events ?? []).filter(
        (event) => event.workflowExecutionSignaledEventAttributes?.signalName === 'credentials',
      ).length;
    await spoil();
    await handle.executeUpdate(recheck, { args: ASKED });
    await eventually('the refusal is told', async () => (await signals()) === 1);
    const execution = { workflowId: handle.workflowId };
    const repeat = () =>
      eventually('the step waits for its next attempt, and is repeated at once', async () => {
        const { pendingActivities } = (await handle.describe()).raw;
        const [step] = pendingActivities ?? [];
        if (!step?.activityId || (step.attempt ?? 1) < 2) return false;
        const id = step.activityId;
        return await paysaga.client.workflowService.resetActivity({ namespace: 'default', execution, id });
      });
    for (let turn = 0; turn < 4; turn += 1) await repeat();
    assert.equal(await signals(), 1);
    assert.equal((await shown(`/v1/refunds/${refund.id}`)).attention_reason, 'refund_not_enough');
    assert.match(await currentDetails(handle), /refuses the merchant's credentials/);
    await mend();
    await repeat();
    await eventually(
      'the details tell what is left',
      async () => !/refuses the merchant's credentials/.test(await currentDetails(handle)),
    );
    assert.equal((await shown(`/v1/refunds/${refund.id}`)).attention_reason, 'refund_not_enough');
    await paysaga.control('DELETE', '/faults');
    await handle.executeUpdate(recheck, { args: ASKED });
    await paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
  });

  it('hold a combined order up, and all of it goes on', async () => {
    await spoil();
    const { status, body } = await createCombined(paysaga);
    assert.equal(status, 202, JSON.stringify(body));
    const path = `/v1/combined-payments/${body.id}`;
    await untilAttention(paysaga, path, 'credentials_refused');
    const handle = paysaga.client.workflow.getHandle(combinedId(body));
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    await mend();
    const answer = await handle.executeUpdate(retryStep, { args: ASKED });
    assert.deepEqual(answer, { repeated: ['createCombinedOrder'] });
    const pending = await paysaga.until(path, 'PENDING');
    assert.equal(pending.attention, 'none');
    await untilSearchAttribute(handle, 'Attention', undefined);
    await payCombined(paysaga, body);
    await paysaga.until(path, 'PAID');
    const { rows } = await paysaga.pool.query(
      'select type from events where combined_id = $1 order by sequence',
      [body.id],
    );
    assert.deepEqual(
      rows.map(({ type }) => type.replace('combined_payment.', '')),
      ['created', 'needs_operator', 'pending', 'paid'],
    );
    const actions = await paysaga.pool.query(
      'select action, result from operator_actions where combined_id = $1',
      [body.id],
    );
    assert.deepEqual(actions.rows, [{ action: 'retry_step', result: 'createCombinedOrder' }]);
  });

  it('hold a refund up; it is applied for again under the same number', async () => {
    const { body } = await paysaga.createPayment();
    await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
    await spoil();
    const refund = (
      await paysaga.call('POST', `/v1/payments/${body.id}/refunds`, { amount: { refund: 100 } })
    ).body;
    const path = `/v1/refunds/${refund.id}`;
    await untilAttention(paysaga, path, 'credentials_refused');
    const handle = paysaga.client.workflow.getHandle(`refund/${paysaga.mchid}/${refund.out_refund_no}`);
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    assert.match(await currentDetails(handle), /refuses the merchant's credentials/);
    const bytes = async () =>
      (await paysaga.pool.query('select request from refund_attempts where refund_id = $1', [refund.id]))
        .rows;
    const before = await bytes();
    await mend();
    assert.deepEqual(await handle.executeUpdate(retryStep, { args: ASKED }), {
      repeated: ['submitRefund'],
    });
    const done = await paysaga.until(path, 'SUCCEEDED');
    assert.equal(done.attention, 'none');
    assert.equal(done.out_refund_no, refund.out_refund_no);
    assert.deepEqual(await bytes(), before);
    await handle.result();
    await untilSearchAttribute(handle, 'Attention', undefined);
    const { rows } = await paysaga.pool.query(
      'select action, refund_id from operator_actions where payment_id = $1',
      [body.id],
    );
    assert.deepEqual(rows, [{ action: 'retry_step', refund_id: refund.id }]);
  });
});
