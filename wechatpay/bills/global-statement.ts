import type { BillKind, Extra } from './kind.ts';
import type { BillRefundStatus, BillTradeState } from './trade-bill.ts';

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

/** Overseas statements (38 columns) of `/v3/global/statements`. Source: https://pay.weixin.qq.com/wiki/doc/api_external/ch/apis/chapter4_1_34.shtml */
export const GLOBAL_STATEMENT: BillKind<GlobalStatementRow, GlobalStatementSummary> = {
  name: 'overseas statement',
  columns: {
    trade_time: { titles: ['交易时间'], kind: 'time', required: true },
    appid: { titles: ['公众账号ID'], kind: 'text', required: true },
    mchid: { titles: ['商户号'], kind: 'text', required: true },
    sub_mchid: { titles: ['子商户号', '特约商户号'], kind: 'text', required: true },
    device_id: { titles: ['设备号'], kind: 'text', required: true },
    transaction_id: { titles: ['微信订单号'], kind: 'text', required: true },
    out_trade_no: { titles: ['商户订单号'], kind: 'text', required: true },
    openid: { titles: ['用户标识'], kind: 'text', required: true },
    trade_type: { titles: ['交易类型'], kind: 'text', required: true },
    trade_state: { titles: ['交易状态'], kind: 'text', required: true },
    bank_type: { titles: ['付款银行'], kind: 'text', required: true },
    recharge_coupon_currency: { titles: ['充值券币种'], kind: 'text', required: true },
    recharge_coupon_amount: { titles: ['充值券金额'], kind: 'fen', required: true },
    discount_coupon_currency: { titles: ['优惠券币种'], kind: 'text', required: true },
    discount_coupon_amount: { titles: ['优惠券金额'], kind: 'fen', required: true },
    refund_id: { titles: ['微信退款单号'], kind: 'text', required: true },
    out_refund_no: { titles: ['商户退款单号'], kind: 'text', required: true },
    refund_type: { titles: ['退款类型'], kind: 'text', required: true },
    refund_status: { titles: ['退款状态'], kind: 'text', required: true },
    description: { titles: ['商品名称'], kind: 'text', required: true },
    attach: { titles: ['商户数据包'], kind: 'text', required: true },
    fee_hundred_thousandths: { titles: ['手续费'], kind: 'milli_fen', required: true },
    fee_rate: { titles: ['费率'], kind: 'text', required: true },
    currency: { titles: ['标价币种'], kind: 'text', required: true },
    order_amount: { titles: ['订单金额(标价币种)'], kind: 'fen', required: true },
    payer_currency: { titles: ['用户支付币种'], kind: 'text', required: true },
    payer_amount: { titles: ['用户支付金额'], kind: 'fen', required: true },
    settlement_currency: { titles: ['结算币种'], kind: 'text', required: true },
    settlement_total: { titles: ['应结订单金额'], kind: 'fen', required: true },
    exchange_rate: { titles: ['支付汇率'], kind: 'text', required: true },
    refund_exchange_rate: { titles: ['退款汇率'], kind: 'text', required: true },
    requested_refund_amount: { titles: ['申请退款金额'], kind: 'fen', required: true },
    payer_refund_currency: { titles: ['用户退款币种'], kind: 'text', required: true },
    payer_refund_amount: { titles: ['用户退款金额'], kind: 'fen', required: true },
    refund_settlement_currency: { titles: ['退款结算币种'], kind: 'text', required: true },
    refund_settlement_total: { titles: ['退款应结订单金额'], kind: 'fen', required: true },
    recharge_coupon_refund_amount: { titles: ['充值券退款金额'], kind: 'fen', required: true },
    discount_coupon_refund_amount: { titles: ['优惠券退款金额'], kind: 'fen', required: true },
  },
  row: (line, at) => ({
    trade_time: line.text(at.trade_time),
    trade_time_rfc3339: line.rfc3339(at.trade_time),
    appid: line.text(at.appid),
    mchid: line.text(at.mchid),
    sub_mchid: line.text(at.sub_mchid),
    device_id: line.text(at.device_id),
    transaction_id: line.text(at.transaction_id),
    out_trade_no: line.text(at.out_trade_no),
    openid: line.text(at.openid),
    trade_type: line.text(at.trade_type),
    trade_state: line.text(at.trade_state),
    bank_type: line.text(at.bank_type),
    recharge_coupon_currency: line.text(at.recharge_coupon_currency),
    recharge_coupon_amount: line.optionalAmount(at.recharge_coupon_amount),
    discount_coupon_currency: line.text(at.discount_coupon_currency),
    discount_coupon_amount: line.optionalAmount(at.discount_coupon_amount),
    refund_id: line.text(at.refund_id),
    out_refund_no: line.text(at.out_refund_no),
    refund_type: line.text(at.refund_type),
    refund_status: line.text(at.refund_status),
    description: line.text(at.description),
    attach: line.text(at.attach),
    fee_hundred_thousandths: line.optionalAmount(at.fee_hundred_thousandths),
    fee_rate: line.text(at.fee_rate),
    currency: line.text(at.currency),
    order_amount: line.optionalAmount(at.order_amount),
    payer_currency: line.text(at.payer_currency),
    payer_amount: line.optionalAmount(at.payer_amount),
    settlement_currency: line.text(at.settlement_currency),
    settlement_total: line.optionalAmount(at.settlement_total),
    exchange_rate: line.text(at.exchange_rate),
    refund_exchange_rate: line.text(at.refund_exchange_rate),
    requested_refund_amount: line.optionalAmount(at.requested_refund_amount),
    payer_refund_currency: line.text(at.payer_refund_currency),
    payer_refund_amount: line.optionalAmount(at.payer_refund_amount),
    refund_settlement_currency: line.text(at.refund_settlement_currency),
    refund_settlement_total: line.optionalAmount(at.refund_settlement_total),
    recharge_coupon_refund_amount: line.optionalAmount(at.recharge_coupon_refund_amount),
    discount_coupon_refund_amount: line.optionalAmount(at.discount_coupon_refund_amount),
    extra: line.extra(),
  }),
  summary: { total_count: { titles: ['总交易单数'], kind: 'count', required: true } },
  summaryRequired: false,
  totals: () => ({ total_count: 0 }),
  add(totals) {
    totals.total_count++;
  },
};
