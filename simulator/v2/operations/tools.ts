import { createHash } from 'node:crypto';
import { z } from 'zod';
import { AUTH_CODE } from '../../orders/payment-code.ts';
import { SeededRandom } from '../../random.ts';
import { checkElements, ip, text, time } from '../elements.ts';
import { present } from '../envelope.ts';
import { V2Error } from '../error.ts';
import type { CheckedV2Call, V2Call, V2Operation } from '../operation.ts';

const codeToOpenid = z.object({ auth_code: text(128) });

const digits = z.string().regex(/^\d{1,10}$/, '必须为非负整数');
const report = z.object({
  interface_url: text(127),
  execute_time_: digits,
  return_code: z.enum(['SUCCESS', 'FAIL']),
  return_msg: text(128).optional(),
  result_code: z.enum(['SUCCESS', 'FAIL']),
  err_code: text(32).optional(),
  err_code_des: text(128).optional(),
  out_trade_no: text(32).optional(),
  device_info: text(32).optional(),
  user_ip: ip,
  time: time.optional(),
});

/** What surrounds payments: openids, reports, the key of the sandbox. */
export const toolOperations: readonly V2Operation[] = [
  { name: 'v2.authCodeToOpenid', path: '/tools/authcodetoopenid', check: checkCodeToOpenid },
  {
    name: 'v2.report',
    path: '/payitil/report',
    answers: 'unsigned',
    forWholeProvider: true,
    check: checkReport,
  },
  ...['/xdc/apiv2getsignkey/sign/getsignkey', '/sandboxnew/pay/getsignkey'].map(
    (path): V2Operation => ({
      name: 'v2.getSignKey',
      path,
      required: [],
      answers: 'unsigned',
      check: ({ caller }) => ({
        subject: { mchid: caller.mchid },
        run: () => ({ mch_id: caller.mchid, sandbox_signkey: sandboxKey(caller.apiV2Key) }),
      }),
    }),
  ),
];

/** The key that signs in the sandbox in place of the APIv2 key. */
export function sandboxKey(apiV2Key: string): string {
  return createHash('md5').update(`sandbox/${apiV2Key}`).digest('hex');
}

/** Whose code it is, under the appid of the caller: always the same for the same code. */
export function codeOwner({ caller }: Pick<V2Call, 'caller'>, code: string): string {
  return `o${new SeededRandom(`payer/${caller.appid}/${code}`).text(27)}`;
}

function checkCodeToOpenid(call: V2Call): CheckedV2Call {
  const { auth_code } = checkElements(codeToOpenid, call.fields);
  return {
    subject: { mchid: call.caller.mchid },
    run: () => {
      if (!AUTH_CODE.test(auth_code)) throw new V2Error('AUTH_CODE_INVALID');
      return present({
        openid: codeOwner(call, auth_code),
        sub_openid: call.subAppid && `o${new SeededRandom(`payer/${call.subAppid}/${auth_code}`).text(27)}`,
      });
    },
  };
}

function checkReport({ caller, fields }: V2Call): CheckedV2Call {
  checkElements(report, fields);
  return { subject: { mchid: caller.mchid }, run: () => ({ result_code: 'SUCCESS' }) };
}
