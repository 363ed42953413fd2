import type { Pool } from '../../database/pool.ts';

/** An order and its refunds as the gateway has them. */
export interface GatewayTruth {
  orders: {
    out_trade_no: string;
    trade_state: string;
    transaction_id?: string | null;
    description: string;
    amount: { total: number };
  }[];
  refunds: { out_trade_no: string; out_refund_no: string; status: string; amount: { refund: number } }[];
}

interface Row {
  id: string;
  out_trade_no: string;
  amount: number;
  status: string;
  transaction_id: string | null;
  order_reference: string | null;
  duplicate_of: string | null;
}

/** Money that came late, as far as it is compared. */
interface Late {
  transaction_id: string;
  amount: number;
  status: string;
}

/**
 * Compares gateway, rows, ledger and events of some payments that have come to rest.
 * @param description what only these payments are called: an order under another number would show by it.
 * @returns one sentence for each violation; none when all agree.
 */
export async function violations(
  pool: Pool,
  gateway: GatewayTruth,
  { ids, description }: { ids: string[]; description: string },
): Promise<string[]> {
  const found: string[] = [];
  const { rows } = await pool.query<Row>(
    'select id, out_trade_no, amount, status, transaction_id, order_reference, duplicate_of from payments where id = any($1)',
    [ids],
  );
  const orders = gateway.orders.filter((order) => order.description === description);
  const numbers = new Set(rows.map((row) => row.out_trade_no));
  for (const order of orders) {
    if (!numbers.has(order.out_trade_no))
      found.push(`the gateway has an order ${order.out_trade_no} of nobody`);
  }
  for (const row of rows) found.push(...(await violationsOf(pool, gateway, row)));
  found.push(...duplicatesIn(rows));
  found.push(...(await violationsOfCombined(pool, ids)));
  const { rows: sums } = await pool.query<{ difference: number }>(
    `select coalesce(sum(case side when 'debit' then amount else -amount end), 0)::bigint difference from ledger_entries`,
  );
  if (sums[0]?.difference !== 0) found.push(`the ledger is out of balance by ${sums[0]?.difference}`);
  return found;
}

/** Of the payments of an order that are paid one is kept; all of the others have gone back. */
function duplicatesIn(rows: Row[]): string[] {
  const orders = new Set(rows.flatMap(({ order_reference }) => order_reference ?? []));
  return [...orders].flatMap((reference) => {
    const paid = rows.filter((row) => row.order_reference === reference && row.transaction_id !== null);
    const first = paid.filter((row) => row.duplicate_of === null);
    const kept = paid.filter((row) => row.duplicate_of !== null && row.status !== 'REFUNDED');
    const found =
      paid.length > 0 && first.length !== 1 ? [`order ${reference} is paid by ${first.length}`] : [];
    return [...found, ...kept.map((row) => `${row.out_trade_no} is a duplicate, and ${row.status}`)];
  });
}

/** All sub-orders of a combined payment are paid or none is, and each change was told once. */
async function violationsOfCombined(pool: Pool, ids: string[]): Promise<string[]> {
  const { rows } = await pool.query<{ number: string; status: string; subs: string[]; twice: string[] }>(
    `select c.combine_out_trade_no number, c.status, array_agg(p.status) subs,
            array(select type from events where combined_id = c.id group by type having count(*) > 1) twice
       from combined_payments c join payments p on p.combined_id = c.id
      where c.id in (select combined_id from payments where id = any($1)) group by c.id`,
    [ids],
  );
  return rows.flatMap(({ number, status, subs, twice }) => {
    const agrees = (sub: string) =>
      status === 'PAID' ? ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED'].includes(sub) : sub === status;
    return [
      ...(subs.every(agrees) ? [] : [`${number} (${status}): its sub-orders are ${subs.join(', ')}`]),
      ...twice.map((type) => `${number} (${status}): ${type} was told more than once`),
    ];
  });
}

async function violationsOf(pool: Pool, gateway: GatewayTruth, payment: Row): Promise<string[]> {
  const found: string[] = [];
  const must = (holds: boolean, what: string) => {
    if (!holds) found.push(`${payment.out_trade_no} (${payment.status}): ${what}`);
  };
  const orders = gateway.orders.filter((order) => order.out_trade_no === payment.out_trade_no);
  const order = orders[0];
  must(orders.length <= 1, `the gateway has ${orders.length} orders`);
  const paidThere = order?.trade_state === 'SUCCESS' || order?.trade_state === 'REFUND';
  const paidHere = ['PAID', 'PARTIALLY_REFUNDED', 'REFUNDED'].includes(payment.status);
  const { rows: lates } = await pool.query<Late>(
    'select transaction_id, amount, status from late_payments where payment_id = $1',
    [payment.id],
  );
  for (const late of lates) {
    must(order?.transaction_id === late.transaction_id, `late money of a transaction of nobody`);
    must(late.status === (paidHere ? 'ACCEPTED' : 'REFUNDED'), `its late money is ${late.status}`);
  }
  must(
    paidThere === (paidHere || lates.length > 0),
    `the gateway says ${order?.trade_state ?? 'nothing'}, and late is ${lates.length}`,
  );
  must(paidHere === (payment.transaction_id !== null), 'transaction_id and status disagree');
  if (payment.status === 'CLOSED' && order && lates.length === 0)
    must(['CLOSED', 'REVOKED'].includes(order.trade_state), `it is ${order.trade_state} there`);

  const { rows: refunds } = await pool.query<{
    amount: number;
    status: string;
    late_payment_id: string | null;
  }>('select amount, status, late_payment_id from refunds where payment_id = $1', [payment.id]);
  const sum = (list: { amount: number }[]) => list.reduce((total, { amount }) => total + amount, 0);
  const done = refunds.filter(({ status }) => status === 'SUCCEEDED');
  const paidBack = sum(done.filter((refund) => refund.late_payment_id === null));
  const lateBack = sum(done.filter((refund) => refund.late_payment_id !== null));
  const there = gateway.refunds.filter((refund) => refund.out_trade_no === payment.out_trade_no);
  const paidBackThere = there
    .filter(({ status }) => status === 'SUCCESS')
    .reduce((total, { amount }) => total + amount.refund, 0);
  must(
    paidBack + lateBack === paidBackThere,
    `${paidBack} and late ${lateBack} fen are refunded here, ${paidBackThere} there`,
  );
  must(
    lateBack === sum(lates.filter(({ status }) => status === 'REFUNDED')),
    `${lateBack} late fen are refunded`,
  );
  must(paidBackThere <= payment.amount, 'more was refunded than paid');
  const { rows: attempts } = await pool.query<{ out_refund_no: string }>(
    'select a.out_refund_no from refund_attempts a join refunds r on r.id = a.refund_id where r.payment_id = $1',
    [payment.id],
  );
  const known = new Set(attempts.map((attempt) => attempt.out_refund_no));
  for (const { out_refund_no } of there) must(known.has(out_refund_no), `refund ${out_refund_no} of nobody`);
  const expected = paidBack === 0 ? 'PAID' : paidBack === payment.amount ? 'REFUNDED' : 'PARTIALLY_REFUNDED';
  if (paidHere) must(payment.status === expected, `${paidBack} of ${payment.amount} fen were refunded`);

  const { rows: balances } = await pool.query<{ code: string; balance: number }>(
    `select a.code, sum(case e.side when 'debit' then e.amount else -e.amount end)::bigint balance
       from ledger_transactions t join ledger_entries e on e.transaction = t.sequence
       join ledger_accounts a on a.id = e.account
      where t.payment_id = $1 group by a.code`,
    [payment.id],
  );
  const booked = Object.fromEntries(balances.map(({ code, balance }) => [code, balance]));
  const paid = paidHere ? payment.amount : 0;
  must(
    (booked.wechat_receivable ?? 0) === paid - paidBack,
    `the ledger has ${booked.wechat_receivable} to receive`,
  );
  must(-(booked.sales ?? 0) === paid, `the ledger has ${booked.sales} of sales`);
  must((booked.refunds ?? 0) === paidBack, `the ledger has ${booked.refunds} of refunds`);
  must((booked.late_money ?? 0) === 0, `the ledger has ${booked.late_money} of late money`);
  must((booked.refunds_in_flight ?? 0) === 0, `the ledger has ${booked.refunds_in_flight} in flight`);

  const { rows: twice } = await pool.query<{ type: string; copies: number }>(
    `select type, count(*)::int copies from events
      where payment_id = $1 and type <> 'payment.partially_refunded'
      group by type, refund_id, late_payment_id having count(*) > 1`,
    [payment.id],
  );
  for (const { type, copies } of twice) must(false, `${type} was told ${copies} times`);
  return found;
}
