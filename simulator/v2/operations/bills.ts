import { z } from 'zod';
import { isoDate } from '../../bills/calendar.ts';
import type { BuiltBill } from '../../bills/file.ts';
import { FUND_FLOW_FAULTS, TRADE_BILL_FAULTS } from '../../faults/fault.ts';
import { GatewayError } from '../../gateway-error.ts';
import type { FileReply } from '../../v3/operation.ts';
import { checkElements } from '../elements.ts';
import { V2Error } from '../error.ts';
import type { CheckedV2Call, V2Call, V2Operation } from '../operation.ts';

const date = z.string().regex(/^\d{8}$/, '格式错误');
const tradeBill = z.object({
  bill_date: date,
  bill_type: z.enum(['ALL', 'SUCCESS', 'REFUND', 'RECHARGE_REFUND']).optional(),
  tar_type: z.literal('GZIP').optional(),
});
const ACCOUNTS = { Basic: 'BASIC', Operation: 'OPERATION', Fees: 'FEES' } as const;
const fundFlow = z.object({
  bill_date: date,
  account_type: z.enum(Object.keys(ACCOUNTS) as [keyof typeof ACCOUNTS]),
  tar_type: z.literal('GZIP').optional(),
});

/** How v2 writes all files, whatever the layout. */
const FORM = { bom: true, newline: 'crlf' } as const;

/** Files of a day. */
export const billOperations: readonly V2Operation[] = [
  {
    name: 'v2.downloadBill',
    path: '/pay/downloadbill',
    answers: 'bill',
    forWholeProvider: true,
    // Nothing says the hash of a file.
    faults: TRADE_BILL_FAULTS.filter((kind) => kind !== 'bad_hash'),
    check: checkTradeBill,
  },
  {
    name: 'v2.downloadFundFlow',
    path: '/pay/downloadfundflow',
    certificate: true,
    forWholeProvider: true,
    signTypes: ['HMAC-SHA256'],
    faults: FUND_FLOW_FAULTS,
    check: checkFundFlow,
  },
];

function checkTradeBill({ gateway, caller, subMchid, fields }: V2Call): CheckedV2Call {
  const { bill_date, bill_type = 'ALL', tar_type } = checkElements(tradeBill, fields);
  const owner = { mchid: caller.mchid, subMchid };
  const billDate = isoDate(bill_date);
  return {
    subject: { mchid: caller.mchid, billDate },
    run: async (_, fireFaults) => {
      // Refunds of recharges are not simulated.
      if (bill_type === 'RECHARGE_REFUND') throw new V2Error('NO_BILL_EXIST');
      const bill = await made(gateway.bills.trade(owner, billDate, bill_type, fireFaults, FORM));
      return file(bill, tar_type);
    },
  };
}

function checkFundFlow({ gateway, caller, fields }: V2Call): CheckedV2Call {
  const { bill_date, account_type, tar_type } = checkElements(fundFlow, fields);
  const billDate = isoDate(bill_date);
  return {
    subject: { mchid: caller.mchid, billDate },
    run: async (_, fireFaults) => {
      const account = ACCOUNTS[account_type];
      const bill = await made(gateway.bills.fundFlow(caller, billDate, account, fireFaults, FORM));
      return { ...file(bill, tar_type), headers: { Digest: `SHA=${bill.sha1s[0]}` } };
    },
  };
}

/** A day to come, or one too long ago, has no bill: v2 makes no difference. */
async function made(bill: Promise<BuiltBill>): Promise<BuiltBill> {
  try {
    return await bill;
  } catch (error) {
    if (error instanceof GatewayError && error.code === 'INVALID_REQUEST') throw new V2Error('NO_BILL_EXIST');
    throw error;
  }
}

function file(bill: BuiltBill, tarType: 'GZIP' | undefined): FileReply {
  const gzip = tarType === 'GZIP';
  return {
    contentType: gzip ? 'application/x-gzip' : 'text/plain',
    content: bill.content(1, { gzip }),
  };
}
