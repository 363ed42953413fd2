export { BillError, type BillErrorCode } from '../errors.ts';
export { type BillFileOptions, openBillFile } from './file.ts';
export { countOf, fenOfYuan, type MilliFen, milliFenOfYuan, wholeFen } from './money.ts';
export {
  type BillReader,
  type BillSource,
  readFundFlowBill,
  readGlobalStatement,
  readTradeBill,
} from './parse.ts';
export type {
  BillRefundStatus,
  BillTradeState,
  FundFlowRow,
  FundFlowSummary,
  GlobalStatementRow,
  GlobalStatementSummary,
  Hundredths,
  TradeBillRow,
  TradeBillSummary,
} from './rows.ts';
