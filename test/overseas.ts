import { randomUUID } from 'node:crypto';
import { openAccounts } from '../database/ledger-accounts.ts';
import { upsertMerchant } from '../database/merchants.ts';
import { transitionPayment } from '../database/payment-changes.ts';
import { insertPayment } from '../database/payments.ts';
import { inTransaction } from '../database/pool.ts';
import { transitionRefund } from '../database/refund-changes.ts';
import { insertRefund } from '../database/refunds.ts';
import { openVault } from '../database/secrets.ts';
import { publicId } from '../domain/identity.ts';
import type { MerchantRole } from '../domain/product.ts';
import { openOverseas, type WechatOverseas } from '../gateway/overseas.ts';
import type { SimulatedMerchant } from '../simulator/index.ts';
import type { Currency, WechatPayGlobal, WechatPayGlobalPartner } from '../wechatpay/index.ts';
import type { Paysaga } from './fixture.ts';
import { newNumber } from './reconciliation.ts';

/** An order that a customer has paid at the overseas API, or a refund of it. */
export interface OverseasOrder {
  outTradeNo: string;
  transactionId: string;
  currency: Currency;
  total: number;
}

/** A merchant overseas that takes payments by itself, with the library, and lets paysaga reconcile its statements. */
export interface Overseas {
  merchantId: string;
  mchid: string;
  /** Orders, and pays. */
  sell(currency: Currency, total: number): Promise<OverseasOrder>;
  /** Gives a part back. @returns the numbers of the refund. */
  giveBack(order: OverseasOrder, amount: number): Promise<{ outRefundNo: string; refundId: string }>;
  /**
   * Enters an order into our books as if it had been taken through this service, which is not possible yet: rows, events and ledger as the sagas
   * write them. @returns the id of the payment.
   */
  book(order: OverseasOrder, at: Date, fields?: { currency?: string; total?: number }): Promise<string>;
  /** The same for a refund. */
  bookRefund(
    paymentId: string,
    refund: { outRefundNo: string; refundId: string; amount: number },
    at: Date,
  ): Promise<string>;
  close(): Promise<void>;
}

/** Enrols the simulator's overseas merchant, or its institution, beside the merchant of the fixture. */
export async function enrolOverseas(paysaga: Paysaga, role: MerchantRole = 'merchant'): Promise<Overseas> {
  const { simulator, pool, tenantId, masterKey } = paysaga;
  const enrolled = simulator.world.merchants().find((one) => one.region === 'overseas' && one.role === role);
  if (!enrolled) throw new Error(`the simulator has no overseas ${role}`);
  const { mchid, appid, serialNo, apiV3Key } = enrolled;
  const credentials = {
    ...{ mchid, appid, serialNo, apiV3Key },
    privateKey: enrolled.privateKeyPem,
    publicKeys: { [enrolled.publicKeyId]: enrolled.publicKeyPem },
  };
  const { id: merchantId } = await upsertMerchant(pool, openVault(masterKey), tenantId, {
    ...credentials,
    apiBaseUrl: simulator.baseUrl,
    role,
    region: 'overseas',
  });
  const client = openOverseas(role, { ...credentials, baseUrl: simulator.baseUrl });
  const whose = subMerchantOf(enrolled);
  return {
    merchantId,
    mchid,
    async sell(currency, total) {
      const outTradeNo = newNumber('G');
      await orderOf(client)({
        ...whose,
        description: '茶具 Tea set',
        out_trade_no: outTradeNo,
        notify_url: 'http://127.0.0.1:9/wechat',
        merchant_category_code: '4111',
        amount: { total, currency },
      });
      const paid = await paysaga.control('POST', `/orders/${outTradeNo}/pay?mchid=${mchid}`, {});
      if (paid.status !== 200) throw new Error(`paying: ${JSON.stringify(paid.body)}`);
      return { outTradeNo, transactionId: paid.body.transaction_id, currency, total };
    },
    async giveBack({ transactionId, total, currency }, amount) {
      const outRefundNo = newNumber('R');
      const { id } = await (client as WechatPayGlobal).refunds.apply({
        ...whose,
        transaction_id: transactionId,
        out_refund_no: outRefundNo,
        amount: { refund: amount, total, currency },
      });
      return { outRefundNo, refundId: id };
    },
    book: ({ outTradeNo, transactionId, ...order }, at, fields = {}) =>
      inTransaction(pool, async (db) => {
        const id = publicId('pay', randomUUID());
        await openAccounts(db, merchantId, [fields.currency ?? order.currency]);
        await insertPayment(db, {
          ...{ id, tenantId, merchantId, outTradeNo, product: 'NATIVE' },
          amount: fields.total ?? order.total,
          currency: fields.currency ?? order.currency,
          description: 'Tea set',
          attach: undefined,
          ...{ appid, terms: {} },
          timeExpire: new Date(at.getTime() + 3_600_000),
          h5RedirectUrl: null,
          ...{ subMchid: null, subAppid: null, payerOpenid: null, payerSubOpenid: null, sceneInfo: null },
        });
        await transitionPayment(db, id, 'PENDING');
        await transitionPayment(db, id, 'PAID', { transactionId, successTime: at });
        return id;
      }),
    bookRefund: (paymentId, { outRefundNo, refundId, amount }, at) =>
      inTransaction(pool, async (db) => {
        const id = publicId('ref', randomUUID());
        await insertRefund(db, {
          ...{ id, tenantId, merchantId, paymentId, outRefundNo, amount },
          reason: undefined,
        });
        await transitionRefund(db, id, 'RESERVED');
        await transitionRefund(db, id, 'PROCESSING', { refundId });
        await transitionRefund(db, id, 'SUCCEEDED', { refundId, successTime: at });
        return id;
      }),
    close: () => client.close(),
  };
}

/** An institution orders for its sub-merchant. */
function subMerchantOf({ subMerchants: [sub] }: SimulatedMerchant): object {
  return sub ? { sub_mchid: sub.mchid, sub_appid: sub.appid } : {};
}

/** The same call for both roles: what they name differs. */
function orderOf(client: WechatOverseas): WechatPayGlobal['native']['create'] {
  return (order) => (client as WechatPayGlobal & WechatPayGlobalPartner).native.create(order as never);
}
