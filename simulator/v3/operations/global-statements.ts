import { z } from 'zod';
import { isoDate } from '../../bills/calendar.ts';
import { TRADE_BILL_FAULTS } from '../../faults/fault.ts';
import { paramError } from '../../gateway-error.ts';
import { netOf, type Settlement, settlementsOf } from '../../money/settlement.ts';
import { chinaDate } from '../../time/china-time.ts';
import { type Call, type CheckedCall, type FileReply, type Operation, subMerchant } from '../operation.ts';
import { day, wholeNumber } from '../query.ts';
import { checkFields } from '../request-body.ts';
import { GLOBAL, namesItself } from './global.ts';

const MOST_OF_PAGE = 30;
const settleState = z.enum(['SETTLED', 'UNSETTLE']);

/** What overseas merchants earned: statements of a day, and what is paid out. */
export const globalStatementOperations: readonly Operation[] = [
  {
    name: 'statement.download',
    method: 'GET',
    path: new RegExp(`^${GLOBAL}/statements$`),
    faults: TRADE_BILL_FAULTS,
    check: checkStatement,
  },
  {
    name: 'settlement.list',
    method: 'GET',
    path: new RegExp(`^${GLOBAL}/settle/settlements$`),
    check: checkSettlements,
  },
];

function checkStatement({ gateway, caller, query }: Call): CheckedCall {
  const { mchid } = caller;
  namesItself({ caller, query });
  const subMchid = queriedSub(caller, query);
  const date = query.get('date');
  return {
    subject: { mchid, billDate: date === null ? undefined : isoDate(date) },
    run: async (_, fireFaults): Promise<FileReply> => {
      const bill = await gateway.bills.statement({ mchid, subMchid }, date, fireFaults);
      const sha1 = bill.sha1s[0] ?? '';
      return {
        contentType: 'text/plain; charset=utf-8',
        headers: { 'Wechatpay-Statement-Sha1': sha1 },
        content: bill.content(1, { gzip: false }),
        // Unlike the bills of the mainland a statement is signed, by its hash.
        signedText: JSON.stringify({ sha1 }),
      };
    },
  };
}

function checkSettlements({ gateway, caller, query }: Call): CheckedCall {
  const { mchid } = caller;
  const state = checkFields(settleState, query.get('settle_state') ?? undefined, 'query', 'settle_state');
  const settled = state === 'SETTLED';
  const from = settled ? day(query, 'settle_start_date', 'yyyyMMdd') : 0;
  const to = settled ? day(query, 'settle_end_date', 'yyyyMMdd') : 0;
  if (to < from) {
    const wrong = query.get('settle_end_date');
    throw paramError({
      field: 'settle_end_date',
      value: wrong,
      issue: 'before the start',
      location: 'query',
    });
  }
  const limit = wholeNumber(query, 'limit', { least: 1, most: MOST_OF_PAGE, usual: MOST_OF_PAGE });
  const offset = wholeNumber(query, 'offset', { usual: 0 });
  const subMchid = queriedSub(caller, query);
  return {
    subject: { mchid },
    run: () => {
      const today = chinaDate(gateway.clock());
      const first = query.get('settle_start_date') ?? '';
      const last = query.get('settle_end_date') ?? '';
      const own = [...gateway.orderBook.values()].filter(
        (order) =>
          order.family === 'overseas' && order.mchid === mchid && (!subMchid || order.subMchid === subMchid),
      );
      const books = own.map((order) => ({ order, refunds: gateway.refundBook.ofOrder(order) }));
      const { settlement_currency: currency } = gateway.bills.arrangements.settings(mchid);
      const all = settlementsOf(subMchid ?? mchid, books, currency).filter(({ settlementDay }) =>
        settled
          ? settlementDay <= today && settlementDay >= first && settlementDay <= last
          : settlementDay > today,
      );
      return {
        data: all.slice(offset, offset + limit).map((one) => settlementObject(one, settled)),
        total_count: all.length,
        offset,
        limit,
      };
    },
  };
}

function settlementObject(settlement: Settlement, settled: boolean): object {
  const { net, paidOut } = netOf(settlement);
  return {
    batch_id: settled ? settlement.batchId : undefined,
    settlement_date: settlement.settlementDay,
    trade_start_date: settlement.tradeDay,
    trade_end_date: settlement.tradeDay,
    amount: {
      currency: settlement.currency,
      settled: settled ? paidOut : 0,
      unsettle: settled ? 0 : paidOut,
      pay: settlement.pay,
      refund: settlement.refund,
      net,
      fee: settlement.fee,
    },
    wallet_region: 'MAINLAND_CHINA',
  };
}

/** The sub-merchant that an institution may name. */
function queriedSub(caller: Call['caller'], query: URLSearchParams): string | undefined {
  const named = query.get('sub_mchid');
  return named === null ? undefined : subMerchant(caller, named).mchid;
}
