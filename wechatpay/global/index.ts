export { WechatPayGlobal, type WechatPayGlobalOptions, WechatPayGlobalPartner } from './client.ts';
export type { GlobalMicropay, GlobalMicropayAnswer } from './micropay.ts';
export * from './money.ts';
export type * from './notifications.ts';
export type * from './order-request.ts';
export type {
  GlobalMerchantOrder,
  GlobalOrder,
  GlobalOrders,
  GlobalPartnerOrder,
  GlobalPromotion,
  GlobalTradeType,
} from './orders.ts';
export type * from './refunds.ts';
export type {
  Settlement,
  SettlementFilter,
  SettlementList,
  SettlementPage,
  Settlements,
} from './settlements.ts';
export type { FetchedStatement, StatementHash, StatementRequest, Statements } from './statements.ts';
