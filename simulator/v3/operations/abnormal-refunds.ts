import { z } from 'zod';
import { GatewayError, paramError } from '../../gateway-error.ts';
import type { Payout } from '../../refunds/refund.ts';
import { decryptField, fieldKey } from '../encrypted-field.ts';
import { refundObject } from '../objects/refund.ts';
import { type Call, type CheckedCall, type Operation, refundOwner } from '../operation.ts';
import { checkFields, outRefundNo, parseJson, text } from '../request-body.ts';

const BANKS = [
  ...[
    'CMB',
    'COMM',
    'ABC',
    'CCB',
    'ICBC',
    'BOC',
    'PAB',
    'SPDB',
    'CITIC',
    'CEB',
    'CMBC',
    'CIB',
    'GDB',
    'PSBC',
  ],
  'NBCB',
];
const CARD_NUMBER = /^\d{12,19}$/;
/** Base64 of 2048 bits takes 344 characters; the official limit. */
const CIPHERTEXT_LENGTH = 1024;
const NAME_LENGTH = 64;

const required = (value: { type: string }, fields: readonly (string | undefined)[]) =>
  value.type !== 'USER_BANK_CARD' || fields.every(Boolean);

/** Body of POST …/{refund_id}/apply-abnormal-refund (official page of abnormal refunds). */
const abnormalRefund = z
  .strictObject({
    sub_mchid: text(32).optional(),
    out_refund_no: outRefundNo,
    type: z.enum(['USER_BANK_CARD', 'MERCHANT_BANK_CARD']),
    bank_type: z.enum(BANKS.map((bank) => `${bank}_DEBIT`) as [string, ...string[]]).optional(),
    bank_account: text(CIPHERTEXT_LENGTH).optional(),
    real_name: text(CIPHERTEXT_LENGTH).optional(),
  })
  .refine((value) => required(value, [value.bank_type]), { path: ['bank_type'], message: 'required' })
  .refine((value) => required(value, [value.bank_account]), { path: ['bank_account'], message: 'required' })
  .refine((value) => required(value, [value.real_name]), { path: ['real_name'], message: 'required' });

/** What to do with a refund whose card or account can no longer receive it. */
export const abnormalRefundOperations: readonly Operation[] = [
  {
    name: 'refund.applyAbnormal',
    method: 'POST',
    path: /^\/v3\/refund\/domestic\/refunds\/(?<refund_id>[^/]+)\/apply-abnormal-refund$/,
    check: checkAbnormal,
  },
];

function checkAbnormal(call: Call): CheckedCall {
  const { gateway, caller, parameters } = call;
  const sent = parseJson(call.body);
  const key = 'bank_account' in sent || 'real_name' in sent ? fieldKey(call) : undefined;
  const body = checkFields(abnormalRefund, sent, 'body');
  const subMchid = refundOwner(call, body.sub_mchid);
  let payout: Payout = { type: 'MERCHANT_BANK_CARD' };
  if (body.type === 'USER_BANK_CARD' && key) {
    payout = {
      type: 'USER_BANK_CARD',
      bankType: body.bank_type ?? '',
      bankAccount: plain(
        decryptField(body.bank_account ?? '', key, '/bank_account'),
        CARD_NUMBER,
        '/bank_account',
      ),
      realName: plain(decryptField(body.real_name ?? '', key, '/real_name'), /\S/, '/real_name'),
    };
  }
  const found = gateway.refundBook.findById(parameters.refund_id ?? '');
  const own = found?.mchid === caller.mchid && found.subMchid === subMchid ? found : undefined;
  return {
    subject: { mchid: caller.mchid, outTradeNo: own?.outTradeNo, outRefundNo: body.out_refund_no },
    run: () => {
      if (own?.outRefundNo !== body.out_refund_no) {
        throw new GatewayError(404, 'RESOURCE_NOT_EXISTS', '退款单不存在', { internalCode: 268512771 });
      }
      gateway.payOut(own, payout);
      return refundObject(own, gateway.orderOf(own));
    },
  };
}

/** A decrypted field, which is not told back when it is wrong. */
function plain(value: string, form: RegExp, field: string): string {
  if (form.test(value) && value.length <= NAME_LENGTH) return value;
  throw paramError({ field, issue: 'has the wrong form once decrypted', location: 'body' });
}
