import { found } from '../../crashes/late-money.ts';
import type { Discrepancy, Scene, Steps } from '../discrepancy.ts';

/** What is on two sides of a midnight. Most of it is carried, and closes by itself the day after. */
export const MIDNIGHT_DISCREPANCIES: readonly Discrepancy[] = [
  {
    name: 'a refund on its way over midnight',
    reasons: ['refund_in_flight'],
    async make(scene) {
      const { market, shop, next } = scene;
      const sold = await scene.sell();
      let back: Awaited<ReturnType<typeof market.giveBack>>;
      return {
        async evening() {
          back = await market.giveBack(sold, 300, scene.number(), { stuck: true });
          Object.assign(back.line, { verdict: 'carried refund_in_flight', closed: true });
        },
        async midnight() {
          await market.finish(back.number, 'SUCCESS');
          await market.doors.backend.until(`/refunds/${back.id}`, 'SUCCEEDED');
          market.truth.expect(shop, next, back.number, 'matched refunded');
        },
      };
    },
  },
  closedAfterwards('a refund that is closed after the bill was made', 'carried refund_closing'),
  closedAfterwards(
    'a refund that is closed after the bill was made, which has not got it',
    'status_differs failed_here',
    (scene, out_refund_no) => scene.spoil('trade', 'missing_row', { out_refund_no }),
  ),
  aDayLater('in the fund flow a day later', 'fund_flow', 'in_another_fund_flow'),
  aDayLater('in both bills a day later', 'all', 'in_another_bill'),
  {
    name: 'in both bills a day sooner',
    reasons: ['booked_later'],
    async make(scene) {
      const { date, next } = scene;
      return {
        async midnight() {
          // Its line of the next day agrees: the bills were there before.
          const { number } = await scene.sell({}, next);
          await scene.spoil('all', 'stray_row', { out_trade_no: number }, { date });
          await scene.spoil('all', 'missing_row', { out_trade_no: number }, { date: next });
          scene.expect(number, 'carried booked_later').closed = true;
        },
      };
    },
  },
  {
    name: 'close to midnight, and in no bill at all',
    reasons: ['in_another_bill'],
    async make(scene) {
      return {
        async evening() {
          const { number, line } = await scene.sell();
          await scene.spoil('all', 'missing_row', { out_trade_no: number });
          line.verdict = 'carried in_another_bill';
        },
      };
    },
  },
  {
    name: 'late money',
    reasons: ['late_money'],
    async make(scene) {
      const { market, shop } = scene;
      const { backend, pool } = market.doors;
      const [number, fen] = [scene.number(), 1_000 + scene.below(9_000)];
      const { id } = await market.order(shop, { number, fen });
      await backend.post(`/payments/${id}/close`, { reason: 'the customer has gone' });
      await backend.until(`/payments/${id}`, 'CLOSED');
      await market.pay(number, { late: true });
      scene.expect(number, 'matched late_money');
      const late = await found(backend, `/payments/${id}`);
      await backend.until(`/late-payments/${late.id}`, 'REFUNDED');
      const { rows } = await pool.query<{ number: string }>(
        `select a.out_refund_no as number from refund_attempts a join refunds r on r.id = a.refund_id where r.late_payment_id = $1`,
        [late.id],
      );
      for (const back of rows) scene.expect(back.number, 'matched refunded');
      return {};
    },
  },
  { name: 'paid while the till gives up', reasons: ['taken_back'], make: paidInVain },
  {
    name: 'a refund that is closed on its day',
    reasons: ['refund_closed'],
    async make(scene) {
      const back = await stuckRefund(scene);
      await closeRefund(scene, back);
      back.line.verdict = 'matched refund_closed';
      return {};
    },
  },
];

/** From this amount on the customer types a password. */
const PASSWORD_FEN = 100_000;

/** A customer has typed the password at last just before the reversal arrives: the money comes and goes. */
async function paidInVain(scene: Scene): Promise<Steps> {
  const { market, shop } = scene;
  const { backend } = market.doors;
  const number = scene.number();
  await market.fault({ operation: 'codepay.reverse', kind: 'pay_before', out_trade_no: number });
  const order = { number, fen: PASSWORD_FEN + scene.below(1_000), way: 'CODEPAY' } as const;
  const { id, status } = await market.order(shop, order, ['PENDING', 'CLOSED']);
  if (status === 'PENDING') await backend.post(`/payments/${id}/close`, { reason: 'the customer has gone' });
  await backend.until(`/payments/${id}`, 'CLOSED');
  // Whoever was killed before it was charged has charged nothing.
  const { trade_state } = await backend.simulator<{ trade_state?: string }>('GET', `/orders/${number}`);
  if (trade_state !== 'REVOKED') return await paidInVain(scene);
  scene.expect(number, 'matched taken_back');
  scene.expect(`reversal ${number}`, 'matched taken_back');
  return {};
}

/** WeChat Pay closes a refund on the morning after. @param spoil what is wrong with the bill besides */
function closedAfterwards(
  name: string,
  verdict: 'carried refund_closing' | 'status_differs failed_here',
  spoil?: (scene: Scene, number: string) => Promise<unknown>,
): Discrepancy {
  return {
    name,
    reasons: [verdict.slice(verdict.indexOf(' ') + 1), 'refund_closed'],
    async make(scene) {
      const { market, shop, next } = scene;
      const back = await stuckRefund(scene);
      await spoil?.(scene, back.number);
      Object.assign(back.line, { verdict, closed: true });
      return {
        async morning() {
          await closeRefund(scene, back);
          market.truth.expect(shop, next, back.number, 'matched refund_closed');
        },
      };
    },
  };
}

/** A payment of the evening is found in the bill of the day after. */
function aDayLater(
  name: string,
  bill: 'fund_flow' | 'all',
  reason: 'in_another_fund_flow' | 'in_another_bill',
): Discrepancy {
  return {
    name,
    reasons: [reason],
    async make(scene) {
      return {
        async evening() {
          const { number, line } = await scene.sell();
          await scene.spoil(bill, 'missing_row', { out_trade_no: number });
          await scene.spoil(bill, 'stray_row', { out_trade_no: number }, { date: scene.next });
          Object.assign(line, { verdict: `carried ${reason}`, closed: true });
          scene.expect(number, 'matched agreed', scene.next);
        },
      };
    },
  };
}

/** A refund on its way. */
const stuckRefund = async (scene: Scene) =>
  scene.market.giveBack(await scene.sell(), 300, scene.number(), { stuck: true });

/** WeChat Pay closes it, and this service hears of it. */
async function closeRefund({ market }: Scene, { id, number }: { id: string; number: string }): Promise<void> {
  await market.finish(number, 'CLOSED');
  await market.doors.backend.until(`/refunds/${id}`, 'FAILED');
}
