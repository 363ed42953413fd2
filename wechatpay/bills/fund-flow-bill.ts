import type { Fen } from '../fen.ts';
import type { BillKind, Extra } from './kind.ts';
import { exactSum } from './money.ts';

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
  income_count: number;
  /** 收入金额 */
  income_amount: Fen;
  /** 支出笔数 */
  expense_count: number;
  /** 支出金额 */
  expense_amount: Fen;
}

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
    balance: { titles: ['账户结余(元)'], kind: 'fen', required: true },
    applicant: { titles: ['资金变更提交申请人'], kind: 'text', required: true },
    remark: { titles: ['备注'], kind: 'text', required: true },
    voucher_no: { titles: ['业务凭证号'], kind: 'text', required: true },
  },
  row: (line, at) => ({
    accounting_time: line.text(at.accounting_time),
    accounting_time_rfc3339: line.rfc3339(at.accounting_time),
    business_id: line.text(at.business_id),
    flow_id: line.text(at.flow_id),
    business_name: line.text(at.business_name),
    business_type: line.text(at.business_type),
    direction: line.text(at.direction),
    amount: line.amount(at.amount),
    balance: line.optionalAmount(at.balance),
    applicant: line.text(at.applicant),
    remark: line.text(at.remark),
    voucher_no: line.text(at.voucher_no),
    extra: line.extra(),
  }),
  summary: {
    total_count: { titles: ['资金流水总笔数'], kind: 'count', required: true },
    income_count: { titles: ['收入笔数'], kind: 'count', required: true },
    income_amount: { titles: ['收入金额'], kind: 'fen', required: true },
    expense_count: { titles: ['支出笔数'], kind: 'count', required: true },
    expense_amount: { titles: ['支出金额'], kind: 'fen', required: true },
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
