import assert from 'node:assert/strict';
import { setTimeout as sleep } from 'node:timers/promises';
import { mustLoad } from '../../activities/settle-payment.ts';
import { balances } from '../../database/ledger.ts';
import { daysAfter } from '../../domain/bill-day.ts';
import { type Books, done, MORNING, newNumber, type Sold, startBooks } from '../reconciliation.ts';
import { AUTH_CODE, PASSWORD_FEN, TILLS, type Till } from '../till.ts';

const FIRST_DAY = '2037-03-01';
const [{ product, fields, calls }] = TILLS as [Till];

/** Payments at the till that the customer makes while they are given up: WeChat Pay has both halves, and this service has never had the money. */
describe('reconciliation of payments that are taken back', () => {
  let books: Books;
  before(async () => {
    books = await startBooks(FIRST_DAY, {
      paymentTiming: {
        notifyWaitMs: 200,
        pollGapsMs: [200],
        reversal: { earliestMs: 400, codeLivesMs: 1_500, settlesMs: 3_000 },
      },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => books.paysaga.stop());

  const fault = async (rule: object) => {
    const { status, body } = await books.paysaga.control('POST', '/faults', rule);
    assert.equal(status, 200, JSON.stringify(body));
  };
  /** The customer types a password. */
  async function typing(): Promise<Sold> {
    const { status, body } = await books.paysaga.createPayment({
      product,
      ...fields,
      amount: { total: PASSWORD_FEN },
    });
    assert.equal(status, 202, JSON.stringify(body));
    return body;
  }
  const giveUp = ({ id }: Sold) =>
    books.paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'walked away' });
  const closed = ({ id }: Sold) => books.paysaga.until(`/v1/payments/${id}`, 'CLOSED');
  /** What is not matched must add up with what is. */
  async function reconcile(day: string) {
    return await done(books.reconcile(day));
  }
  const verdicts = async (runId: string, state: string) =>
    (await books.lines(runId, state)).map(({ kind, reason }) => `${kind} ${reason}`);

  it('both halves agree with a payment that was never paid here, and nothing is left of them', async () => {
    const { pool, merchantId } = books.paysaga;
    const day = books.today();
    const before = await balances(pool, merchantId);
    const payment = await typing();
    await fault({ operation: calls.reverse, kind: 'pay_before', out_trade_no: payment.out_trade_no });
    await giveUp(payment);
    await closed(payment);
    await books.at(MORNING, daysAfter(day, 1));
    const result = await reconcile(day);
    assert.deepEqual(await verdicts(result.runId, 'matched'), ['payment taken_back', 'reversal taken_back']);
    assert.equal(result.lines.all, 2, JSON.stringify(result));
    assert.deepEqual(await balances(pool, merchantId), before);
    assert.equal(((await books.reconcile(day)) as typeof result).changed, false);
  });

  it('what is taken back after midnight is a break for a day, which the reversal closes', async () => {
    const { paysaga } = books;
    const day = books.today();
    await books.at('23:59:00');
    const payment = await typing();
    const number = payment.out_trade_no;
    await fault({ operation: calls.reverse, kind: 'timeout_before', out_trade_no: number, times: null });
    const closing = giveUp(payment);
    for (let reversed = 0; reversed === 0; ) {
      await sleep(25);
      const { body } = await paysaga.control('GET', '/fault-log?limit=10000');
      reversed = body.faults.filter((one: Sold) => one.out_trade_no === number).length;
    }
    const paid = await paysaga.control('POST', `/orders/${number}/pay`, {});
    assert.equal(paid.status, 200, JSON.stringify(paid.body));
    await books.at('00:01:00', daysAfter(day, 1));
    await paysaga.control('DELETE', '/faults');
    await closing;
    await closed(payment);

    await books.at(MORNING, daysAfter(day, 1));
    const first = await reconcile(day);
    assert.deepEqual(await verdicts(first.runId, 'missing_here'), ['payment paid_at_wechat']);
    await books.at(MORNING, daysAfter(day, 2));
    const second = await reconcile(daysAfter(day, 1));
    assert.deepEqual(await verdicts(second.runId, 'matched'), ['reversal taken_back']);
    assert.deepEqual([second.lines.all, second.items.closed], [1, 1]);
    const open = await paysaga.call('GET', '/v1/reconciliation-breaks?status=break');
    assert.deepEqual(open.body.data, []);
    for (const again of [day, daysAfter(day, 1)]) assert.equal((await reconcile(again)).changed, false);
  });

  it('what is taken back although it was paid here is still a break', async () => {
    const { paysaga } = books;
    const day = books.today();
    const payment = await typing();
    await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    const gateway = await paysaga.merchants.for(await mustLoad(paysaga.pool, payment.id));
    await gateway.charges.reverseOrder(payment.out_trade_no);
    await books.at(MORNING, daysAfter(day, 1));
    const result = await reconcile(day);
    assert.deepEqual(await verdicts(result.runId, 'status_differs'), ['reversal reversed']);
  });

  it('what another till has charged and taken back is unknown twice, whatever is open of the days before', async () => {
    const { paysaga } = books;
    const day = books.today();
    const payment = await typing();
    await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
    await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
    const row = await mustLoad(paysaga.pool, payment.id);
    const { charges } = await paysaga.merchants.for(row);
    const other = { ...row, outTradeNo: newNumber('E'), amount: 100 };
    await charges.charge(other, AUTH_CODE);
    await charges.reverseOrder(other.outTradeNo);
    await books.at(MORNING, daysAfter(day, 1));
    const { body } = await paysaga.call('GET', '/v1/reconciliation-breaks?status=break');
    assert.equal(body.data.length, 1, 'that of the day before');
    const result = await reconcile(day);
    assert.deepEqual(await verdicts(result.runId, 'missing_here'), [
      'payment unknown_order',
      'reversal reversed_unknown',
    ]);
  });
});
