import { defineSearchAttributeKey, type SearchAttributePair, SearchAttributeType } from '@temporalio/common';
import type { RefundAttention } from '../domain/attention.ts';
import type { CombinedProduct } from '../domain/combined-payment.ts';
import {
  combinedWorkflowId,
  latePaymentWorkflowId,
  lookAgainWorkflowId,
  paymentWorkflowId,
  refundWorkflowId,
} from '../domain/identity.ts';
import { type Fen, formatYuan } from '../domain/money.ts';
import type { PaymentTiming } from '../domain/payment.ts';
import { PRODUCTS, type Product } from '../domain/product.ts';
import { REFUND_TIMING, type RefundStatus, type RefundTiming, type RefundToStart } from '../domain/refund.ts';
import { sooner } from '../domain/time.ts';

/**
 * How the sagas are started. The API (update-with-start) and the relay that adopts orphaned intents (start) use the same options, so
 * whoever comes first starts the same workflow.
 */

/** Default task queue of the sagas. */
export const TASK_QUEUE = 'paysaga';

/**
 * `PaymentStatus = 'OPEN'` until the payment has ended, then how: `PAID`, `CLOSED` or `FAILED`. Nothing in between: each change is an event
 * in the history, and the row tells the rest.
 */
export const PAYMENT_STATUS = defineSearchAttributeKey('PaymentStatus', SearchAttributeType.KEYWORD);
/** `RefundStatus = 'PROCESSING'`: the refund's status. */
export const REFUND_STATUS = defineSearchAttributeKey('RefundStatus', SearchAttributeType.KEYWORD);
/** `Attention = 'needs_operator'`: a person has to look. Absent otherwise. */
export const ATTENTION = defineSearchAttributeKey('Attention', SearchAttributeType.KEYWORD);
/** The merchant's public id. */
export const MERCHANT_ID = defineSearchAttributeKey('MerchantId', SearchAttributeType.KEYWORD);
/** The public id of the payment, on its refunds too, or of the combined payment. */
export const PAYMENT_ID = defineSearchAttributeKey('PaymentId', SearchAttributeType.KEYWORD);
/** The merchant's own order number; of a combined payment its number for all of it. */
export const OUT_TRADE_NO = defineSearchAttributeKey('OutTradeNo', SearchAttributeType.KEYWORD);

/** Every search attribute the namespace must know. */
export const SEARCH_ATTRIBUTES = [
  PAYMENT_STATUS,
  REFUND_STATUS,
  ATTENTION,
  MERCHANT_ID,
  PAYMENT_ID,
  OUT_TRADE_NO,
];

/** Input of the payment workflow: ids and deadlines, nothing private. */
export interface PaymentInput {
  paymentId: string;
  /** Absent in histories from before there was more than one: Native. */
  product?: Product;
  /** When the window ends: ISO 8601 in UTC, so that a person can read the history. */
  timeExpire: string;
  timing: PaymentTiming;
  /** Of refunds that the payment itself calls for. Absent in histories from before there were any. */
  refundTiming?: RefundTiming;
}

/** Input of the workflow of a combined payment. */
export interface CombinedInput extends Omit<PaymentInput, 'paymentId' | 'product'> {
  combinedId: string;
  product: CombinedProduct;
}

/** Input of the refund workflow. */
export interface RefundInput {
  refundId: string;
  timing: RefundTiming;
  /** Shown to an operator before this run began: an operator has started it again. */
  attention?: RefundAttention;
}

/** Input of the workflow of late money. */
export interface LatePaymentInput {
  latePaymentId: string;
  /** Of its refund. */
  refundTiming: RefundTiming;
}

interface Start<Input> {
  workflowType: string;
  workflowId: string;
  taskQueue: string;
  args: [Input];
  workflowIdReusePolicy: 'REJECT_DUPLICATE' | 'ALLOW_DUPLICATE';
  workflowIdConflictPolicy: 'USE_EXISTING';
  typedSearchAttributes: SearchAttributePair[];
  staticSummary: string;
  /** Markdown: what this is, and what an operator may send to it. */
  staticDetails: string;
}

/** What an installation decides about its workflows. */
export interface StartOptions {
  taskQueue: string;
  /** Changes the schedule that a product recommends. */
  paymentTiming: (usual: PaymentTiming) => PaymentTiming;
  /** Changes the documented schedule of refunds. */
  refundTiming: (usual: RefundTiming) => RefundTiming;
}

/** The options of an installation that asks WeChat Pay so many times as often as it recommends. */
export function startOptions(taskQueue: string, pollingSpeed: number): StartOptions {
  return {
    taskQueue,
    paymentTiming: (usual) => sooner(usual, pollingSpeed),
    refundTiming: (usual) => sooner(usual, pollingSpeed),
  };
}

const asItIs = <Timing>(usual: Timing): Timing => usual;

/** A payment as far as starting its workflow needs it. */
interface PaymentToStart {
  id: string;
  merchantId: string;
  mchid: string;
  subMchid: string | null;
  outTradeNo: string;
  product: Product;
  amount: Fen;
  timeExpire: Date;
}

/** Options that start (or find) the workflow of a payment. */
export function paymentStart(
  payment: PaymentToStart,
  { taskQueue = TASK_QUEUE, paymentTiming = asItIs, refundTiming = asItIs }: Partial<StartOptions> = {},
): Start<PaymentInput> {
  const { product, mchid, subMchid } = payment;
  const { title, timing } = PRODUCTS[product];
  const taker =
    subMchid === null ? `merchant ${mchid}` : `service provider ${mchid} for sub-merchant ${subMchid}`;
  return {
    workflowType: 'payment',
    workflowId: paymentWorkflowId(payment.mchid, payment.outTradeNo),
    taskQueue,
    args: [
      {
        paymentId: payment.id,
        product,
        timeExpire: payment.timeExpire.toISOString(),
        timing: paymentTiming(timing),
        refundTiming: refundTiming(REFUND_TIMING),
      },
    ],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: [
      { key: PAYMENT_STATUS, value: 'OPEN' },
      { key: PAYMENT_ID, value: payment.id },
      { key: MERCHANT_ID, value: payment.merchantId },
      { key: OUT_TRADE_NO, value: payment.outTradeNo },
    ],
    staticSummary: `¥${formatYuan(payment.amount)} · ${payment.outTradeNo} · ${payment.mchid}`,
    staticDetails: `Order **${payment.outTradeNo}** (${title}) of ${taker} over **¥${formatYuan(payment.amount)}**, payable until ${payment.timeExpire.toISOString()} (${payment.id}).

${OPERATORS_UPDATES}`,
  };
}

const OPERATORS_UPDATES = `Updates that an operator may send, each with \`{"actor": "who", "reason": "why"}\`:

- \`close\`: close the order at WeChat Pay, unless it turns out to be paid
- \`recheck\`: ask WeChat Pay again, once the payment needs an operator
- \`syncNow\`: ask WeChat Pay at once whether it is paid
- \`retryStep\`: repeat at once the step that waits for its next attempt
- \`resolveAsPaid\`, \`resolveAsClosed\`: settle what WeChat Pay says when it is asked now, or what two operators have approved`;

/** A combined payment as far as starting its workflow needs it. */
interface CombinedToStart {
  id: string;
  merchantId: string;
  mchid: string;
  combineOutTradeNo: string;
  product: CombinedProduct;
  /** Of all sub-orders together. */
  amount: Fen;
  timeExpire: Date;
}

/** Options that start (or find) the workflow of a combined payment. */
export function combinedStart(
  combined: CombinedToStart,
  { taskQueue = TASK_QUEUE, paymentTiming = asItIs, refundTiming = asItIs }: Partial<StartOptions> = {},
): Start<CombinedInput> {
  const { id, product, mchid, combineOutTradeNo } = combined;
  const { title, timing } = PRODUCTS[product];
  const timeExpire = combined.timeExpire.toISOString();
  const yuan = `¥${formatYuan(combined.amount)}`;
  return {
    workflowType: 'combined',
    workflowId: combinedWorkflowId(mchid, combineOutTradeNo),
    taskQueue,
    args: [
      {
        combinedId: id,
        product,
        timeExpire,
        timing: paymentTiming(timing),
        refundTiming: refundTiming(REFUND_TIMING),
      },
    ],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: [
      { key: PAYMENT_STATUS, value: 'OPEN' },
      { key: PAYMENT_ID, value: id },
      { key: MERCHANT_ID, value: combined.merchantId },
      { key: OUT_TRADE_NO, value: combineOutTradeNo },
    ],
    staticSummary: `${yuan} combined · ${combineOutTradeNo} · ${mchid}`,
    staticDetails: `Combined order **${combineOutTradeNo}** (${title}) of ${mchid} over **${yuan}** in all, payable until ${timeExpire} (${id}).

${OPERATORS_UPDATES}`,
  };
}

/** Options that start (or find) the workflow of a refund. */
export function refundStart(
  refund: RefundToStart,
  { taskQueue = TASK_QUEUE, refundTiming = asItIs }: Partial<StartOptions> = {},
): Start<RefundInput> {
  const status: RefundStatus = 'CREATED';
  return {
    workflowType: 'refund',
    workflowId: refundWorkflowId(refund.mchid, refund.outRefundNo),
    taskQueue,
    args: [{ refundId: refund.id, timing: refundTiming(REFUND_TIMING) }],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: [
      { key: REFUND_STATUS, value: status },
      { key: PAYMENT_ID, value: refund.paymentId },
      { key: MERCHANT_ID, value: refund.merchantId },
      { key: OUT_TRADE_NO, value: refund.outTradeNo },
    ],
    staticSummary: `refund ¥${formatYuan(refund.amount)} · ${refund.outRefundNo} · order ${refund.outTradeNo} · ${refund.mchid}`,
    staticDetails: `Refund **${refund.outRefundNo}** of ¥${formatYuan(refund.amount)} for order **${refund.outTradeNo}** of merchant ${refund.mchid} (${refund.id}).

Updates that an operator may send, each with \`{"actor": "who", "reason": "why"}\`:

- \`recheck\`: ask WeChat Pay again, once the refund needs an operator
- \`resolveRefund\`, with a \`choice\` more: where the money of an abnormal refund goes; see docs/runbooks/refund-refund-abnormal.md`,
  };
}

/**
 * Options that find the workflow of a refund, or start it again: one that was terminated goes on from the row, and one that has ended looks
 * whether the gateway still says so.
 */
export function refundRestart(
  refund: RefundToStart & { attentionReason: RefundAttention | null },
  options?: Partial<StartOptions>,
): Start<RefundInput> {
  const start = refundStart(refund, options);
  const [input] = start.args;
  return {
    ...start,
    args: [{ ...input, ...(refund.attentionReason && { attention: refund.attentionReason }) }],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE',
  };
}

/** Late money as far as starting its workflow needs it. */
interface LatePaymentToStart {
  id: string;
  paymentId: string;
  merchantId: string;
  mchid: string;
  outTradeNo: string;
  transactionId: string;
  amount: Fen;
}

/** Options that start (or find) the workflow of late money. */
export function latePaymentStart(
  late: LatePaymentToStart,
  { taskQueue = TASK_QUEUE, refundTiming = asItIs }: Partial<StartOptions> = {},
): Start<LatePaymentInput> {
  const { mchid, outTradeNo, transactionId } = late;
  const yuan = `¥${formatYuan(late.amount)}`;
  return {
    workflowType: 'latePayment',
    workflowId: latePaymentWorkflowId(mchid, transactionId),
    taskQueue,
    args: [{ latePaymentId: late.id, refundTiming: refundTiming(REFUND_TIMING) }],
    workflowIdReusePolicy: 'REJECT_DUPLICATE',
    workflowIdConflictPolicy: 'USE_EXISTING',
    typedSearchAttributes: [
      { key: PAYMENT_ID, value: late.paymentId },
      { key: MERCHANT_ID, value: late.merchantId },
      { key: OUT_TRADE_NO, value: outTradeNo },
    ],
    staticSummary: `late ${yuan} · order ${outTradeNo} · ${mchid}`,
    staticDetails: `**${yuan}** of WeChat Pay's transaction ${transactionId} came for order **${outTradeNo}** of merchant ${mchid} after that had ended, or had been paid by another transaction (${late.id}).

When the merchant's policy cannot be followed, an operator sends the update \`decide\` with \`{"decision": "refund" or "accept", "actor": "who", "reason": "why"}\`.`,
  };
}

/** Options that find the workflow of late money, or start it again where it has ended: it goes on from the row. */
export function latePaymentRestart(
  late: LatePaymentToStart,
  options?: Partial<StartOptions>,
): Start<LatePaymentInput> {
  return { ...latePaymentStart(late, options), workflowIdReusePolicy: 'ALLOW_DUPLICATE' };
}

/** Input of the workflow that looks again. */
export type LookAgainInput = { paymentId: string } | { combinedId: string };

/** Options that start a look at an order that has ended without money; who asks meanwhile gets the same answer. */
export function lookAgainStart(
  order: Pick<PaymentToStart, 'id' | 'mchid' | 'merchantId'> &
    (Pick<PaymentToStart, 'outTradeNo'> | Pick<CombinedToStart, 'combineOutTradeNo'>),
  { taskQueue = TASK_QUEUE }: Partial<StartOptions> = {},
) {
  const { id, mchid, merchantId } = order;
  const [number, input]: [string, LookAgainInput] =
    'combineOutTradeNo' in order
      ? [order.combineOutTradeNo, { combinedId: id }]
      : [order.outTradeNo, { paymentId: id }];
  return {
    workflowType: 'lookAgain' as const,
    workflowId: lookAgainWorkflowId(mchid, number),
    taskQueue,
    args: [input] as [LookAgainInput],
    workflowIdReusePolicy: 'ALLOW_DUPLICATE' as const,
    workflowIdConflictPolicy: 'USE_EXISTING' as const,
    typedSearchAttributes: [
      { key: PAYMENT_ID, value: id },
      { key: MERCHANT_ID, value: merchantId },
      { key: OUT_TRADE_NO, value: number },
    ],
    staticSummary: `look again · ${number} · ${mchid}`,
  };
}
