import assert from 'node:assert/strict';
import { readFundFlowBill } from '../../../../wechatpay/bills/index.ts';
import { bill, pieces, present, readAll, SUMMARY_TITLES, TITLES } from './gateway-bill.ts';

describe('fund-flow bills', () => {
  const PAID = {
    记账时间: '2026-03-01 12:03:11',
    微信支付业务单号: '4200000012202603011234567890',
    资金流水单号: '1000000012202603011234567890',
    业务名称: '交易',
    业务类型: '交易',
    收支类型: '收入',
    '收支金额(元)': '25.90',
    '账户结余(元)': '125.90',
    资金变更提交申请人: 'system',
    备注: '结算总金额 25.90 元;含手续费 0.16 元',
    业务凭证号: '4200000012202603011234567890',
  };
  const FEE = {
    ...PAID,
    业务类型: '扣除交易手续费',
    收支类型: '支出',
    '收支金额(元)': '0.16',
    '账户结余(元)': '',
  };
  const SUMMARY = [SUMMARY_TITLES.fundFlow, '2.0', '1.0', '25.90', '1.0', '0.16'] as const;

  for (const [brackets, change] of [
    ['ASCII', (text: string) => text],
    ['full-width', (text: string) => text.replace('(元)', '（元）').replace('(元)', '（元）')],
  ] as const) {
    it(`income and expense are read and summed, with ${brackets} brackets`, async () => {
      const text = change(bill(TITLES.fundFlow, [PAID, FEE], SUMMARY));
      const { rows, summary, error } = await readAll(readFundFlowBill(pieces(text)));
      assert.equal(error, undefined);
      const paid = {
        accounting_time: '2026-03-01 12:03:11',
        accounting_time_rfc3339: '2026-03-01T12:03:11+08:00',
        business_id: '4200000012202603011234567890',
        flow_id: '1000000012202603011234567890',
        business_name: '交易',
        business_type: '交易',
        direction: '收入',
        amount: 2590,
        balance: 12590,
        applicant: 'system',
        remark: '结算总金额 25.90 元;含手续费 0.16 元',
        voucher_no: '4200000012202603011234567890',
      };
      const { balance: _, ...fee } = {
        ...paid,
        business_type: '扣除交易手续费',
        direction: '支出',
        amount: 16,
      };
      assert.deepEqual(rows.map(present), [paid, fee]);
      assert.deepEqual(summary, {
        total_count: 2,
        income_count: 1,
        income_amount: 2590,
        expense_count: 1,
        expense_amount: 16,
      });
    });
  }

  for (const [index, field] of [
    'total_count',
    'income_count',
    'income_amount',
    'expense_count',
    'expense_amount',
  ].entries()) {
    it(`a summary with another ${field} is refused by its name`, async () => {
      const changed: [string, ...string[]] = [...SUMMARY];
      changed[index + 1] = '7';
      const { error, summary } = await readAll(
        readFundFlowBill(pieces(bill(TITLES.fundFlow, [PAID, FEE], changed))),
      );
      assert.match(String(error), new RegExp(`\\(${field}\\)`));
      assert.equal(summary, undefined);
    });
  }
});
