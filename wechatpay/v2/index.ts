export type { BillRequest, DownloadLimits, FundFlowRequest } from './bills.ts';
export { V2 } from './client.ts';
export type { ClientCertificate, V2Options } from './configuration.ts';
export { V2_ENDPOINTS, type V2Call } from './endpoints.ts';
export type { SubMerchant as V2SubMerchant } from './fields.ts';
export type {
  V2AppInvocation,
  V2Invocation,
  V2JsapiInvocation,
  V2MiniProgramInvocation,
} from './invocation.ts';
export {
  looksLikeXml,
  openV2Notification,
  openV2Payment,
  openV2Refund,
  V2_ACCEPTED,
  type V2FailedPaymentNotification,
  type V2Notification,
  type V2NotificationKey,
  type V2PaymentNotification,
  type V2RefundNotification,
  v2Refusal,
} from './notifications.ts';
export type {
  PaidFields,
  PlacedOrder,
  UnifiedOrder,
  UsedCoupon,
  V2Answer,
  V2Order,
  V2OrderNumber,
  V2OrderType,
  V2TradeState,
  V2TradeType,
} from './orders.ts';
export type {
  CodePayment,
  FaceAuthinfo,
  FaceAuthinfoRequest,
  FacepayOrder,
  MicropayOrder,
  Reversal,
} from './payment-codes.ts';
export type {
  AcceptedRefund,
  QueriedRefund,
  QueriedRefunds,
  RefundedCoupon,
  RefundNumber as V2RefundNumber,
  RefundSource,
  V2GoodsRefundRequest,
  V2RefundRequest,
  V2RefundStatus,
} from './refunds.ts';
export type { V2SignType } from './signature.ts';
export type { CallReport, PayerOfCode, SandboxKey } from './tools.ts';
