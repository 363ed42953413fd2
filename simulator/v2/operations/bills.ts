import { z } from 'zod';
import { checkElements } from '../elements.ts';
import { V2Error } from '../error.ts';
import type { CheckedV2Call, V2Call, V2Operation } from '../operation.ts';

const date = z.string().regex(/^\d{8}$/, '格式错误');
const tradeBill = z.object({
  bill_date: date,
  bill_type: z.enum(['ALL', 'SUCCESS', 'REFUND', 'RECHARGE_REFUND']).optional(),
  tar_type: z.literal('GZIP').optional(),
});
const fundFlow = z.object({
  bill_date: date,
  account_type: z.enum(['Basic', 'Operation', 'Fees']),
  tar_type: z.literal('GZIP').optional(),
});

/** Files of a day. */
export const billOperations: readonly V2Operation[] = [
  { name: 'v2.downloadBill', path: '/pay/downloadbill', answers: 'bill', check: checkTradeBill },
  {
    name: 'v2.downloadFundFlow',
    path: '/pay/downloadfundflow',
    certificate: true,
    signTypes: ['HMAC-SHA256'],
    check: checkFundFlow,
  },
];

function checkTradeBill({ caller, fields }: V2Call): CheckedV2Call {
  checkElements(tradeBill, fields);
  return {
    subject: { mchid: caller.mchid },
    run: () => {
      throw new V2Error('NO_BILL_EXIST');
    },
  };
}

function checkFundFlow({ caller, fields }: V2Call): CheckedV2Call {
  checkElements(fundFlow, fields);
  return {
    subject: { mchid: caller.mchid },
    run: () => {
      throw new V2Error('NO_BILL_EXIST');
    },
  };
}
