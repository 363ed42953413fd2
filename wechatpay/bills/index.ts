export { BillError, type BillErrorCode } from '../errors.ts';
export { type BillFileOptions, openBillFile } from './file.ts';
export type { FundFlowRow, FundFlowSummary } from './fund-flow-bill.ts';
export type { GlobalStatementRow, GlobalStatementSummary, Hundredths } from './global-statement.ts';
export { countOf, fenOfYuan, type MilliFen, milliFenOfYuan, wholeFen } from './money.ts';
export {
  type BillReader,
  type BillSource,
  readFundFlowBill,
  readGlobalStatement,
  readTradeBill,
} from './parse.ts';
export type { BillRefundStatus, BillTradeState, TradeBillRow, TradeBillSummary } from './trade-bill.ts';
