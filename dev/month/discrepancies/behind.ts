import { setTimeout as sleep } from 'node:timers/promises';
import { paymentWorkflowId, refundWorkflowId } from '../../../domain/identity.ts';
import type { Discrepancy, Scene } from '../discrepancy.ts';

/** The service is behind: it was not told, cannot ask, or has lost who was to ask. */
export const BEHIND_DISCREPANCIES: readonly Discrepancy[] = [
  {
    name: 'paid, and WeChat Pay says otherwise when it is asked',
    reasons: ['paid_at_wechat'],
    async make(scene) {
      const { market, shop, date } = scene;
      const number = scene.number();
      const lag = { operation: 'order.query', kind: 'notpay_lag', out_trade_no: number, times: null };
      const mend = await market.fault(lag);
      await payUnheard(scene, number);
      const line = scene.expect(number, 'missing_here paid_at_wechat');
      return {
        async afterwards() {
          await mend();
          line.verdict = 'matched agreed';
          market.truth.mended(shop, date, 'settle_payment');
        },
      };
    },
  },
  {
    name: 'a refund that is accepted, and nobody knows it',
    reasons: ['accepted_at_wechat'],
    async make(scene) {
      const { market, shop, date } = scene;
      const sold = await scene.sell();
      const number = scene.number();
      const lost = { operation: 'refund.create', kind: 'error_500', processed: true, times: null };
      await market.fault({ ...lost, out_refund_no: number });
      await market.silence(sold.number);
      const mend = await unanswered(scene, number);
      const asking = market.askBack(sold, 300, number);
      await accepted(scene, number);
      const { id } = await asking;
      await loseRefund(scene, { id, number });
      const line = scene.expect(number, 'status_differs accepted_at_wechat');
      return {
        async morning() {
          await market.finish(number, 'SUCCESS').catch(() => {});
        },
        async afterwards() {
          await mend();
          line.verdict = 'matched refunded';
          market.truth.mended(shop, date, 'sync_refund');
        },
      };
    },
  },
  {
    name: 'a refund that has arrived, and nobody has heard of it',
    reasons: ['refund_behind'],
    async make(scene) {
      const { market, shop, date } = scene;
      const sold = await scene.sell();
      const back = await market.giveBack(sold, 300, scene.number(), { stuck: true });
      await loseRefund(scene, back);
      await market.silence(sold.number);
      const mend = await unanswered(scene, back.number);
      await market.finish(back.number, 'SUCCESS');
      back.line.verdict = 'status_differs refund_behind';
      return {
        async afterwards() {
          await mend();
          back.line.verdict = 'matched refunded';
          market.truth.mended(shop, date, 'sync_refund');
        },
      };
    },
  },
  {
    name: 'a refund that WeChat Pay closes a day later, and nobody has heard of it',
    reasons: ['refund_in_flight', 'closed_at_wechat'],
    async make(scene) {
      const { market, shop, date, next } = scene;
      const sold = await scene.sell();
      const back = await market.giveBack(sold, 300, scene.number(), { stuck: true });
      back.line.verdict = 'carried refund_in_flight';
      return {
        async tomorrow() {
          await loseRefund(scene, back);
          await market.silence(sold.number);
          const mend = await unanswered(scene, back.number);
          await market.finish(back.number, 'CLOSED');
          const line = scene.expect(back.number, 'status_differs closed_at_wechat', next);
          return {
            async afterwards() {
              await mend();
              line.verdict = 'matched refund_closed';
              market.truth.mended(shop, next, 'sync_refund');
              // Known to have failed, it is another line on the day before.
              Object.assign(back.line, { verdict: 'carried refund_closing', closed: true });
              market.truth.of(shop, date).changed = true;
            },
          };
        },
      };
    },
  },
  {
    name: 'a payment whose workflow is lost',
    reasons: [],
    async make(scene) {
      const { market, shop, date } = scene;
      const number = scene.number();
      await payUnheard(scene, number);
      scene.expect(number, 'matched agreed');
      market.truth.mended(shop, date, 'settle_payment');
      return {};
    },
  },
  {
    name: 'a refund whose workflow is lost',
    reasons: [],
    async make(scene) {
      const { market, shop, date } = scene;
      const sold = await scene.sell();
      const back = await market.giveBack(sold, 300, scene.number(), { stuck: true });
      await loseRefund(scene, back);
      await market.silence(sold.number);
      await market.finish(back.number, 'SUCCESS');
      market.truth.mended(shop, date, 'sync_refund');
      return {};
    },
  },
];

/** A customer pays an order that nobody looks after any more. */
async function payUnheard(scene: Scene, number: string): Promise<void> {
  const { market, shop } = scene;
  const fen = 1_000 + scene.below(9_000);
  await market.silence(number);
  const { id } = await market.order(shop, { number, fen });
  await losePayment(scene, { id, number });
  await market.pay(number);
}

/** Nobody can ask WeChat Pay after a refund. @returns how to mend it. */
const unanswered = (scene: Scene, number: string) =>
  scene.market.fault({
    operation: 'refund.query',
    kind: 'error_500',
    out_refund_no: number,
    times: null,
  });

/** What somebody looks after no more. */
interface Lost {
  id: string;
  number: string;
}

/** Nobody looks after a payment any more. */
async function losePayment({ market, shop }: Scene, { id, number }: Lost): Promise<void> {
  const { client, pool } = market.doors;
  await client.workflow.getHandle(paymentWorkflowId(shop.mchid, number)).terminate('lost');
  await pool.query('update payments set ensure_at = null where id = $1', [id]);
}

/** Nobody looks after a refund any more. */
async function loseRefund({ market, shop }: Scene, { id, number }: Lost): Promise<void> {
  const { client, pool } = market.doors;
  await client.workflow.getHandle(refundWorkflowId(shop.mchid, number)).terminate('lost');
  await pool.query('update refunds set ensure_at = null where id = $1', [id]);
}

/** Waits until WeChat Pay has accepted a refund, whatever it has answered. */
async function accepted({ market }: Scene, number: string): Promise<void> {
  for (;;) {
    const { refunds } = await market.doors.backend.simulator<{ refunds: { out_refund_no: string }[] }>(
      'GET',
      '/refunds?limit=10000',
    );
    if (refunds.some(({ out_refund_no }) => out_refund_no === number)) return;
    await sleep(100);
  }
}
