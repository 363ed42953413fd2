import assert from 'node:assert/strict';
import { balances } from '../../database/ledger.ts';
import { billDateOf, daysAfter } from '../../domain/bill-day.ts';
import { readFundFlowBill, WechatPay } from '../../wechatpay/index.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { type Books, done, MORNING, type Reconciling, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2034-03-01';

/** Each test has a day of its own, in the order of the tests. */
describe('movements of a fund flow that are no trade', () => {
  let books: Books;
  let day = FIRST_DAY;
  before(async () => {
    books = await startBooks(FIRST_DAY);
  });
  beforeEach(() => {
    day = books.today();
  });
  after(() => books.paysaga.stop());

  /** The fund flow of the day has these besides its trade, each over a hundred yuan. */
  async function move(movements: string[], operation = 'bill.fund_flow') {
    for (const movement of movements) {
      const { status, body } = await books.paysaga.control('POST', '/faults', {
        ...{ operation, kind: 'extra_movement', bill_date: day, movement, times: null },
      });
      assert.equal(status, 200, JSON.stringify(body));
    }
  }
  /** Reconciles the day of the test on the morning after; it must add up. */
  async function nextMorning(reconciling: Reconciling = {}) {
    await books.at(MORNING, daysAfter(day, 1));
    return await done(books.reconcile(day, reconciling));
  }
  const movementsOf = async (runId: string) =>
    (
      (await books.paysaga.call('GET', `/v1/reconciliations/${runId}/lines?limit=100`)).body.data as Sold[]
    ).filter(({ kind }) => kind === 'movement');
  /** What has happened to the accounts since. */
  async function accounts(merchantId = books.paysaga.merchantId) {
    const { settlement_bank, wechat_receivable, gateway_fees, suspense } = await balances(
      books.paysaga.pool,
      merchantId,
    );
    return { settlement_bank, wechat_receivable, gateway_fees, suspense };
  }

  it('withdrawals and top-ups are posted with the bank, line by line and once; what is unknown stays a break', async () => {
    const { paysaga } = books;
    await books.sell();
    await move(['withdrawal', 'withdrawal_returned', 'top_up', 'profit_sharing']);
    const before = await accounts();
    const result = await nextMorning();
    assert.deepEqual(result.lines, { all: 5, matched: 4, carried: 0, breaks: 1 });
    assert.deepEqual(result.posted, { fees: -16, coupons: 0, movements: 10_000 });
    const after = await accounts();
    assert.deepEqual(
      [after.settlement_bank - before.settlement_bank, after.wechat_receivable - before.wechat_receivable],
      [10_000 - 20_000, -16 - 10_000 + 20_000],
    );

    const lines = await movementsOf(result.runId);
    assert.deepEqual(
      new Set(
        lines.map(({ state, reason, fund_flow, ledger }) =>
          [state, reason, fund_flow.net, ledger.posted_movement].join(' '),
        ),
      ),
      new Set([
        'matched withdrawn -10000 -10000',
        'matched withdrawal_returned 10000 10000',
        'matched topped_up 10000 10000',
        'missing_here unknown_movement -10000 0',
      ]),
    );
    const { body } = await paysaga.call('GET', '/v1/ledger/transactions?account=settlement_bank');
    assert.deepEqual(
      body.data
        .map(({ step, bill_reference, effective_at }: Sold) => [
          step,
          bill_reference,
          billDateOf(new Date(effective_at)),
        ])
        .sort(),
      lines
        .filter(({ state }) => state === 'matched')
        .map(({ reason, fund_flow }) => [
          reason === 'withdrawn' ? 'settlement.paid_out' : 'settlement.paid_in',
          `${day} line ${fund_flow.line}`,
          day,
        ])
        .sort(),
    );

    const again = await books.reconcile(day);
    assert.ok(again.kind === 'done' && !again.changed, JSON.stringify(again));
    assert.deepEqual(await accounts(), after);

    // The break has an owner and an end, as others have.
    const [open] = (await paysaga.call('GET', '/v1/reconciliation-breaks?status=break')).body.data;
    assert.deepEqual([open.reason, open.kind, open.difference], ['unknown_movement', 'movement', -10_000]);
    const path = `/v1/reconciliation-breaks/${open.id}`;
    const assigned = await paysaga.call('POST', `${path}/assign`, { actor: 'li.na', owner: 'wang.wei' });
    assert.equal(assigned.body.owner, 'wang.wei');
    const decision = { actor: 'wang.wei', reason: 'sharing with the landlord', resolution: 'to_suspense' };
    await paysaga.call('POST', `${path}/resolve`, decision);
    assert.equal((await accounts()).suspense, after.suspense - 10_000);
    const resolved = await books.reconcile(day);
    assert.ok(resolved.kind === 'done' && !resolved.changed && resolved.checks.ledger);
  });

  it('one on which a person has decided is not posted again', async () => {
    const { paysaga } = books;
    await books.sell();
    await move(['withdrawal']);
    await books.at(MORNING, daysAfter(day, 1));
    // As it was before such movements explained themselves: a person has resolved the break, and the day is run again.
    const { wechat } = await paysaga.merchants.get(paysaga.merchantId);
    assert.ok(wechat instanceof WechatPay);
    const address = await wechat.bills.fundFlow({ bill_date: day });
    let flowId = '';
    for await (const row of readFundFlowBill(await wechat.bills.download(address)).rows()) {
      if (row.business_type === '提现') flowId = row.flow_id;
    }
    await paysaga.pool.query(
      `insert into reconciliation_items (id, tenant_id, merchant_id, subject, status, bill_date, last_date, run, ordinal, kind, state, reason,
         currency, difference)
       select 'brk_decided', tenant_id, merchant_id, $2, 'break', $3, $3, sequence, 0, 'movement', 'missing_here', 'unknown_movement', 'CNY', -10000
         from reconciliation_runs where merchant_id = $1 limit 1`,
      [paysaga.merchantId, `flow/${flowId}`, day],
    );
    const decision = { actor: 'li.na', reason: 'a withdrawal', resolution: 'to_bank' };
    const decided = await paysaga.call('POST', '/v1/reconciliation-breaks/brk_decided/resolve', decision);
    assert.deepEqual([decided.status, decided.body.difference], [200, 0], JSON.stringify(decided.body));
    const before = await accounts();
    const result = await nextMorning();
    assert.deepEqual(
      (await movementsOf(result.runId)).map(({ state, reason }) => [state, reason]),
      [['missing_here', 'unknown_movement']],
    );
    assert.equal((await accounts()).settlement_bank, before.settlement_bank);
    const { status } = (await paysaga.call('GET', '/v1/reconciliation-breaks/brk_decided')).body;
    assert.equal(status, 'resolved');
  });

  it('one that a restated bill has on another line is still the one on which a person has decided', async () => {
    const { paysaga } = books;
    await books.sell();
    await move(['profit_sharing', 'top_up']);
    await nextMorning();
    const lastBreak = async () =>
      (await paysaga.call('GET', '/v1/reconciliation-breaks?limit=1')).body.data[0] as Sold;
    const { id, reason } = await lastBreak();
    assert.equal(reason, 'unknown_movement');
    const decision = { actor: 'wang.wei', reason: 'sharing with the landlord', resolution: 'to_suspense' };
    await paysaga.call('POST', `/v1/reconciliation-breaks/${id}/resolve`, decision);
    const before = await accounts();
    // It comes before the others.
    await move(['withdrawal']);
    const restated = await nextMorning();
    assert.equal(restated.version, 2);
    const after = await accounts();
    assert.deepEqual(after, {
      ...before,
      settlement_bank: before.settlement_bank + 10_000,
      wechat_receivable: before.wechat_receivable - 10_000,
    });
    const { id: last, status } = await lastBreak();
    assert.deepEqual([last, status], [id, 'resolved']);
  });

  it('one that a restated bill no longer has is taken back', async () => {
    const sold = await books.sell();
    await move(['withdrawal']);
    const before = await accounts();
    await nextMorning();
    assert.equal((await accounts()).settlement_bank, before.settlement_bank + 10_000);
    await books.alter({ date: day, kind: 'restated', out_trade_no: sold.out_trade_no });
    const restated = await nextMorning();
    assert.equal(restated.version, 2);
    assert.equal((await accounts()).settlement_bank, before.settlement_bank);
  });

  it("a sub-merchant's withdrawal is in the fund flow of the sub-merchant", async () => {
    const merchantId = await enrolProvider(books.paysaga);
    const sub = subMerchant(books.paysaga);
    await books.sell({ fields: { merchant_id: merchantId, sub_merchant: { mchid: sub.mchid } } });
    await move(['withdrawal', 'profit_sharing'], 'bill.sub_merchant_fund_flow');
    const before = await accounts(merchantId);
    const { mchid } = books.paysaga.simulator.world.provider;
    const result = await nextMorning({ merchantId, mchid, subMchid: sub.mchid });
    assert.deepEqual(result.lines, { all: 3, matched: 2, carried: 0, breaks: 1 });
    assert.equal((await accounts(merchantId)).settlement_bank, before.settlement_bank + 10_000);
    const again = await books.reconcile(day, { merchantId, mchid, subMchid: sub.mchid });
    assert.ok(again.kind === 'done' && !again.changed, JSON.stringify(again));
  });
});
