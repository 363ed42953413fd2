import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { CONFIGURATION, type Failure, LATER, PERMANENT, UNKNOWN, type V2Case } from './case.ts';

const CSV = '\u{feff}交易时间,公众账号ID\r\n`2026-03-01 12:03:11,`wx0f\r\n总交易单数\r\n`1\r\n';
const BILL = { bill_date: '20260301' };
const FLOW = { bill_date: '20260301', account_type: 'Basic' as const };
const gzip = { body: gzipSync(CSV), headers: { 'Content-Type': 'application/x-gzip' } };

const billRefusal = (message: string, errorCode: string): { body: string } => ({
  body: `<xml><return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[${message}]]></return_msg><error_code>${errorCode}</error_code></xml>`,
});
const flowRefusal = (code: string): { body: string } => ({
  body: `<xml><return_code><![CDATA[SUCCESS]]></return_code><result_code><![CDATA[FAIL]]></result_code><err_code><![CDATA[${code}]]></err_code><err_code_des>x</err_code_des></xml>`,
});

/** Bills, and what comes in their place. */
export const bills: V2Case[] = [
  {
    call: 'v2.downloadBill',
    name: 'a day as plain CSV',
    run: async (v2) => text(await v2.downloadBill({ ...BILL, bill_type: 'ALL' })),
    sends: { ...BILL, bill_type: 'ALL' },
    answers: { body: CSV, headers: { 'Content-Type': 'text/plain' } },
    gives: CSV.slice(1),
  },
  {
    call: 'v2.downloadBill',
    name: 'a day, compressed on its way',
    run: async (v2) => text(await v2.downloadBill({ ...BILL, tar_type: 'GZIP', sub_mch_id: '1900031111' })),
    sends: { ...BILL, tar_type: 'GZIP', sub_mch_id: '1900031111' },
    answers: gzip,
    gives: CSV.slice(1),
  },
  ...(
    [
      ['No Bill Exist', '20002', { ...PERMANENT, code: 'NO_STATEMENT_EXIST' }],
      ['Bill Creating', '20002', { ...LATER, code: 'STATEMENT_CREATING' }],
      ['sign error', '20001', { ...CONFIGURATION, code: 'SIGN_ERROR' }],
      ['invalid bill_type', '20001', { ...PERMANENT, code: 'PARAM_ERROR' }],
      ['data format error', '20001', { ...PERMANENT, code: 'PARAM_ERROR' }],
      ['missing parameter', '20001', { ...PERMANENT, code: 'PARAM_ERROR' }],
      ['system error', '20003', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
    ] satisfies [string, string, Failure][]
  ).map(
    ([message, errorCode, fails]): V2Case => ({
      call: 'v2.downloadBill',
      name: `answered ${message}`,
      run: (v2) => v2.downloadBill(BILL),
      sends: BILL,
      answers: billRefusal(message, errorCode),
      fails,
    }),
  ),
  {
    call: 'v2.downloadFundFlow',
    name: 'a day, compressed on its way',
    run: async (v2) => text(await v2.downloadFundFlow({ ...FLOW, tar_type: 'GZIP' })),
    sends: { ...FLOW, tar_type: 'GZIP' },
    answers: gzip,
    gives: CSV.slice(1),
  },
  ...(
    [
      ['NO_BILL_EXIST', { ...PERMANENT, code: 'NO_STATEMENT_EXIST' }],
      ['BILL_CREATING', { ...LATER, code: 'STATEMENT_CREATING' }],
      ['SYSTEMERROR', { ...UNKNOWN, code: 'SYSTEM_ERROR' }],
      ['PARAM_ERROR', { ...PERMANENT, code: 'PARAM_ERROR' }],
    ] satisfies [string, Failure][]
  ).map(
    ([code, fails]): V2Case => ({
      call: 'v2.downloadFundFlow',
      name: `answered ${code}`,
      run: (v2) => v2.downloadFundFlow(FLOW),
      sends: FLOW,
      answers: flowRefusal(code),
      fails,
    }),
  ),
];
