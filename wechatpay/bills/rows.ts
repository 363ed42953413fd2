import type { Fen } from '../fen.ts';
import type { MilliFen } from './money.ts';

/** What is in a bill besides the documented columns: the text by the title of its column. Only there when there are such columns. */
interface Extra {
  extra?: Record<string, string>;
}

/** State of a trade at the time the bill was made. */
export type BillTradeState = 'SUCCESS' | 'REFUND' | 'REVOKED' | (string & {});

/** State of a refund at the time the bill was made; it is never updated. */
export type BillRefundStatus = 'SUCCESS' | 'PROCESSING' | 'FAIL' | 'CHANGE' | (string & {});

/**
 * A row of a trade bill: a payment, by the time it was paid, or a refund, by the time it was accepted. Texts are as the bill prints them: what
 * does not apply is `` or `0`, a comma of a name is backslash and blank, a line break is backslash and n. Fields that not all layouts have are
 * undefined where the layout lacks them: SUCCESS bills have no refund, bills of the old layout end with `fee_rate`.
 */
export interface TradeBillRow extends Extra {
  /** 交易时间, `2026-03-01 12:03:11`, in Asia/Shanghai. */
  trade_time: string;
  /** `trade_time` as RFC 3339, `2026-03-01T12:03:11+08:00`; undefined when it is no such time. */
  trade_time_rfc3339: string | undefined;
  /** 公众账号ID */
  appid: string;
  /** 商户号. The service provider's, in a partner's bill. */
  mchid: string;
  /** 特约商户号 or 子商户号. `0` for a direct merchant. */
  sub_mchid: string;
  /** 设备号 */
  device_id: string;
  /** 微信订单号 */
  transaction_id: string;
  /** 商户订单号 */
  out_trade_no: string;
  /** 用户标识 */
  openid: string;
  /** 交易类型: JSAPI, NATIVE, APP, MWEB, MICROPAY, FACE, … */
  trade_type: string;
  /** 交易状态. REFUND is the row of a refund. */
  trade_state: BillTradeState;
  /** 付款银行 */
  bank_type: string;
  /** 货币种类 */
  currency: string;
  /** 应结订单金额 or 总金额: what the merchant is paid, the order without coupons of the merchant. 0 in rows of refunds. */
  settlement_total: Fen;
  /** 代金券金额, 代金券或立减优惠金额 or 企业红包金额. */
  coupon_amount: Fen;
  /** 退款申请时间, only in REFUND bills. */
  refund_apply_time?: string;
  refund_apply_time_rfc3339?: string | undefined;
  /** 退款成功时间, only in REFUND bills. */
  refund_success_time?: string;
  refund_success_time_rfc3339?: string | undefined;
  /** 微信退款单号 */
  refund_id?: string;
  /** 商户退款单号 */
  out_refund_no?: string;
  /** 退款金额: what the customer gets back, without coupons of the merchant. */
  refund_amount?: Fen | undefined;
  /** 充值券退款金额, 代金券或立减优惠退款金额 or 企业红包退款金额. */
  coupon_refund_amount?: Fen | undefined;
  /** 退款类型: ORIGINAL, BALANCE, … */
  refund_type?: string;
  /** 退款状态 */
  refund_status?: BillRefundStatus;
  /** 商品名称 */
  description: string;
  /** 商户数据包 */
  attach: string;
  /** 手续费, exact: bills print five decimals of yuan. Negative when it is given back. */
  fee_milli_fen: MilliFen;
  /** 费率, such as `0.60%`. */
  fee_rate: string;
  /** 订单金额: compare this one with `amount.total` of the order. */
  order_amount?: Fen | undefined;
  /** 申请退款金额: compare this one with `amount.refund` of the refund. */
  requested_refund_amount?: Fen | undefined;
  /** 费率备注 */
  fee_rate_remark?: string;
}

/** The last row of a trade bill; what was printed has been compared with the rows. */
export interface TradeBillSummary extends Extra {
  /** 总交易单数: rows of the bill. */
  total_count: number;
  /** 应结订单总金额 or 总交易额 */
  settlement_total?: Fen;
  /** 退款总金额 or 总退款金额 */
  refund_total?: Fen;
  /** 充值券退款总金额, 总代金券或立减优惠退款金额 or 总企业红包退款金额 */
  coupon_refund_total?: Fen;
  /** 手续费总金额 */
  fee_total_milli_fen?: MilliFen;
  /** 订单总金额 */
  order_total?: Fen;
  /** 申请退款总金额 */
  requested_refund_total?: Fen;
}

/** A row of a fund-flow bill: one movement of an account. A payment is two of them, its amount and its fee. */
export interface FundFlowRow extends Extra {
  /** 记账时间, `2026-03-01 12:03:11`, in Asia/Shanghai. */
  accounting_time: string;
  /** `accounting_time` as RFC 3339; undefined when it is no such time. */
  accounting_time_rfc3339: string | undefined;
  /** 微信支付业务单号. Either this or `flow_id` is the transaction_id or refund_id: compare with both. */
  business_id: string;
  /** 资金流水单号 */
  flow_id: string;
  /** 业务名称 */
  business_name: string;
  /** 业务类型: 交易, 扣除交易手续费, 退款, 退款关闭, 退还交易手续费, … */
  business_type: string;
  /** 收支类型: income or expense. */
  direction: '收入' | '支出' | (string & {});
  /** 收支金额(元), as printed: `direction` says which way. */
  amount: Fen;
  /** 账户结余(元); undefined when it is blank. */
  balance: Fen | undefined;
  /** 资金变更提交申请人 */
  applicant: string;
  /** 备注 */
  remark: string;
  /** 业务凭证号 */
  voucher_no: string;
}

/** The last row of a fund-flow bill; what was printed has been compared with the rows. */
export interface FundFlowSummary extends Extra {
  /** 资金流水总笔数 */
  total_count: number;
  /** 收入笔数 */
  income_count?: number;
  /** 收入金额 */
  income_amount?: Fen;
  /** 支出笔数 */
  expense_count?: number;
  /** 支出金额 */
  expense_amount?: Fen;
}

/**
 * An exact amount in 1/100 of the unit of its currency, whatever the currency. The API counts currencies without decimals (JPY, KRW) in whole
 * units: divide by 100 before comparing them.
 */
export type Hundredths = number;

/** A row of an overseas statement. Amounts that do not apply are undefined when they are blank. Texts are as in {@link TradeBillRow}. */
export interface GlobalStatementRow extends Extra {
  /** 交易时间, `2026-03-01 12:03:11`, in Asia/Shanghai. */
  trade_time: string;
  /** `trade_time` as RFC 3339; undefined when it is no such time. */
  trade_time_rfc3339: string | undefined;
  /** 公众账号ID */
  appid: string;
  /** 商户号 */
  mchid: string;
  /** 子商户号 */
  sub_mchid: string;
  /** 设备号 */
  device_id: string;
  /** 微信订单号: `id` of the overseas API. */
  transaction_id: string;
  /** 商户订单号 */
  out_trade_no: string;
  /** 用户标识 */
  openid: string;
  /** 交易类型 */
  trade_type: string;
  /** 交易状态 */
  trade_state: BillTradeState;
  /** 付款银行 */
  bank_type: string;
  /** 充值券币种 */
  recharge_coupon_currency: string;
  /** 充值券金额 */
  recharge_coupon_amount: Hundredths | undefined;
  /** 优惠券币种 */
  discount_coupon_currency: string;
  /** 优惠券金额 */
  discount_coupon_amount: Hundredths | undefined;
  /** 微信退款单号 */
  refund_id: string;
  /** 商户退款单号 */
  out_refund_no: string;
  /** 退款类型 */
  refund_type: string;
  /** 退款状态 */
  refund_status: BillRefundStatus;
  /** 商品名称 */
  description: string;
  /** 商户数据包 */
  attach: string;
  /** 手续费, in 1e-5 of the unit of its currency. */
  fee_hundred_thousandths: number | undefined;
  /** 费率 */
  fee_rate: string;
  /** 标价币种: the currency of the order. */
  currency: string;
  /** 订单金额(标价币种) */
  order_amount: Hundredths | undefined;
  /** 用户支付币种 */
  payer_currency: string;
  /** 用户支付金额 */
  payer_amount: Hundredths | undefined;
  /** 结算币种 */
  settlement_currency: string;
  /** 应结订单金额 */
  settlement_total: Hundredths | undefined;
  /** 支付汇率, as printed. */
  exchange_rate: string;
  /** 退款汇率, as printed. */
  refund_exchange_rate: string;
  /** 申请退款金额 */
  requested_refund_amount: Hundredths | undefined;
  /** 用户退款币种 */
  payer_refund_currency: string;
  /** 用户退款金额 */
  payer_refund_amount: Hundredths | undefined;
  /** 退款结算币种 */
  refund_settlement_currency: string;
  /** 退款应结订单金额 */
  refund_settlement_total: Hundredths | undefined;
  /** 充值券退款金额 */
  recharge_coupon_refund_amount: Hundredths | undefined;
  /** 优惠券退款金额 */
  discount_coupon_refund_amount: Hundredths | undefined;
}

/** Overseas statements are documented without a summary: this is counted. A summary that is printed nevertheless must have this count. */
export interface GlobalStatementSummary extends Extra {
  total_count: number;
}
