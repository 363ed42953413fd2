export * from './bills/index.ts';
export { WechatPay, WechatPayPartner } from './client.ts';
export type { WechatPayOptions } from './configuration.ts';
export type { Endpoint, RateLimit } from './endpoint.ts';
export { ENDPOINTS, type EndpointName } from './endpoints.ts';
export type { ErrorCode, KnownErrorCode } from './error-codes.ts';
export {
  BillError,
  type BillErrorCode,
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
export type { GatewayOptions } from './gateway-options.ts';
export * from './global/index.ts';
export type { Headers } from './headers.ts';
export type { Notification, NotificationReply, Notifications, V2Event } from './notifications.ts';
export * from './v2/index.ts';
export type * from './v3/bills.ts';
export type { Certificates } from './v3/certificates.ts';
export type { Codepay, CodepayAnswer } from './v3/codepay.ts';
export type * from './v3/combine.ts';
export type { ComplaintImage, ComplaintImageFile, ImageType } from './v3/complaint-images.ts';
export type {
  ComplaintImmediateResponse,
  ComplaintRefundProgress,
  ComplaintResponse,
} from './v3/complaint-replies.ts';
export type * from './v3/complaint-types.ts';
export type { ComplaintNotificationUrl, Complaints } from './v3/complaints.ts';
export type * from './v3/invocation.ts';
export type * from './v3/notifications.ts';
export type * from './v3/order-request.ts';
export {
  type MerchantOrder,
  OLD_ORDERS_RATE_LIMIT,
  type Order,
  type OrderNumber,
  type Orders,
  type PartnerOrder,
  type Promotion,
  type TradeState,
  type TradeType,
} from './v3/orders.ts';
export type { PlatformCertificate } from './v3/platform-certificate.ts';
export type { CodeUrl, H5Url, Prepay, PrepayId } from './v3/prepay.ts';
export type * from './v3/refunds.ts';
export type { Role, SubMerchant, SubOrderer } from './v3/role.ts';
export type { Security } from './v3/security.ts';
export type { EncryptedField, Sensitive } from './v3/sensitive.ts';
