import assert from 'node:assert/strict';
import { settleRefund } from '../../activities/settle-refund.ts';
import { approve, requestApproval } from '../../database/approvals.ts';
import { listOperatorActions } from '../../database/operator-actions.ts';
import { addOperator, findOperator, type Operator } from '../../database/operators.ts';
import { loadPayout, markPayoutSent } from '../../database/refund-payouts.ts';
import { loadRefund } from '../../database/refunds.ts';
import { storePayout } from '../../gateway/payouts.ts';
import { recheck, resolveRefund } from '../../workflows/messages.ts';
import { eventually } from '../eventually.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { toRecorded } from '../replay/history.ts';
import { approvedByTwo, fault, finishRefund, mend, paid, refund, refundId } from '../replay/path.ts';
import { untilAttention, untilSearchAttribute } from '../watch.ts';

const CARD = { bank_type: 'ICBC_DEBIT', bank_account: '6222021234567890123', real_name: '王小明' } as const;

/** What people decide about refunds, and how it is shown to them. */
describe('refunds that need an operator', function () {
  this.timeout(60_000);
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [60_000], topUpGapsMs: [60_000], giveUpMs: 600_000 },
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
      gatewayTimeoutMs: 700,
      sagaDeadlineMs: 8_000,
    });
  });
  after(() => paysaga.stop());
  afterEach(() => mend(paysaga));

  const post = (id: string, what: string, body: object) =>
    paysaga.call('POST', `/v1/refunds/${id}/${what}`, body);
  const shown = async (id: string) => (await paysaga.call('GET', `/v1/refunds/${id}`)).body;
  /** Whether Temporal's list of what needs an operator has the workflow of this number. */
  const untilListed = (number: string, listed: boolean): Promise<void> =>
    untilSearchAttribute(
      paysaga.client.workflow.getHandle(refundId(paysaga, number)),
      'Attention',
      listed ? 'needs_operator' : undefined,
    );
  const abnormal = async () => {
    const payment = await paid(paysaga);
    const one = await refund(paysaga, payment.id);
    await finishRefund(paysaga, one.number, 'ABNORMAL');
    await paysaga.until(`/v1/refunds/${one.id}`, 'ABNORMAL');
    // The row is ahead of its workflow, which decides.
    await untilListed(one.number, true);
    return { payment, ...one };
  };
  const operator = async (name: string): Promise<Operator> => {
    const key = await addOperator(paysaga.pool, paysaga.tenantId, name);
    const found = key && (await findOperator(paysaga.pool, key));
    assert.ok(found);
    return found;
  };
  const limit = (limited: boolean) =>
    paysaga.control('PUT', `/merchants/${paysaga.mchid}/balance`, { limited, AVAILABLE: 0, UNSETTLED: 0 });

  it('an empty merchant account is shown, and the same number goes through once it is topped up', async () => {
    const payment = await paid(paysaga);
    await limit(true);
    const { status, body } = await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {});
    assert.equal(status, 202, JSON.stringify(body));
    assert.equal(body.attention_reason, 'refund_not_enough');
    assert.equal(body.status, 'RESERVED');
    await untilListed(body.out_refund_no, true);
    await limit(false);
    const handle = paysaga.client.workflow.getHandle(refundId(paysaga, body.out_refund_no));
    await handle.executeUpdate(recheck, { args: [{ actor: 'ana', reason: 'topped up' }] });
    const done = await paysaga.until(`/v1/refunds/${body.id}`, 'PROCESSING');
    assert.equal(done.attention, 'none');
    assert.equal(done.out_refund_no, body.out_refund_no);
    assert.equal(done.attempts.length, 1);
    await untilListed(body.out_refund_no, false);
    const actions = await listOperatorActions(paysaga.pool, payment.id);
    assert.deepEqual(
      actions.map(({ action, reason, refundId: about }) => [action, reason, about]),
      [['recheck', 'topped up', body.id]],
    );
  });

  it('the money of an abnormal refund goes to the customer’s card, and the card stays private', async () => {
    const { payment, id, number, workflowId } = await abnormal();
    const resolved = await post(id, 'resolve', {
      choice: 'USER_BANK_CARD',
      reason: 'card void',
      bank_card: CARD,
    });
    assert.equal(resolved.status, 200, JSON.stringify(resolved.body));
    assert.equal(resolved.body.status, 'PROCESSING');
    assert.equal(resolved.body.attention, 'none');
    assert.ok(!JSON.stringify(resolved.body).includes(CARD.bank_account));
    const there = paysaga.simulator.gateway.refundBook.findByNumber(number);
    assert.deepEqual(there?.payout, {
      type: 'USER_BANK_CARD',
      bankType: CARD.bank_type,
      bankAccount: CARD.bank_account,
      realName: CARD.real_name,
    });
    await finishRefund(paysaga, number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const [action] = await listOperatorActions(paysaga.pool, payment.id);
    assert.equal(action?.action, 'resolve_refund');
    assert.equal(action?.reason, 'card void');
    assert.equal(action?.result, 'ACCEPTED USER_BANK_CARD');

    const history = await paysaga.client.workflow.getHandle(workflowId).fetchHistory();
    const payloads = JSON.stringify(toRecorded(workflowId, history), (key, value) =>
      key === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value,
    );
    assert.ok(payloads.includes('rpo_'), 'the update names the stored request');
    const { rows: payouts } = await paysaga.pool.query('select * from refund_payouts where refund_id = $1', [
      id,
    ]);
    assert.equal(payouts[0].sealed_request, null, 'deleted once it was answered');
    const { rows: tables } = await paysaga.pool.query(
      `select table_name name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    const everything = [payloads];
    for (const { name } of tables) {
      const { rows } = await paysaga.pool.query(`select t::text row from "${name}" t`);
      everything.push(...rows.map(({ row }) => row));
    }
    for (const secret of [CARD.bank_account, CARD.real_name]) {
      assert.ok(!everything.some((text) => text.includes(secret)), `${secret} is nowhere`);
    }
  });

  it('while it is not answered the card is sealed, and the same bytes are sent again', async () => {
    const { id } = await abnormal();
    await fault(paysaga, { operation: 'refund.applyAbnormal', kind: 'timeout_before', delay_ms: 900 });
    const resolving = post(id, 'resolve', { choice: 'USER_BANK_CARD', reason: 'card void', bank_card: CARD });
    let sealed: Buffer | undefined;
    for (let turn = 0; turn < 400 && !sealed; turn += 1) {
      const { rows } = await paysaga.pool.query(
        'select sealed_request from refund_payouts where refund_id = $1 and sent_at is not null',
        [id],
      );
      sealed = rows[0]?.sealed_request;
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.ok(sealed);
    assert.ok(!sealed.includes(CARD.bank_account) && !sealed.includes('bank_account'));
    assert.equal((await resolving).body.status, 'PROCESSING');
  });

  it('an answer that is lost although the money was sent elsewhere: it is found, and not sent twice', async () => {
    const { id, number } = await abnormal();
    await fault(paysaga, { operation: 'refund.applyAbnormal', kind: 'reset_after' });
    const resolved = await post(id, 'resolve', { choice: 'MERCHANT_BANK_CARD', reason: 'we pay by hand' });
    assert.equal(resolved.status, 200, JSON.stringify(resolved.body));
    assert.equal(resolved.body.status, 'PROCESSING');
    assert.deepEqual(paysaga.simulator.gateway.refundBook.findByNumber(number)?.payout, {
      type: 'MERCHANT_BANK_CARD',
    });
  });

  it('another decision while the answer of one is lost: the gateway is asked first, and only the first one counts', async () => {
    const { payment, id, number } = await abnormal();
    const known = await loadRefund(paysaga.pool, id);
    assert.ok(known);
    // Sent by a worker that nobody has heard of since.
    const payoutId = await storePayout(paysaga, known, { type: 'USER_BANK_CARD', ...CARD });
    const stored = await loadPayout(paysaga.pool, paysaga.merchants.vault, { id: payoutId, refundId: id });
    await markPayoutSent(paysaga.pool, payoutId);
    const gateway = await paysaga.merchants.for(known);
    await gateway.applyPayout(known.refundId ?? '', stored?.request ?? { body: '' });
    const refused = await post(id, 'resolve', { choice: 'MERCHANT_BANK_CARD', reason: 'no answer' });
    assert.deepEqual([refused.status, refused.body.code], [409, 'refund_not_abnormal']);
    await paysaga.until(`/v1/refunds/${id}`, 'PROCESSING');
    assert.equal(
      paysaga.simulator.gateway.refundBook.findByNumber(number)?.payout?.type,
      'USER_BANK_CARD',
      'it was not sent elsewhere',
    );
    const [action] = await listOperatorActions(paysaga.pool, payment.id);
    assert.equal(action?.result, 'REFUSED refund_not_abnormal');
  });

  it('a payout that WeChat Pay refuses leaves the refund abnormal, and says why', async () => {
    const { id } = await abnormal();
    await fault(paysaga, { operation: 'refund.applyAbnormal', kind: 'refused', code: 'TRADE_ERROR' });
    const refused = await post(id, 'resolve', { choice: 'MERCHANT_BANK_CARD', reason: 'try' });
    assert.equal(refused.status, 422, JSON.stringify(refused.body));
    assert.equal(refused.body.gateway_code, 'TRADE_ERROR');
    assert.equal((await shown(id)).attention_reason, 'refund_abnormal');
    const again = await post(id, 'resolve', { choice: 'MERCHANT_BANK_CARD', reason: 'again' });
    assert.equal(again.body.status, 'PROCESSING', JSON.stringify(again.body));
  });

  it('a notification of ABNORMAL that comes after the decision does not undo it', async () => {
    const payment = await paid(paysaga);
    const { id, number } = await refund(paysaga, payment.id);
    await fault(paysaga, { operation: 'notification', kind: 'drop', times: 1, out_refund_no: number });
    await finishRefund(paysaga, number, 'ABNORMAL');
    await untilListed(number, true);
    const resolved = await post(id, 'resolve', { choice: 'MERCHANT_BANK_CARD', reason: 'card void' });
    assert.equal(resolved.body.status, 'PROCESSING', JSON.stringify(resolved.body));
    const { notifications } = (await paysaga.control('GET', '/notifications?limit=1000')).body;
    const late = notifications.find(
      ({ out_refund_no }: { out_refund_no: string }) => out_refund_no === number,
    );
    await paysaga.control('POST', `/notifications/${late.id}/redeliver`, {});
    await eventually('the notification has reached the workflow', async () => {
      const { rowCount } = await paysaga.pool.query(
        'select 1 from notifications where subject_id = $1 and delivered_at is not null',
        [id],
      );
      return rowCount !== 0;
    });
    await finishRefund(paysaga, number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const { rows } = await paysaga.pool.query(
      `select type from events where refund_id = $1 and type = 'refund.abnormal'`,
      [id],
    );
    assert.equal(rows.length, 1);
  });

  it('an answer that was asked for before it became ABNORMAL does not undo that', async () => {
    const payment = await paid(paysaga);
    const one = await refund(paysaga, payment.id);
    const before = await loadRefund(paysaga.pool, one.id);
    assert.equal(before?.status, 'PROCESSING');
    await finishRefund(paysaga, one.number, 'ABNORMAL');
    await paysaga.until(`/v1/refunds/${one.id}`, 'ABNORMAL');
    await settleRefund(paysaga.pool, before, {
      outRefundNo: one.number,
      refundId: String(before.refundId),
      status: 'PROCESSING',
      amount: before.amount,
    });
    const { status, attention_reason } = await shown(one.id);
    assert.deepEqual([status, attention_reason], ['ABNORMAL', 'refund_abnormal']);
  });

  it('leaving it for now is on record, and asks WeChat Pay at once', async () => {
    const { payment, id, number, workflowId } = await abnormal();
    await fault(paysaga, { operation: 'notification', kind: 'drop', times: null });
    await finishRefund(paysaga, number, 'SUCCESS');
    const handle = paysaga.client.workflow.getHandle(workflowId);
    const decision = { actor: 'ana', reason: 'done on the merchant platform', choice: 'WAIT' } as const;
    await handle.executeUpdate(resolveRefund, { args: [decision] });
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const [action] = await listOperatorActions(paysaga.pool, payment.id);
    assert.deepEqual([action?.action, action?.result], ['resolve_refund', 'WAIT']);
  });

  it('two people settle a refund that was paid back by other means', async () => {
    const { payment, id, number, workflowId } = await abnormal();
    const [ana, bo] = [await operator('ana'), await operator('bo')];
    const approvalId = await requestApproval(paysaga.pool, ana, {
      action: 'settle_refund_offline',
      subjectId: id,
      payload: {},
      reason: 'paid in cash, receipt 17',
    });
    const settle = () =>
      post(id, 'resolve', { choice: 'OFFLINE', reason: 'see approval', approval_id: approvalId });
    const alone = await settle();
    assert.equal(alone.status, 409, JSON.stringify(alone.body));
    assert.equal(alone.body.code, 'approval_refused');
    assert.equal((await shown(id)).status, 'ABNORMAL');
    await approve(paysaga.pool, bo, approvalId);
    const settled = await settle();
    assert.equal(settled.status, 200, JSON.stringify(settled.body));
    assert.equal(settled.body.status, 'SUCCEEDED');
    assert.equal(settled.body.settled_offline, true);
    assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}`)).body.status, 'REFUNDED');
    assert.deepEqual(await paysaga.client.workflow.getHandle(workflowId).result(), { status: 'SUCCEEDED' });
    const { rows } = await paysaga.pool.query(
      `select t.step, a.code, e.side from ledger_transactions t join ledger_entries e on e.transaction = t.sequence
         join ledger_accounts a on a.id = e.account
        where t.refund_id = $1 and t.step = 'refund.settled_offline' order by e.side desc`,
      [id],
    );
    assert.deepEqual(
      rows.map(({ code, side }) => [code, side]),
      [
        ['refunds_in_flight', 'debit'],
        ['settlement_bank', 'credit'],
      ],
    );
    const [action] = await listOperatorActions(paysaga.pool, payment.id);
    assert.deepEqual(
      [action?.action, action?.actor, action?.approvedBy, action?.reason],
      ['settle_refund_offline', 'ana', 'bo', 'paid in cash, receipt 17'],
    );
    // WeChat Pay moves the money after all: the customer has it twice, and somebody has to know.
    await finishRefund(paysaga, number, 'SUCCESS');
    await untilAttention(paysaga, `/v1/refunds/${id}`, 'gateway_contradicts');
    const asked = await post(id, 'recheck', { reason: 'is it so?' });
    assert.equal(asked.status, 202, JSON.stringify(asked.body));
    await paysaga.client.workflow.getHandle(workflowId).result();
    assert.equal((await shown(id)).attention_reason, 'gateway_contradicts');
    // Two people know what became of it.
    const accepted = await requestApproval(paysaga.pool, bo, {
      action: 'accept_contradiction',
      subjectId: id,
      payload: {},
      reason: 'the customer has paid it back in cash',
    });
    const accept = (approval_id: string) =>
      post(id, 'resolve', { choice: 'ACCEPT', reason: 'agreed', approval_id });
    assert.equal((await accept(approvalId)).body.code, 'approval_refused', 'that one was for something else');
    await approve(paysaga.pool, ana, accepted);
    const ended = await accept(accepted);
    assert.equal(ended.status, 200, JSON.stringify(ended.body));
    assert.equal(ended.body.attention, 'none');
    assert.equal(ended.body.status, 'SUCCEEDED');
    const last = (await listOperatorActions(paysaga.pool, payment.id)).at(-1);
    assert.deepEqual([last?.action, last?.actor, last?.approvedBy], ['accept_contradiction', 'bo', 'ana']);
    assert.equal((await accept(accepted)).body.code, 'refund_needs_no_operator');
  });

  it('a card that was stored for a refund which ended without it is forgotten', async () => {
    const { id, number } = await abnormal();
    const known = await loadRefund(paysaga.pool, id);
    assert.ok(known);
    // As after a crash of the API before it could tell the workflow.
    const payoutId = await storePayout(paysaga, known, { type: 'USER_BANK_CARD', ...CARD });
    await finishRefund(paysaga, number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    const { rows } = await paysaga.pool.query('select * from refund_payouts where id = $1', [payoutId]);
    assert.deepEqual([rows[0].outcome, rows[0].sealed_request], ['VOID', null]);
  });

  it('a refund that has succeeded meanwhile is not settled offline as well', async () => {
    const { id, number } = await abnormal();
    const approvalId = await approvedByTwo(paysaga, {
      action: 'settle_refund_offline',
      subjectId: id,
      payload: {},
      reason: 'paid in cash',
    });
    await fault(paysaga, { operation: 'notification', kind: 'drop', times: null });
    await finishRefund(paysaga, number, 'SUCCESS');
    const refused = await post(id, 'resolve', {
      choice: 'OFFLINE',
      reason: 'see approval',
      approval_id: approvalId,
    });
    assert.equal(refused.body.code, 'refund_not_abnormal', JSON.stringify(refused.body));
    const done = await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    assert.equal(done.settled_offline, false);
  });

  it('another amount at WeChat Pay is shown in the row and in Temporal, until it agrees', async () => {
    const payment = await paid(paysaga);
    const { id, number } = await refund(paysaga, payment.id, { amount: { refund: 400 } });
    await paysaga.pool.query('update refunds set amount = 399 where id = $1', [id]);
    await fault(paysaga, { operation: 'notification', kind: 'drop', times: null });
    await untilAttention(paysaga, `/v1/refunds/${id}`, 'amount_differs');
    await untilListed(number, true);
    await paysaga.pool.query('update refunds set amount = 400 where id = $1', [id]);
    assert.equal((await post(id, 'recheck', { reason: 'amount corrected' })).status, 202);
    await untilAttention(paysaga, `/v1/refunds/${id}`, null);
    await untilListed(number, false);
    assert.equal((await shown(id)).status, 'PROCESSING');
  });

  it('a refund whose workflow was terminated goes on when an operator asks', async () => {
    const payment = await paid(paysaga);
    const { id, number, workflowId } = await refund(paysaga, payment.id);
    await paysaga.client.workflow.getHandle(workflowId).terminate('by mistake');
    await paysaga.pool.query('update refunds set ensure_at = now() where id = $1', [id]);
    await untilAttention(paysaga, `/v1/refunds/${id}`, 'workflow_ended');
    assert.equal((await post(id, 'recheck', { reason: 'was a mistake' })).status, 202);
    await untilAttention(paysaga, `/v1/refunds/${id}`, null);
    await finishRefund(paysaga, number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
    assert.deepEqual(await paysaga.client.workflow.getHandle(workflowId).result(), { status: 'SUCCEEDED' });
  });

  it('decisions without a reason, an approval or a card are refused, and those nobody waits for', async () => {
    const { id, workflowId } = await abnormal();
    for (const [body, pointer] of [
      [{ choice: 'WAIT' }, '/reason'],
      [{ choice: 'ELSEWHERE', reason: 'x' }, '/choice'],
      [{ choice: 'USER_BANK_CARD', reason: 'x' }, '/bank_card'],
      [
        { choice: 'USER_BANK_CARD', reason: 'x', bank_card: { ...CARD, bank_account: '12' } },
        '/bank_card/bank_account',
      ],
      [{ choice: 'OFFLINE', reason: 'x' }, '/approval_id'],
    ] as const) {
      const refused = await post(id, 'resolve', body);
      assert.equal(refused.status, 422, JSON.stringify(refused.body));
      assert.deepEqual(
        refused.body.errors.map((error: { pointer: string }) => error.pointer),
        [pointer],
      );
    }
    const handle = paysaga.client.workflow.getHandle(workflowId);
    for (const args of [
      [{ actor: 'ops', reason: '' }],
      [{ actor: 'ops', reason: 'x', choice: 'ELSEWHERE' }],
      [{ actor: 'ops', reason: 'x', choice: 'OFFLINE' }],
      [{ actor: 'ops', reason: 'x', choice: 'USER_BANK_CARD' }],
    ]) {
      await assert.rejects(handle.executeUpdate('resolveRefund', { args: args as [] }));
    }
    assert.equal((await shown(id)).status, 'ABNORMAL');
    const { id: other } = await refund(paysaga, (await paid(paysaga)).id);
    assert.equal((await post(other, 'recheck', { reason: 'x' })).body.code, 'refund_needs_no_operator');
    assert.equal(
      (await post(other, 'resolve', { choice: 'WAIT', reason: 'x' })).body.code,
      'refund_not_abnormal',
    );
  });
});
