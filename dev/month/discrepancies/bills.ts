import type { Discrepancy, Scene, Steps } from '../discrepancy.ts';

/** A payment, or a refund of one: what is wrong may be the row of either. */
async function subject(scene: Scene) {
  const sold = await scene.sell();
  if (scene.below(2) === 0) return { line: sold.line, row: { out_trade_no: sold.number } };
  const back = await scene.market.giveBack(sold, 100 + scene.below(800), scene.number());
  return { line: back.line, row: { out_refund_no: back.number } };
}

/** A row that is wrong in one bill, or in both. */
const wrongRow = (
  name: string,
  bill: 'trade' | 'fund_flow' | 'all',
  kind: string,
  verdict: string,
): Discrepancy => ({
  name,
  reasons: [verdict.split(' ')[1] ?? ''],
  async make(scene) {
    const { line, row } = await subject(scene);
    await scene.spoil(bill, kind, row);
    line.verdict = verdict;
    return {};
  },
});

/** Money that moves for no order, over a hundred yuan. */
const movement = (name: string, kind: string, sign: 1 | -1, verdict: string): Discrepancy => ({
  name,
  reasons: [verdict.split(' ')[1] ?? ''],
  async make(scene) {
    const { number } = await scene.sell();
    await scene.spoil('fund_flow', 'extra_movement', { out_trade_no: number, movement: kind });
    scene.expect(`movement ${sign * 10_000}`, verdict);
    return {};
  },
});

/** A whole bill of the day is not to be believed, until WeChat Pay has another one. */
const badBill = (kind: 'bad_hash' | 'truncated', failure: string): Discrepancy => ({
  name: `bill: ${kind}`,
  reasons: [],
  directOnly: true,
  wholeBill: true,
  async make(scene): Promise<Steps> {
    const mend = await scene.spoil(scene.oneOf(['trade', 'fund_flow']), kind, {});
    const truth = scene.market.truth.of(scene.shop, scene.date);
    truth.failure = failure;
    return {
      async billsMended() {
        await mend();
        truth.failure = undefined;
      },
    };
  },
});

/** Bills that are wrong. */
export const BILL_DISCREPANCIES: readonly Discrepancy[] = [
  wrongRow('row missing in both bills', 'all', 'missing_row', 'missing_at_wechat not_at_wechat'),
  wrongRow('row missing in the trade bill', 'trade', 'missing_row', 'missing_at_wechat not_in_trade_bill'),
  wrongRow('row missing in the fund flow', 'fund_flow', 'missing_row', 'missing_at_wechat not_in_fund_flow'),
  wrongRow('another amount in the trade bill', 'trade', 'altered_row', 'amount_differs other_amount'),
  wrongRow('another amount in both bills', 'all', 'altered_row', 'amount_differs other_amount'),
  wrongRow(
    'another amount in the fund flow',
    'fund_flow',
    'altered_row',
    'amount_differs other_amount_in_fund_flow',
  ),
  wrongRow('another fee in the trade bill', 'trade', 'other_fee', 'fee_differs other_fee'),
  wrongRow('another fee in the fund flow', 'fund_flow', 'other_fee', 'fee_differs other_fee'),
  wrongRow('another currency', 'trade', 'other_currency', 'currency_differs other_currency'),
  {
    name: 'the same row twice',
    reasons: ['second_row'],
    async make(scene) {
      const { line, row } = await subject(scene);
      await scene.spoil('trade', 'repeated_row', row);
      scene.expect(line.key, 'duplicate second_row');
      return {};
    },
  },
  {
    name: 'a second transaction of an order',
    reasons: ['second_transaction'],
    async make(scene) {
      const { number } = await scene.sell();
      await scene.spoil(scene.oneOf(['trade', 'all']), 'extra_row', { out_trade_no: number });
      scene.expect(number, 'duplicate second_transaction');
      return {};
    },
  },
  movement('profit sharing that nobody has booked', 'profit_sharing', -1, 'missing_here unknown_movement'),
  movement('a withdrawal', 'withdrawal', -1, 'matched withdrawn'),
  movement(
    'a withdrawal that the bank did not take',
    'withdrawal_returned',
    1,
    'matched withdrawal_returned',
  ),
  movement('a top-up', 'top_up', 1, 'matched topped_up'),
  badBill('bad_hash', 'BILL_HASH_MISMATCH'),
  badBill('truncated', 'BILL_CORRUPT'),
  {
    name: 'bill: damaged on its way once',
    reasons: [],
    directOnly: true,
    wholeBill: true,
    async make(scene) {
      await scene.spoil('trade', 'truncated', {}, { times: 1 });
      return {};
    },
  },
  {
    name: 'bill: restated',
    reasons: [],
    directOnly: true,
    wholeBill: true,
    async make(scene) {
      const { number } = await scene.sell();
      const truth = scene.market.truth.of(scene.shop, scene.date);
      return {
        async afterwards() {
          // Whichever bill is applied for first has both issued anew.
          await scene.spoil('all', 'restated', { out_trade_no: number }, { times: 1 });
          truth.restated = number;
        },
      };
    },
  },
];
