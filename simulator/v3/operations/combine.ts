import { isDeepStrictEqual } from 'node:util';
import type { z } from 'zod';
import { GatewayError, paramError } from '../../gateway-error.ts';
import type { Combination, CombinationTerms } from '../../orders/combination.ts';
import type { OrderTerms, TradeType } from '../../orders/order.ts';
import {
  type CombinedBody,
  closeCombination,
  combinedOrder,
  combinedPartnerOrder,
  combineOutTradeNo,
  type MemberBody,
} from '../bodies/combination.ts';
import { combinedObject } from '../objects/combination.ts';
import {
  boundAppid,
  type Call,
  type CheckedCall,
  type Operation,
  ownBody,
  subMerchant,
} from '../operation.ts';
import { checkFields } from '../request-body.ts';

const PREFIX = '/v3/combine-transactions';

/** One product: the field that it answers. */
const PRODUCTS = {
  jsapi: { tradeType: 'JSAPI', answered: 'prepay_id' },
  app: { tradeType: 'APP', answered: 'prepay_id' },
  h5: { tradeType: 'MWEB', answered: 'h5_url' },
  native: { tradeType: 'NATIVE', answered: 'code_url' },
} as const;
type Product = keyof typeof PRODUCTS;

/** Combined orders; merchants and service providers use the same paths. */
export const combineOperations: readonly Operation[] = [
  ...(Object.keys(PRODUCTS) as Product[]).map(
    (product): Operation => ({
      name: `combine.${product}.create`,
      method: 'POST',
      path: new RegExp(`^${PREFIX}/${product}$`),
      check: (call) => checkCreate(call, product),
    }),
  ),
  {
    name: 'combine.query',
    method: 'GET',
    path: new RegExp(`^${PREFIX}/out-trade-no/(?<combine_out_trade_no>[^/]+)$`),
    faults: ['pay_before', 'pay_after', 'notpay_lag'],
    check: checkQuery,
  },
  {
    name: 'combine.close',
    method: 'POST',
    path: new RegExp(`^${PREFIX}/out-trade-no/(?<combine_out_trade_no>[^/]+)/close$`),
    faults: ['pay_before', 'pay_after'],
    check: checkClose,
  },
];

function checkCreate(call: Call, product: Product): CheckedCall {
  const { gateway, caller } = call;
  const schema: z.ZodType<CombinedBody> = (caller.role === 'partner' ? combinedPartnerOrder : combinedOrder)[
    product
  ];
  const body = checkFields(schema, ownBody(call, 'combine_mchid'), 'body');
  const { tradeType, answered } = PRODUCTS[product];
  boundAppid(body.combine_appid, caller);
  refuseRepeated(body.sub_orders);
  const terms: CombinationTerms = {
    mchid: caller.mchid,
    appid: body.combine_appid,
    combineOutTradeNo: body.combine_out_trade_no,
    deviceId: body.scene_info?.device_id,
    notifyUrl: body.notify_url,
    orders: body.sub_orders.map((member) => memberTerms(call, body, member, tradeType)),
  };
  return {
    subject: { mchid: caller.mchid, outTradeNo: body.combine_out_trade_no },
    run: () => {
      const code = gateway.combinations.create(terms);
      return { [answered]: answered === 'prepay_id' ? code.prepayId : code.url };
    },
  };
}

function memberTerms(
  { caller, gateway, path }: Call,
  body: CombinedBody,
  member: MemberBody,
  tradeType: TradeType,
): OrderTerms {
  if (member.sub_mchid !== undefined) {
    // A service provider gets the money for its sub-merchants, so that it is the merchant of every order.
    if (member.mchid !== caller.mchid) throw wrongMchid(body.sub_orders.indexOf(member), member.mchid);
    const sub = subMerchant(caller, member.sub_mchid);
    if (member.sub_appid) boundAppid(member.sub_appid, sub);
  } else {
    const merchant = gateway.world.find(member.mchid)?.merchant;
    if (!merchant) throw new GatewayError(400, 'MCH_NOT_EXISTS', '商户号不存在');
    boundAppid(body.combine_appid, merchant);
  }
  return {
    mchid: member.mchid,
    appid: body.combine_appid,
    subMchid: member.sub_mchid,
    subAppid: member.sub_appid,
    openid: body.combine_payer_info?.openid,
    subOpenid: body.combine_payer_info?.sub_openid,
    outTradeNo: member.out_trade_no,
    family: 'combined',
    api: 'v3',
    tradeType,
    endpoint: path,
    // Equal combinations have equal orders; one of them alone, or in another combination, is another use of its number.
    request: { ...body, sub_orders: member },
    description: member.description,
    attach: member.attach,
    deviceId: body.scene_info?.device_id,
    total: member.amount.total_amount,
    currency: member.amount.currency,
    notifyUrl: body.notify_url,
    timeExpire: body.time_expire,
    combineOutTradeNo: body.combine_out_trade_no,
  };
}

function checkQuery({ gateway, caller, parameters }: Call): CheckedCall {
  const number = checkFields(
    combineOutTradeNo,
    parameters.combine_out_trade_no,
    'url',
    'combine_out_trade_no',
  );
  const found = gateway.combinations.find(caller.mchid, number);
  return {
    subject: { mchid: caller.mchid, outTradeNo: number },
    order: gateway.combinations.first(found),
    run: (lagging) => {
      const combination = existing(found);
      return combinedObject(combination, gateway.combinations.orders(combination), { unpaid: lagging });
    },
  };
}

function checkClose(call: Call): CheckedCall {
  const { gateway, caller, parameters } = call;
  const body = checkFields(closeCombination, ownBody(call, 'combine_mchid'), 'body');
  const number = checkFields(
    combineOutTradeNo,
    parameters.combine_out_trade_no,
    'url',
    'combine_out_trade_no',
  );
  boundAppid(body.combine_appid, caller);
  const found = gateway.combinations.find(caller.mchid, number);
  return {
    subject: { mchid: caller.mchid, outTradeNo: number },
    order: gateway.combinations.first(found),
    run: () => {
      const combination = existing(found);
      const orders = gateway.combinations.orders(combination);
      const known = orders.map((order) => `${order.mchid}/${order.subMchid ?? ''}/${order.outTradeNo}`);
      const listed = body.sub_orders.map(
        (member) => `${member.mchid}/${member.sub_mchid ?? ''}/${member.out_trade_no}`,
      );
      if (!isDeepStrictEqual(known.sort(), listed.sort())) {
        throw paramError({
          field: '/sub_orders',
          issue: 'must list exactly the orders of the combination',
          location: 'body',
        });
      }
      for (const order of orders) gateway.orderBook.close(order);
      return undefined;
    },
  };
}

function existing(combination: Combination | undefined): Combination {
  if (combination) return combination;
  throw new GatewayError(404, 'ORDER_NOT_EXIST', '订单不存在', { internalCode: 268512771 });
}

function refuseRepeated(members: MemberBody[]): void {
  const seen = new Set<string>();
  for (const [index, { mchid, out_trade_no }] of members.entries()) {
    if (seen.has(`${mchid}/${out_trade_no}`)) {
      throw paramError({
        field: `/sub_orders/${index}/out_trade_no`,
        value: out_trade_no,
        issue: 'occurs twice',
        location: 'body',
      });
    }
    seen.add(`${mchid}/${out_trade_no}`);
  }
}

function wrongMchid(index: number, value: string): GatewayError {
  return paramError({
    field: `/sub_orders/${index}/mchid`,
    value,
    issue: 'must be the service provider',
    location: 'body',
  });
}
