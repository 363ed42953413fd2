import assert from 'node:assert/strict';
import proto from '@temporalio/proto';
import { listEventTypes } from '../../database/events.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { AUTH_CODE, FACE_CODE, PASSWORD_FEN, TILLS, type Till } from '../till.ts';

const { History } = proto.temporal.api.history.v1;

/** Who takes the money, and what the requests say of it. */
const TAKERS = [
  { who: 'a merchant', fields: ({ merchantId }: Paysaga) => ({ merchant_id: merchantId }) },
  {
    who: 'a service provider',
    fields: (paysaga: Paysaga, merchant_id: string) => ({
      merchant_id,
      sub_merchant: { mchid: subMerchant(paysaga).mchid },
    }),
  },
  {
    who: 'a service provider whose sub-merchant has an appid',
    fields: (paysaga: Paysaga, merchant_id: string) => ({ merchant_id, sub_merchant: subMerchant(paysaga) }),
  },
];

const TIMING = {
  notifyWaitMs: 200,
  // No poll falls together with the end of the window, which would add the events of a repeated workflow task.
  pollGapsMs: [200, 300, 300, 300, 60_000],
  reversal: { earliestMs: 300, codeLivesMs: 1_500, settlesMs: 1_000 },
};

describe('what customers show at the till', () => {
  let paysaga: Paysaga;
  let providerId: string;
  before(async () => {
    paysaga = await startPaysaga({
      // Behind, so that half a minute ends after three seconds.
      apiClock: () => Date.now() - 27_000,
      paymentTiming: TIMING,
      gatewayTimeoutMs: 700,
    });
    providerId = await enrolProvider(paysaga);
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const charge = ({ product, fields }: Till, more: object = {}) =>
    paysaga.createPayment({ product, expires_in: 30, ...fields, merchant_id: paysaga.merchantId, ...more });
  const byPassword = (one: Till, more: object = {}) =>
    charge(one, { amount: { total: PASSWORD_FEN }, ...more });
  const until = (id: string, ...statuses: string[]) => paysaga.until(`/v1/payments/${id}`, ...statuses);
  const order = async (number: string) => (await paysaga.control('GET', `/orders/${number}`)).body;
  const history = ({ mchid, out_trade_no }: Answer['body']) =>
    paysaga.history(`payment/${mchid}/${out_trade_no}`);
  /** Fen that the ledger has of a payment, by account. */
  const booked = async (id: string): Promise<Record<string, number>> => {
    const { rows } = await paysaga.pool.query(
      `select a.code, sum(case e.side when 'debit' then e.amount else -e.amount end)::int balance
         from ledger_transactions t join ledger_entries e on e.transaction = t.sequence
         join ledger_accounts a on a.id = e.account where t.payment_id = $1 group by a.code`,
      [id],
    );
    return Object.fromEntries(rows.map(({ code, balance }) => [code, balance]));
  };

  for (const one of TILLS) {
    for (const taker of TAKERS) {
      it(`${one.product} of ${taker.who}: paid at once, answered as paid, and refunded like any other`, async () => {
        const { status, body } = await charge(one, taker.fields(paysaga, providerId));
        assert.equal(status, 201, JSON.stringify(body));
        assert.equal(body.status, 'PAID');
        assert.match(body.transaction_id, /^4200/);
        assert.match(body.success_time, /\+08:00$/);
        assert.equal(body.amount.payer_total, 2590);
        assert.deepEqual([body.code_url, body.invocation, body.h5_url], [null, null, null]);
        assert.equal((await order(body.out_trade_no)).trade_type, one.tradeType);
        assert.deepEqual(await listEventTypes(paysaga.pool, body.id), ['payment.created', 'payment.paid']);
        assert.deepEqual(await booked(body.id), { wechat_receivable: 2590, sales: -2590 });
        await paysaga.client.workflow.getHandle(`payment/${body.mchid}/${body.out_trade_no}`).result();
        const events = await history(body);
        assert.ok(events.length <= 10, `${events.length} events: ${events.join(' ')}`);

        const refund = await paysaga.call('POST', `/v1/payments/${body.id}/refunds`, {});
        assert.equal(refund.status, 201, JSON.stringify(refund.body));
        await paysaga.until(`/v1/refunds/${refund.body.id}`, 'SUCCEEDED');
        assert.equal((await until(body.id, 'REFUNDED')).amount.refunded, 2590);
      });

      it(`${one.product} of ${taker.who}: 202 while the password is typed, then paid`, async () => {
        const { status, body } = await byPassword(one, taker.fields(paysaga, providerId));
        assert.equal(status, 202, JSON.stringify(body));
        assert.equal(body.status, 'PENDING');
        await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
        await until(body.id, 'PAID');
        assert.equal((await order(body.out_trade_no)).trade_state, 'SUCCESS');
        assert.deepEqual(await listEventTypes(paysaga.pool, body.id), [
          'payment.created',
          'payment.pending',
          'payment.paid',
        ]);
        await paysaga.client.workflow.getHandle(`payment/${body.mchid}/${body.out_trade_no}`).result();
        const events = await history(body);
        assert.ok(events.length <= 22, `${events.length} events: ${events.join(' ')}`);
      });

      it(`${one.product} of ${taker.who}: a password that nobody types is taken back at the end of the window`, async () => {
        const { body } = await byPassword(one, taker.fields(paysaga, providerId));
        await until(body.id, 'CLOSED');
        assert.equal((await order(body.out_trade_no)).trade_state, 'REVOKED');
        assert.deepEqual(await booked(body.id), {});
        await paysaga.client.workflow.getHandle(`payment/${body.mchid}/${body.out_trade_no}`).result();
        const events = await history(body);
        assert.ok(events.length <= 28, `${events.length} events: ${events.join(' ')}`);
      });
    }
  }

  it('what was shown is kept nowhere: in no history, no event, no row', async () => {
    const texts: string[] = [];
    const query = `TaskQueue = '${paysaga.taskQueue}'`;
    let charged = 0;
    for await (const execution of paysaga.client.workflow.list({ query })) {
      const history = await paysaga.client.workflow.getHandle(execution.workflowId).fetchHistory();
      texts.push(Buffer.from(History.encode(history).finish()).toString('latin1'));
      texts.push(JSON.stringify([execution.memo, execution.searchAttributes]));
      charged += 1;
    }
    assert.ok(charged >= TILLS.length * TAKERS.length);
    const { rows: tables } = await paysaga.pool.query(
      `select table_name from information_schema.tables where table_schema = 'public' and table_type = 'BASE TABLE'`,
    );
    for (const { table_name } of tables) {
      const { rows } = await paysaga.pool.query(
        `select coalesce(string_agg(t::text, ' '), '') text from ${table_name} t`,
      );
      texts.push(rows[0].text);
    }
    for (const text of texts) {
      for (const shown of [AUTH_CODE, FACE_CODE]) {
        assert.ok(!text.includes(shown) && !text.includes(Buffer.from(shown).toString('hex')));
      }
    }
    const { rows } = await paysaga.pool.query('select 1 from payments where sealed_code is not null');
    assert.deepEqual(rows, []);
  });
});

/** Polling that never pauses sees the end of the order while it is being ended, which adds a repeated workflow task and no more. */
describe('orders that are asked after at the very end of their window', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      // Behind, so that a minute ends after two seconds.
      apiClock: () => Date.now() - 58_000,
      paymentTiming: { ...TIMING, pollGapsMs: [20] },
      simulator: { seed: 45 },
    });
  });
  after(() => paysaga.stop());

  for (const { product, fields } of [...TILLS, { product: 'NATIVE', fields: {} } as const]) {
    it(`${product}: closed at expiry in at most 32 events`, async () => {
      const { body } = await paysaga.createPayment({
        product,
        expires_in: 60,
        ...fields,
        amount: { total: PASSWORD_FEN },
      });
      await paysaga.until(`/v1/payments/${body.id}`, 'CLOSED');
      const workflowId = `payment/${paysaga.mchid}/${body.out_trade_no}`;
      await paysaga.client.workflow.getHandle(workflowId).result();
      const events = await paysaga.history(workflowId);
      assert.ok(events.length <= 32, `${events.length} events: ${events.join(' ')}`);
    });
  }
});
