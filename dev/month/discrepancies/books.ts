import { post } from '../../../database/ledger.ts';
import { inTransaction } from '../../../database/pool.ts';
import type { Discrepancy, Scene } from '../discrepancy.ts';

/** The noon of the scene's day. */
const noon = ({ date }: Scene) => new Date(`${date}T12:00:00+08:00`);

/** Our own books are wrong: somebody has written into the ledger by hand, or it was restored from a copy. */
export const BOOK_DISCREPANCIES: readonly Discrepancy[] = [
  {
    name: 'a posting that belongs to no payment',
    reasons: ['booked_by_hand'],
    directOnly: true,
    async make(scene) {
      const { market, shop } = scene;
      const amount = 5_000 + scene.below(5_000);
      await inTransaction(market.doors.pool, (db) =>
        post(db, {
          ...{ step: 'settlement.paid_out', causeId: scene.number(), currency: 'CNY', amount },
          ...{ merchantId: shop.merchantId, effectiveAt: noon(scene) },
        }),
      );
      scene.expect(`movement ${-amount}`, 'missing_at_wechat booked_by_hand');
      return {};
    },
  },
  {
    name: 'another amount in the ledger',
    reasons: ['other_amount_in_ledger'],
    async make(scene) {
      const sold = await scene.sell();
      await inTransaction(scene.market.doors.pool, (db) =>
        post(db, {
          ...{ step: 'suspense.in', causeId: scene.number(), currency: 'CNY', amount: 100 },
          ...{ paymentId: sold.id, effectiveAt: noon(scene) },
        }),
      );
      sold.line.verdict = 'amount_differs other_amount_in_ledger';
      return {};
    },
  },
  {
    name: 'a payment that the ledger has lost',
    reasons: ['not_in_ledger'],
    async make(scene) {
      const sold = await scene.sell();
      await inTransaction(scene.market.doors.pool, async (db) => {
        // The database refuses it to everybody else.
        await db.query("set local session_replication_role = 'replica'");
        await db.query(
          'delete from ledger_entries where transaction in (select sequence from ledger_transactions where payment_id = $1)',
          [sold.id],
        );
        await db.query('delete from ledger_transactions where payment_id = $1', [sold.id]);
      });
      sold.line.verdict = 'missing_here not_in_ledger';
      return {};
    },
  },
  {
    name: 'a refund that is booked before it has arrived',
    reasons: ['not_foreseen'],
    async make(scene) {
      const { market } = scene;
      const sold = await scene.sell();
      const back = await market.giveBack(sold, 300, scene.number(), { stuck: true });
      await inTransaction(market.doors.pool, (db) =>
        post(db, {
          ...{ step: 'refund.succeeded', causeId: back.id, currency: 'CNY', amount: 300 },
          ...{ paymentId: sold.id, refundId: back.id, effectiveAt: noon(scene) },
        }),
      );
      back.line.verdict = 'status_differs not_foreseen';
      return {
        async afterwards() {
          await market.finish(back.number, 'SUCCESS');
          await market.doors.backend.until(`/refunds/${back.id}`, 'SUCCEEDED');
          back.line.verdict = 'matched refunded';
        },
      };
    },
  },
];
