import { exactSum, YUAN_IN_FEN, YUAN_IN_MILLI_FEN } from './money.ts';
import type {
  FundFlowRow,
  FundFlowSummary,
  GlobalStatementRow,
  GlobalStatementSummary,
  TradeBillRow,
  TradeBillSummary,
} from './rows.ts';

/** How the text of a column is read. */
export type ColumnKind =
  | 'text'
  /** Beijing time: the text, and RFC 3339 in `<field>_rfc3339`. */
  | 'time'
  /** An amount with two decimals. */
  | 'fen'
  /** An amount with five decimals. */
  | 'milli_fen'
  | 'count';

/** Decimals that a kind keeps exactly; undefined for text. */
export const DECIMALS: Record<ColumnKind, number | undefined> = {
  text: undefined,
  time: undefined,
  fen: YUAN_IN_FEN,
  milli_fen: YUAN_IN_MILLI_FEN,
  count: 0,
};

/** One documented column. */
export interface Column {
  /** Its titles, in all layouts, with ASCII brackets. */
  titles: readonly string[];
  kind: ColumnKind;
  /** Whether a bill of this kind always has it; a header without it is none of this kind. */
  required?: true;
  /** Whether a blank amount is undefined rather than an error. */
  blank?: true;
}

/** Fields that a column fills by itself. */
type ColumnField<Row> = Exclude<keyof Row, 'extra' | `${string}_rfc3339`> & string;

/** One kind of bill, as data. */
export interface BillKind<Row, Summary extends { total_count: number }> {
  name: string;
  columns: Record<ColumnField<Row>, Column>;
  summary: Record<ColumnField<Summary>, Column>;
  /** Whether a bill without a summary is incomplete. */
  summaryRequired: boolean;
  /** Every sum of the summary over no rows. */
  totals: () => Required<Omit<Summary, 'extra'>>;
  /** Adds a row to the sums. A sum that becomes too large is NaN. */
  add: (totals: Required<Omit<Summary, 'extra'>>, row: Row) => void;
}

/**
 * Trade bills: ALL (27 columns), SUCCESS (20), REFUND (29) and the old layout (24 and its variants), all by title.
 * Source: "Bills" of the official documentation, and the samples of `/pay/downloadbill`.
 */
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
    refund_amount: { titles: ['退款金额'], kind: 'fen', blank: true },
    coupon_refund_amount: {
      titles: ['充值券退款金额', '代金券或立减优惠退款金额', '企业红包退款金额'],
      kind: 'fen',
      blank: true,
    },
    refund_type: { titles: ['退款类型'], kind: 'text' },
    refund_status: { titles: ['退款状态'], kind: 'text' },
    description: { titles: ['商品名称'], kind: 'text', required: true },
    attach: { titles: ['商户数据包'], kind: 'text', required: true },
    fee_milli_fen: { titles: ['手续费'], kind: 'milli_fen', required: true },
    fee_rate: { titles: ['费率'], kind: 'text', required: true },
    order_amount: { titles: ['订单金额'], kind: 'fen', blank: true },
    requested_refund_amount: { titles: ['申请退款金额'], kind: 'fen', blank: true },
    fee_rate_remark: { titles: ['费率备注'], kind: 'text' },
  },
  summary: {
    total_count: { titles: ['总交易单数'], kind: 'count', required: true },
    settlement_total: { titles: ['应结订单总金额', '总交易额'], kind: 'fen' },
    refund_total: { titles: ['退款总金额', '总退款金额'], kind: 'fen' },
    coupon_refund_total: {
      titles: ['充值券退款总金额', '总代金券或立减优惠退款金额', '总企业红包退款金额'],
      kind: 'fen',
    },
    fee_total_milli_fen: { titles: ['手续费总金额'], kind: 'milli_fen' },
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

/** Fund-flow bills (11 columns) of merchants, and of a partner's sub-merchants. Older samples have full-width brackets. */
export const FUND_FLOW_BILL: BillKind<FundFlowRow, FundFlowSummary> = {
  name: 'fund-flow bill',
  columns: {
    accounting_time: { titles: ['记账时间'], kind: 'time', required: true },
    business_id: { titles: ['微信支付业务单号'], kind: 'text', required: true },
    flow_id: { titles: ['资金流水单号'], kind: 'text', required: true },
    business_name: { titles: ['业务名称'], kind: 'text', required: true },
    business_type: { titles: ['业务类型'], kind: 'text', required: true },
    direction: { titles: ['收支类型'], kind: 'text', required: true },
    amount: { titles: ['收支金额(元)'], kind: 'fen', required: true },
    balance: { titles: ['账户结余(元)'], kind: 'fen', required: true, blank: true },
    applicant: { titles: ['资金变更提交申请人'], kind: 'text', required: true },
    remark: { titles: ['备注'], kind: 'text', required: true },
    voucher_no: { titles: ['业务凭证号'], kind: 'text', required: true },
  },
  summary: {
    total_count: { titles: ['资金流水总笔数'], kind: 'count', required: true },
    income_count: { titles: ['收入笔数'], kind: 'count' },
    income_amount: { titles: ['收入金额'], kind: 'fen' },
    expense_count: { titles: ['支出笔数'], kind: 'count' },
    expense_amount: { titles: ['支出金额'], kind: 'fen' },
  },
  summaryRequired: true,
  totals: () => ({
    total_count: 0,
    income_count: 0,
    income_amount: 0,
    expense_count: 0,
    expense_amount: 0,
  }),
  add(totals, { direction, amount }) {
    totals.total_count++;
    if (direction === '收入') {
      totals.income_count++;
      totals.income_amount = exactSum(totals.income_amount, amount);
    } else if (direction === '支出') {
      totals.expense_count++;
      totals.expense_amount = exactSum(totals.expense_amount, amount);
    }
  },
};

/** Overseas statements (38 columns) of `/v3/global/statements`. Source: official page 4012354484. */
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
    recharge_coupon_amount: { titles: ['充值券金额'], kind: 'fen', required: true, blank: true },
    discount_coupon_currency: { titles: ['优惠券币种'], kind: 'text', required: true },
    discount_coupon_amount: { titles: ['优惠券金额'], kind: 'fen', required: true, blank: true },
    refund_id: { titles: ['微信退款单号'], kind: 'text', required: true },
    out_refund_no: { titles: ['商户退款单号'], kind: 'text', required: true },
    refund_type: { titles: ['退款类型'], kind: 'text', required: true },
    refund_status: { titles: ['退款状态'], kind: 'text', required: true },
    description: { titles: ['商品名称'], kind: 'text', required: true },
    attach: { titles: ['商户数据包'], kind: 'text', required: true },
    fee_hundred_thousandths: { titles: ['手续费'], kind: 'milli_fen', required: true, blank: true },
    fee_rate: { titles: ['费率'], kind: 'text', required: true },
    currency: { titles: ['标价币种'], kind: 'text', required: true },
    order_amount: { titles: ['订单金额(标价币种)'], kind: 'fen', required: true, blank: true },
    payer_currency: { titles: ['用户支付币种'], kind: 'text', required: true },
    payer_amount: { titles: ['用户支付金额'], kind: 'fen', required: true, blank: true },
    settlement_currency: { titles: ['结算币种'], kind: 'text', required: true },
    settlement_total: { titles: ['应结订单金额'], kind: 'fen', required: true, blank: true },
    exchange_rate: { titles: ['支付汇率'], kind: 'text', required: true },
    refund_exchange_rate: { titles: ['退款汇率'], kind: 'text', required: true },
    requested_refund_amount: { titles: ['申请退款金额'], kind: 'fen', required: true, blank: true },
    payer_refund_currency: { titles: ['用户退款币种'], kind: 'text', required: true },
    payer_refund_amount: { titles: ['用户退款金额'], kind: 'fen', required: true, blank: true },
    refund_settlement_currency: { titles: ['退款结算币种'], kind: 'text', required: true },
    refund_settlement_total: { titles: ['退款应结订单金额'], kind: 'fen', required: true, blank: true },
    recharge_coupon_refund_amount: { titles: ['充值券退款金额'], kind: 'fen', required: true, blank: true },
    discount_coupon_refund_amount: { titles: ['优惠券退款金额'], kind: 'fen', required: true, blank: true },
  },
  summary: { total_count: { titles: ['总交易单数'], kind: 'count', required: true } },
  summaryRequired: false,
  totals: () => ({ total_count: 0 }),
  add(totals) {
    totals.total_count++;
  },
};
