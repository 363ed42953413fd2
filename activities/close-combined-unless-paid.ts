import type { CombinedPayment } from '../database/combined-payments.ts';
import { inTransaction } from '../database/pool.ts';
import type { PaymentFinding } from '../domain/payment.ts';
import type { CombinedOrder } from '../wechatpay/index.ts';
import { closed } from './close-unless-paid.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { notFinalYet } from './failures.ts';
import { gatewayOf, moveTogether, mustLoad, query, settleCombined } from './settle-combined.ts';
import { known } from './settle-payment.ts';

/** As `closeUnlessPaid`: query, close all sub-orders, query again. WeChat Pay closes all of them or none, and silence closes nothing. */
export function closeCombinedUnlessPaid({ pool, merchants }: ActivityDependencies) {
  return async ({ combinedId }: { combinedId: string }): Promise<PaymentFinding> => {
    const combined = await mustLoad(pool, combinedId);
    const gateway = await gatewayOf(merchants, combined);

    let order = await query(gateway, combined);
    const before = await settleCombined(pool, combined, order);
    if (before.kind !== 'unpaid') return before;

    // Even an order that the gateway does not know (yet) is closed: its answer may lag behind the code that is out already.
    if (!isClosed(combined, order)) {
      await closed(gateway.closeOrder(combined));
      order = await query(gateway, combined);
      const after = await settleCombined(pool, combined, order);
      if (after.kind !== 'unpaid') return after;
    }
    if (!order && combined.prepayIssuedAt !== null) {
      throw notFinalYet('WeChat Pay does not know an order that it has accepted');
    }
    if (order && !isClosed(combined, order)) {
      const states = order.sub_orders.map(({ trade_state }) => trade_state).join(', ');
      throw notFinalYet(`WeChat Pay still says ${states} after the close`);
    }
    await inTransaction(pool, (db) => moveTogether(db, combined, 'CLOSED'));
    return known(await mustLoad(pool, combinedId));
  };
}

/** Whether the answer says so of each of our sub-orders; of those that it does not list it says nothing. */
export function isClosed({ subPayments }: CombinedPayment, order: CombinedOrder | undefined): boolean {
  const states = new Map(
    order?.sub_orders.map(({ out_trade_no, trade_state }) => [out_trade_no, trade_state]),
  );
  return subPayments.every(({ outTradeNo }) => states.get(outTradeNo) === 'CLOSED');
}
