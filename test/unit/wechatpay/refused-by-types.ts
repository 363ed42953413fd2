import type { WechatPay, WechatPayGlobal, WechatPayPartner } from '../../../wechatpay/index.ts';

/**
 * Wrong code that must not compile: `npm run typecheck` complains about each expected error that is none. Never called.
 */
export async function refusedByTypes(pay: WechatPay, partner: WechatPayPartner, overseas: WechatPayGlobal) {
  const order = { description: 'Tea', out_trade_no: 'T1', notify_url: 'https://x', amount: { total: 1 } };
  const amount = { refund: 1, total: 1, currency: 'CNY' as const };
  const sub = { sub_mchid: '1900031111' };

  // @ts-expect-error nobody pays
  await pay.jsapi.create(order);
  // @ts-expect-error a service provider's payer has two possible openids, and neither is called so
  await partner.jsapi.create({ ...order, ...sub, payer: { openid: 'o' } });
  // @ts-expect-error whose sub_openid?
  await partner.jsapi.create({ ...order, ...sub, payer: { sub_openid: 'o' } });
  await partner.jsapi.create({ ...order, ...sub, sub_appid: 'wx', payer: { sub_openid: 'o' } });
  await partner.jsapi.create({ ...order, ...sub, payer: { sp_openid: 'o' } });
  // @ts-expect-error for whom?
  await partner.native.create(order);
  // @ts-expect-error a merchant has no sub-merchants
  await pay.native.create({ ...order, sub_mchid: '1' });
  // @ts-expect-error from where?
  await pay.h5.create(order);
  // @ts-expect-error the mainland takes CNY
  await pay.native.create({ ...order, amount: { total: 1, currency: 'USD' } });
  // @ts-expect-error money is a number
  await pay.native.create({ ...order, amount: { total: '1' } });
  // @ts-expect-error for whom?
  await partner.orders.close('T1');
  // @ts-expect-error a merchant has no sub-merchants
  await pay.orders.close('T1', sub);

  // @ts-expect-error of which order?
  await pay.refunds.apply({ out_refund_no: 'R1', amount });
  // @ts-expect-error one number is enough
  await pay.refunds.apply({ out_trade_no: 'T1', transaction_id: '4200', out_refund_no: 'R1', amount });
  // @ts-expect-error the currency of a refund is required
  await pay.refunds.apply({ out_trade_no: 'T1', out_refund_no: 'R1', amount: { refund: 1, total: 1 } });
  // @ts-expect-error to which card?
  await pay.refunds.applyAbnormal('5030', { out_refund_no: 'R1', type: 'USER_BANK_CARD' });

  // @ts-expect-error a merchant has no sub-merchants
  await pay.bills.trade({ bill_date: '2026-03-01', sub_mchid: '1' });
  // @ts-expect-error a merchant has no sub-merchants
  await pay.bills.subMerchantFundFlow({ bill_date: '2026-03-01', ...sub, account_type: 'BASIC' });
  await partner.bills.subMerchantFundFlow({ bill_date: '2026-03-01', ...sub, account_type: 'DEPOSIT' });
  // @ts-expect-error of which account?
  await partner.bills.ecommerceFundFlow({ bill_date: '2026-03-01' });

  const xml = { body: 'Tea', out_trade_no: 'V1', total_fee: 1, spbill_create_ip: '1.1.1.1', notify_url: 'x' };
  // @ts-expect-error a code needs a product
  await pay.v2.unifiedOrder({ ...xml, trade_type: 'NATIVE' });
  // @ts-expect-error nobody pays
  await pay.v2.unifiedOrder({ ...xml, trade_type: 'JSAPI' });
  await pay.v2.unifiedOrder({
    ...xml,
    trade_type: 'JSAPI',
    sub_openid: 'o',
    sub_mch_id: '1',
    sub_appid: 'wx',
  });
  // @ts-expect-error one number is enough
  await pay.v2.orderQuery({ out_trade_no: 'V1', transaction_id: '4200' });

  // @ts-expect-error overseas orders have a category and a currency
  await overseas.native.create(order);
}
