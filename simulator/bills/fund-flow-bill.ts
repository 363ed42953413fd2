import { yuan } from './amount.ts';
import { billTime } from './calendar.ts';
import type { Entry } from './entry.ts';
import type { EffectiveSettings } from './settings.ts';
import type { BillTable } from './table.ts';
import { printedCount } from './trade-bill.ts';

/** Accounts of merchants. Nothing ever happens on OPERATION and DEPOSIT: payments and refunds move the basic account, fees that of fees where told so. */
export type FundAccount = 'BASIC' | 'OPERATION' | 'FEES' | 'DEPOSIT';

const TITLES =
  '记账时间,微信支付业务单号,资金流水单号,业务名称,业务类型,收支类型,收支金额(元),账户结余(元),资金变更提交申请人,备注,业务凭证号';
const SUMMARY_TITLES = '资金流水总笔数,收入笔数,收入金额,支出笔数,支出金额';

/** A movement of an account. */
export interface Movement {
  account: FundAccount;
  /** 业务类型 */
  type: (typeof TYPES)[number];
  /** In fen; positive for 收入, negative for 支出. */
  change: number;
}

/** What an entry does to the accounts of its merchant: amount and fee are movements of their own. */
export function movementsOf(entry: Entry, feeAccount: 'BASIC' | 'FEES'): Movement[] {
  const { fee, refund, movement } = entry;
  const movements: Movement[] = [];
  if (movement) {
    movements.push({ account: 'BASIC', ...movement });
  } else if (!refund) {
    movements.push(
      { account: 'BASIC', type: '交易', change: entry.settlement },
      { account: feeAccount, type: '扣除交易手续费', change: -fee },
    );
  } else if (entry.kind === 'refund_closed') {
    movements.push(
      { account: 'BASIC', type: '退款关闭', change: refund.settlement },
      { account: feeAccount, type: '扣除交易手续费', change: -fee },
    );
  } else {
    movements.push(
      { account: 'BASIC', type: '退款', change: -refund.settlement },
      { account: feeAccount, type: '退还交易手续费', change: fee },
    );
  }
  return movements.filter(({ change }) => change !== 0);
}

/** Rows and sums of a fund-flow bill (official pages of GET /v3/bill/fundflowbill). */
export class FundFlowBill implements BillTable {
  readonly titles: string;
  readonly summaryTitles = SUMMARY_TITLES;
  readonly #settings: Pick<EffectiveSettings, 'layout' | 'fee_account' | 'counts'>;
  readonly #account: FundAccount | 'ALL';
  #balance: number;
  #income = { count: 0, amount: 0 };
  #expense = { count: 0, amount: 0 };

  /** @param balance in fen, before the first row */
  constructor(
    account: FundAccount | 'ALL',
    balance: number,
    settings: Pick<EffectiveSettings, 'layout' | 'fee_account' | 'counts'>,
  ) {
    this.#account = account;
    this.#balance = balance;
    this.#settings = settings;
    this.titles = settings.layout === 'current' ? TITLES : TITLES.replaceAll('(', '（').replaceAll(')', '）');
  }

  rows(entry: Entry): string[][] {
    const rows: string[][] = [];
    for (const { account, type, change } of movementsOf(entry, this.#settings.fee_account)) {
      if (this.#account !== 'ALL' && this.#account !== account) continue;
      this.#balance += change;
      const sum = change > 0 ? this.#income : this.#expense;
      sum.count += 1;
      sum.amount += Math.abs(change);
      const { refund } = entry;
      // Reversals have no number of their own.
      const business = refund?.refundId ?? entry.transactionId;
      rows.push([
        billTime(entry.time),
        business,
        flowId(business, type),
        type,
        type,
        change > 0 ? '收入' : '支出',
        yuan(Math.abs(change)),
        yuan(this.#balance),
        entry.subMchid ?? entry.mchid,
        '',
        refund?.outRefundNo ?? entry.outTradeNo,
      ]);
    }
    return rows;
  }

  summary(): string[] {
    const { count: incomes, amount: income } = this.#income;
    const { count: expenses, amount: expense } = this.#expense;
    return [
      printedCount(incomes + expenses, this.#settings),
      printedCount(incomes, this.#settings),
      yuan(income),
      printedCount(expenses, this.#settings),
      yuan(expense),
    ];
  }
}

const TYPES = [
  '交易',
  '扣除交易手续费',
  '退款',
  '退还交易手续费',
  '退款关闭',
  '提现',
  '提现退票',
  '充值',
  '分账',
] as const;

/** 资金流水单号: the same in every version of a bill, and another one for each movement. */
function flowId(business: string, type: Movement['type']): string {
  return `10000${TYPES.indexOf(type) + 1}${business.slice(-22)}`;
}
