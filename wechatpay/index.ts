export { WechatPay } from './client.ts';
export type { WechatPayOptions } from './configuration.ts';
export type { ErrorCode, KnownErrorCode } from './error-codes.ts';
export {
  ConfigurationError,
  NotificationError,
  type NotificationVerdict,
  type Outcome,
  OutcomeUnknownError,
  RequestRejectedError,
  type SentRequest,
  WechatPayError,
} from './errors.ts';
export type { Fen } from './fen.ts';
export type { GoodsDetail, LimitPay, Native, NativeOrder } from './v3/native.ts';
export type {
  Notification,
  Notifications,
  OtherEvent,
  OtherEventType,
  RawNotification,
  RefundEvent,
  RefundNotification,
  TransactionEvent,
} from './v3/notifications.ts';
export type { Order, Orders, Promotion, TradeState, TradeType } from './v3/orders.ts';
export type {
  FundsAccount,
  Refund,
  RefundChannel,
  RefundFrom,
  RefundGoods,
  RefundRequest,
  RefundStatus,
  Refunds,
} from './v3/refunds.ts';
export type { Headers } from './v3/verification.ts';
