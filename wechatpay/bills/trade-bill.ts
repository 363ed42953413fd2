import type { Fen } from '../fen.ts';
import type { BillKind, Extra } from './kind.ts';
import { exactSum, type MilliFen } from './money.ts';

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
  settlement_total: Fen;
  /** 退款总金额 or 总退款金额 */
  refund_total?: Fen;
  /** 充值券退款总金额, 总代金券或立减优惠退款金额 or 总企业红包退款金额 */
  coupon_refund_total?: Fen;
  /** 手续费总金额 */
  fee_total_milli_fen: MilliFen;
  /** 订单总金额 */
  order_total?: Fen;
  /** 申请退款总金额 */
  requested_refund_total?: Fen;
}

/** Trade bills: ALL (27 columns), SUCCESS (20), REFUND (29) and the old layout (24 and its variants), all by title. */
export const TRADE_BILL: BillKind<TradeBillRow, TradeBillSummary> = {
  name: 'trade bill',
  columns: {
    trade_time: { titles: ['交易时间'], kind: 'time', required: true },
    appid: { titles: ['公众账号ID'], kind: 'text', required: true },
    mchid: { titles: ['商户号'], kind: 'text', required: true },
    sub_mchid: { titles: ['特约商户号', '子商户号'], kind: 'text', required: true },
    device_id: { titles: ['设备号'], kind: 'text', required: true },
    transaction_id: { titles: ['微信订单号'], kind: 'text', required: true },
    out_trade_no: { titles: ['商户订单号'], kind: 'text', required: true },
    openid: { titles: ['用户标识'], kind: 'text', required: true },
    trade_type: { titles: ['交易类型'], kind: 'text', required: true },
    trade_state: { titles: ['交易状态'], kind: 'text', required: true },
    bank_type: { titles: ['付款银行'], kind: 'text', required: true },
    currency: { titles: ['货币种类'], kind: 'text', required: true },
    settlement_total: { titles: ['应结订单金额', '总金额'], kind: 'fen', required: true },
    coupon_amount: {
      titles: ['代金券金额', '代金券或立减优惠金额', '企业红包金额'],
      kind: 'fen',
      required: true,
    },
    refund_apply_time: { titles: ['退款申请时间'], kind: 'time' },
    refund_success_time: { titles: ['退款成功时间'], kind: 'time' },
    refund_id: { titles: ['微信退款单号'], kind: 'text' },
    out_refund_no: { titles: ['商户退款单号'], kind: 'text' },
    refund_amount: { titles: ['退款金额'], kind: 'fen' },
    coupon_refund_amount: {
      titles: ['充值券退款金额', '代金券或立减优惠退款金额', '企业红包退款金额'],
      kind: 'fen',
    },
    refund_type: { titles: ['退款类型'], kind: 'text' },
    refund_status: { titles: ['退款状态'], kind: 'text' },
    description: { titles: ['商品名称'], kind: 'text', required: true },
    attach: { titles: ['商户数据包'], kind: 'text', required: true },
    fee_milli_fen: { titles: ['手续费'], kind: 'milli_fen', required: true },
    fee_rate: { titles: ['费率'], kind: 'text', required: true },
    order_amount: { titles: ['订单金额'], kind: 'fen' },
    requested_refund_amount: { titles: ['申请退款金额'], kind: 'fen' },
    fee_rate_remark: { titles: ['费率备注'], kind: 'text' },
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
    currency: line.text(at.currency),
    settlement_total: line.amount(at.settlement_total),
    coupon_amount: line.amount(at.coupon_amount),
    refund_apply_time: line.optionalText(at.refund_apply_time),
    refund_apply_time_rfc3339: line.rfc3339(at.refund_apply_time),
    refund_success_time: line.optionalText(at.refund_success_time),
    refund_success_time_rfc3339: line.rfc3339(at.refund_success_time),
    refund_id: line.optionalText(at.refund_id),
    out_refund_no: line.optionalText(at.out_refund_no),
    refund_amount: line.optionalAmount(at.refund_amount),
    coupon_refund_amount: line.optionalAmount(at.coupon_refund_amount),
    refund_type: line.optionalText(at.refund_type),
    refund_status: line.optionalText(at.refund_status),
    description: line.text(at.description),
    attach: line.text(at.attach),
    fee_milli_fen: line.amount(at.fee_milli_fen),
    fee_rate: line.text(at.fee_rate),
    order_amount: line.optionalAmount(at.order_amount),
    requested_refund_amount: line.optionalAmount(at.requested_refund_amount),
    fee_rate_remark: line.optionalText(at.fee_rate_remark),
    extra: line.extra(),
  }),
  summary: {
    total_count: { titles: ['总交易单数'], kind: 'count', required: true },
    settlement_total: { titles: ['应结订单总金额', '总交易额'], kind: 'fen', required: true },
    refund_total: { titles: ['退款总金额', '总退款金额'], kind: 'fen' },
    coupon_refund_total: {
      titles: ['充值券退款总金额', '总代金券或立减优惠退款金额', '总企业红包退款金额'],
      kind: 'fen',
    },
    fee_total_milli_fen: { titles: ['手续费总金额'], kind: 'milli_fen', required: true },
    order_total: { titles: ['订单总金额'], kind: 'fen' },
    requested_refund_total: { titles: ['申请退款总金额'], kind: 'fen' },
  },
  summaryRequired: true,
  totals: () => ({
    total_count: 0,
    settlement_total: 0,
    refund_total: 0,
    coupon_refund_total: 0,
    fee_total_milli_fen: 0,
    order_total: 0,
    requested_refund_total: 0,
  }),
  // A column that the bill does not have adds up to nothing: old SUCCESS bills print sums of refunds.
  add(totals, row) {
    totals.total_count++;
    totals.settlement_total = exactSum(totals.settlement_total, row.settlement_total);
    totals.refund_total = exactSum(totals.refund_total, row.refund_amount ?? 0);
    totals.coupon_refund_total = exactSum(totals.coupon_refund_total, row.coupon_refund_amount ?? 0);
    totals.fee_total_milli_fen = exactSum(totals.fee_total_milli_fen, row.fee_milli_fen);
    totals.order_total = exactSum(totals.order_total, row.order_amount ?? 0);
    totals.requested_refund_total = exactSum(totals.requested_refund_total, row.requested_refund_amount ?? 0);
  },
};
