import type { Refund } from '../../../database/refunds.ts';
import type { Discrepancy } from '../discrepancy.ts';
import { AUTH_CODE } from '../shop.ts';

/** What the shop, or somebody in its name, does at WeChat Pay without the service. */
export const OUTSIDE_DISCREPANCIES: readonly Discrepancy[] = [
  {
    name: 'an order of another system',
    reasons: ['unknown_order'],
    async make(scene) {
      const { market } = scene;
      const row = await market.row(await scene.sell());
      const number = scene.number();
      const gateway = await market.gateway(row);
      const { body } = gateway.serializeOrder({ ...row, outTradeNo: number }, notifyUrl(market.doors));
      await gateway.createOrder('NATIVE', body);
      await market.pay(number);
      scene.expect(number, 'missing_here unknown_order');
      return {};
    },
  },
  {
    name: 'a refund by the merchant platform',
    reasons: ['unknown_refund'],
    async make(scene) {
      const { market } = scene;
      const row = await market.row(await scene.sell());
      const number = scene.number();
      const gateway = await market.gateway(row);
      const refund = { outRefundNo: number, amount: 100, currency: 'CNY', reason: null } as Refund;
      const payment = { transactionId: row.transactionId ?? '', amount: row.amount };
      await gateway.applyRefund(gateway.serializeRefund(refund, payment, notifyUrl(market.doors)));
      scene.expect(number, 'missing_here unknown_refund');
      return {};
    },
  },
  {
    name: 'a payment that the till takes back by itself',
    reasons: ['reversed'],
    async make(scene) {
      const sold = await scene.sell({ way: 'CODEPAY' });
      const gateway = await scene.market.gateway(await scene.market.row(sold));
      await gateway.charges.reverseOrder(sold.number);
      scene.expect(`reversal ${sold.number}`, 'status_differs reversed');
      return {};
    },
  },
  {
    name: 'an order of another till, taken back by it',
    reasons: ['unknown_order', 'reversed_unknown'],
    async make(scene) {
      const row = await scene.market.row(await scene.sell({ way: 'CODEPAY' }));
      const number = scene.number();
      const { charges } = await scene.market.gateway(row);
      await charges.charge({ ...row, outTradeNo: number }, AUTH_CODE);
      await charges.reverseOrder(number);
      scene.expect(number, 'missing_here unknown_order');
      scene.expect(`reversal ${number}`, 'missing_here reversed_unknown');
      return {};
    },
  },
];

const notifyUrl = ({ publicUrl }: { publicUrl: string }) => `${publicUrl}/elsewhere`;
