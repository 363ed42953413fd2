import { z } from 'zod';
import type { Order } from '../../orders/order.ts';
import type { Refund } from '../../refunds/refund.ts';
import { address, checkElements, fen, json, lacking, orderNumber, outRefundNo, text } from '../elements.ts';
import { V2Error } from '../error.ts';
import { type CheckedV2Call, orderOf, repeatable, type V2Call, type V2Operation } from '../operation.ts';
import { FUNDS_ACCOUNTS, queriedRefunds, refundElements } from '../refund-elements.ts';

const MOST_REFUNDS_ANSWERED = 20;

const application = z.object({
  ...orderNumber,
  out_refund_no: outRefundNo,
  total_fee: fen,
  refund_fee: fen,
  refund_fee_type: z.literal('CNY').optional(),
  refund_desc: text(80).optional(),
  refund_account: z.enum(['REFUND_SOURCE_UNSETTLED_FUNDS', 'REFUND_SOURCE_RECHARGE_FUNDS']).optional(),
  notify_url: address.optional(),
  // Of single items.
  version: z.literal('1.0').optional(),
  detail: json(6000).optional(),
});

const query = z.object({
  ...orderNumber,
  out_refund_no: outRefundNo.optional(),
  refund_id: text(32).optional(),
  offset: z
    .string()
    .regex(/^\d{1,4}$/, '必须为非负整数')
    .transform(Number)
    .optional(),
});

/** Refunds of v2 and v3 orders; the variants `v2` are those of single items. */
export const refundOperations: readonly V2Operation[] = [
  ...['/secapi/pay/refund', '/secapi/pay/refundv2'].map(
    (path): V2Operation => ({
      name: 'v2.refund',
      path,
      certificate: true,
      faults: ['not_enough'],
      check: checkRefund,
    }),
  ),
  ...['/pay/refundquery', '/pay/refundqueryv2'].map(
    (path): V2Operation => ({ name: 'v2.refundQuery', path, check: checkRefundQuery }),
  ),
];

function checkRefund(call: V2Call): CheckedV2Call {
  const { gateway, caller, subMchid, fields } = call;
  const asked = checkElements(application, fields);
  const order = orderOf(call, asked);
  return {
    subject: {
      mchid: caller.mchid,
      outTradeNo: order?.outTradeNo ?? asked.out_trade_no,
      outRefundNo: asked.out_refund_no,
    },
    run: () => {
      if (asked.transaction_id && !order) throw new V2Error('INVALID_TRANSACTIONID');
      const refund = gateway.createRefund({
        mchid: caller.mchid,
        subMchid,
        outRefundNo: asked.out_refund_no,
        outTradeNo: asked.out_trade_no,
        transactionId: asked.transaction_id,
        api: 'v2',
        request: repeatable(fields),
        refund: asked.refund_fee,
        total: asked.total_fee,
        currency: asked.refund_fee_type ?? 'CNY',
        reason: asked.refund_desc,
        notifyUrl: asked.notify_url,
        fundsAccount: FUNDS_ACCOUNTS[asked.refund_account ?? 'REFUND_SOURCE_UNSETTLED_FUNDS'],
      });
      return refundElements(refund, gateway.orderOf(refund));
    },
  };
}

function checkRefundQuery(call: V2Call): CheckedV2Call {
  const { caller } = call;
  const asked = checkElements(query, call.fields);
  const { found, order } =
    asked.refund_id || asked.out_refund_no ? oneRefund(call, asked) : allRefunds(call, asked);
  return {
    subject: {
      mchid: caller.mchid,
      outTradeNo: order?.outTradeNo ?? asked.out_trade_no,
      outRefundNo: asked.out_refund_no,
    },
    run: () => {
      const { offset } = asked;
      const page = found.slice(offset ?? 0, (offset ?? 0) + MOST_REFUNDS_ANSWERED);
      if (!order || page.length === 0) throw new V2Error('REFUNDNOTEXIST');
      const whole = offset === undefined && page.length === found.length;
      return {
        ...(whole ? {} : { total_refund_count: String(found.length) }),
        ...queriedRefunds(page, order),
      };
    },
  };
}

interface Found {
  found: Refund[];
  order: Order | undefined;
}

/** `refund_id` counts before `out_refund_no`. */
function oneRefund(
  { gateway, caller, subMchid }: V2Call,
  { refund_id, out_refund_no = '' }: z.infer<typeof query>,
): Found {
  const { refundBook } = gateway;
  const refund = refund_id ? refundBook.findById(refund_id) : refundBook.find(caller.mchid, out_refund_no);
  const own = refund && refund.mchid === caller.mchid && refund.subMchid === subMchid;
  return own ? { found: [refund], order: gateway.orderOf(refund) } : { found: [], order: undefined };
}

function allRefunds(call: V2Call, { transaction_id, out_trade_no }: z.infer<typeof query>): Found {
  if (!transaction_id && !out_trade_no) throw lacking('out_refund_no');
  const order = orderOf(call, { transaction_id, out_trade_no });
  return { found: order ? call.gateway.refundBook.ofOrder(order) : [], order };
}
