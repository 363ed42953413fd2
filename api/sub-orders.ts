import type { Merchant } from '../database/merchants.ts';
import { SUB_ORDERS } from '../domain/combined-payment.ts';
import type { Parties } from '../domain/order.ts';
import type { CreateCombinedPayment } from './combined-schema.ts';
import { appidErrors, partiesOf, partyErrors, regionErrors } from './parties.ts';
import { type FieldError, invalidFields } from './problems.ts';

/** Who takes the money of a sub-order, and who pays. */
export interface SubOrderParties extends Parties {
  merchantId: string;
}

/**
 * Whose the sub-orders are, in their order. A merchant combines its own orders and those of other merchants of the tenant; a service provider
 * those of its sub-merchants, and nobody else's (official pages 4013421468 and 4013462212).
 * @param merchant who combines.
 * @param all merchants of the tenant.
 * @throws Problem `invalid_request` with a JSON pointer per field.
 */
export function subOrdersOf(
  body: CreateCombinedPayment,
  merchant: Merchant,
  all: Merchant[],
): SubOrderParties[] {
  const { payer, client_ip, h5, scene_info } = body;
  const named = body.sub_orders.map(({ sub_merchant }) => ({
    payer,
    client_ip,
    h5,
    scene_info,
    sub_merchant,
  }));
  const { min, max } = SUB_ORDERS[merchant.role];
  const errors: FieldError[] = [...regionErrors(merchant), ...appidErrors(body, merchant)];
  if (body.sub_orders.length < min || body.sub_orders.length > max) {
    errors.push({ pointer: '/sub_orders', detail: `must have ${min} to ${max} entries` });
  }
  for (const [index, subOrder] of body.sub_orders.entries()) {
    const ofSubOrder = [
      ...partyErrors(named[index] ?? {}, merchant),
      ...(merchant.role === 'partner' ? providerErrors(subOrder) : sellerErrors(subOrder, all)),
      ...payerErrors(body, index),
    ];
    for (const { pointer, detail } of ofSubOrder) {
      // The payer is that of all of them: what is wrong with it is said once.
      if (!pointer.startsWith('/payer')) errors.push({ pointer: `/sub_orders/${index}${pointer}`, detail });
      else if (index === 0) errors.push({ pointer, detail });
    }
  }
  errors.push(...referenceErrors(body.sub_orders, merchant));
  if (errors.length > 0) throw invalidFields(errors);
  return body.sub_orders.map(({ merchant_id: seller }, index) => ({
    merchantId: seller ?? merchant.id,
    ...partiesOf(named[index] ?? {}, merchant),
  }));
}

type SubOrder = CreateCombinedPayment['sub_orders'][number];

/** Two payments of one order of a merchant's are duplicates of each other, and paid together both would be. */
function referenceErrors(subOrders: SubOrder[], merchant: Merchant): FieldError[] {
  const seen = new Set<string>();
  return subOrders.flatMap(({ merchant_id: seller = merchant.id, order_reference: reference }, index) => {
    const order = `${seller}/${reference}`;
    if (reference === undefined || !seen.has(order)) {
      seen.add(order);
      return [];
    }
    const detail = 'must not be that of another sub-order of the merchant: one order is paid once';
    return [{ pointer: `/sub_orders/${index}/order_reference`, detail }];
  });
}

/** To WeChat Pay the service provider is the merchant of every one of its combined orders. */
function providerErrors({ merchant_id }: SubOrder): FieldError[] {
  if (merchant_id === undefined) return [];
  return [{ pointer: '/merchant_id', detail: "is not for a service provider's: name the sub_merchant" }];
}

/** Each order is refunded by its own merchant, so that we need its credentials. */
function sellerErrors({ merchant_id }: SubOrder, all: Merchant[]): FieldError[] {
  if (merchant_id === undefined) return [];
  const seller = all.find(({ id }) => id === merchant_id);
  if (!seller) return [{ pointer: '/merchant_id', detail: 'is not one of your merchants' }];
  if (seller.role === 'merchant') return regionErrors(seller);
  return [{ pointer: '/merchant_id', detail: 'is a service provider, whose orders no merchant can combine' }];
}

/** The customer is known under one appid. */
function payerErrors({ payer, sub_orders }: CreateCombinedPayment, index: number): FieldError[] {
  const [first, own] = [sub_orders[0]?.sub_merchant, sub_orders[index]?.sub_merchant];
  if (payer?.sub_openid === undefined || own?.appid === undefined || own.appid === first?.appid) return [];
  return [
    { pointer: '/sub_merchant/appid', detail: 'must be that of the first: sub_openid is known under it' },
  ];
}
