import { randomUUID } from 'node:crypto';
import type { Paysaga } from '../fixture.ts';
import { untilSearchAttribute } from '../watch.ts';
import {
  approvedByTwo,
  create,
  fault,
  finishRefund,
  loseNotifications,
  mend,
  PATIENT,
  type Path,
  paid,
  pay,
  paymentId,
  refundId,
  type Setting,
  untilAttention,
} from './path.ts';

const ANA = { actor: 'ana', reason: 'customer called' };
const BAD_KEY = { kind: 'refused', code: 'NO_AUTH', times: null };

const update = (paysaga: Paysaga, workflowId: string, name: string, request: object = ANA) =>
  paysaga.client.workflow.getHandle(workflowId).executeUpdate(name, { args: [request] });

/** The id of a row by its number, once it is there. */
async function rowOf(paysaga: Paysaga, table: 'payments' | 'refunds', number: string): Promise<string> {
  const sql =
    table === 'payments'
      ? 'select id from payments where out_trade_no = $1'
      : 'select refund_id id from refund_attempts where out_refund_no = $1';
  for (let turn = 0; turn < 400; turn += 1) {
    const { rows } = await paysaga.pool.query(sql, [number]);
    if (rows[0]) return rows[0].id;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`no row ${number}`);
}

/** What operators do to payments and refunds. */
const operators: Record<string, Path> = {
  'payment-closed-by-an-operator': {
    async drive(paysaga) {
      const { id, workflowId } = await create(paysaga);
      await update(paysaga, workflowId, 'close');
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['update close', 'activity closeUnlessPaid', 'local recordOperatorAction', 'completed'],
  },
  'payment-rechecked-and-on-record': {
    async drive(paysaga) {
      const { id, number, workflowId } = await create(paysaga);
      await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [id]);
      await pay(paysaga, number);
      await untilAttention(paysaga, `/v1/payments/${id}`, 'amount_differs');
      await untilSearchAttribute(
        paysaga.client.workflow.getHandle(workflowId),
        'Attention',
        'needs_operator',
      );
      await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [id]);
      await update(paysaga, workflowId, 'recheck');
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['activity requestAttention', 'update recheck', 'local recordOperatorAction', 'completed'],
  },
  'payment-resolved-as-paid-by-its-own-evidence': {
    async drive(paysaga) {
      await loseNotifications(paysaga);
      const { id, number, workflowId } = await create(paysaga);
      await update(paysaga, workflowId, 'syncNow');
      await pay(paysaga, number);
      await update(paysaga, workflowId, 'resolveAsPaid');
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update syncNow', 'local recordOperatorAction', 'activity resolvePayment', 'completed'],
    hasNot: ['signal notified', 'activity closeUnlessPaid'],
  },
  'payment-resolved-as-closed-by-two-while-closing': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'order.query', kind: 'error_500', times: null });
      const { id, workflowId } = await create(paysaga);
      const handle = paysaga.client.workflow.getHandle(workflowId);
      await handle.startUpdate('close', { args: [ANA], waitForStage: 'ACCEPTED' });
      const approval = await approvedByTwo(paysaga, {
        action: 'resolve_as_closed',
        subjectId: id,
        payload: {},
        reason: 'closed on the merchant platform',
      });
      await update(paysaga, workflowId, 'resolveAsClosed', { ...ANA, approval });
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['update close', 'activity closeUnlessPaid', 'activity resolvePayment', 'completed'],
  },
  'payment-ordered-after-credentials-were-mended': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'native.create', ...BAD_KEY });
      const number = `MENDED${randomUUID().slice(0, 18)}`;
      const workflowId = paymentId(paysaga, number);
      const creating = paysaga.createPayment({ out_trade_no: number });
      const id = await rowOf(paysaga, 'payments', number);
      await untilAttention(paysaga, `/v1/payments/${id}`, 'credentials_refused');
      await untilSearchAttribute(
        paysaga.client.workflow.getHandle(workflowId),
        'Attention',
        'needs_operator',
      );
      await mend(paysaga);
      await update(paysaga, workflowId, 'retryStep');
      await creating;
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: [
      'signal credentials',
      'activity createPrepayOrder',
      'update retryStep',
      'local repeatWaitingSteps',
      'local recordOperatorAction',
      'completed',
    ],
    hasNot: ['activity requestAttention'],
  },
  'refund-applied-for-after-credentials-were-mended': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      await fault(paysaga, { operation: 'refund.create', ...BAD_KEY });
      const number = `MENDED${randomUUID().slice(0, 18)}`;
      const workflowId = refundId(paysaga, number);
      const path = `/v1/payments/${payment.id}/refunds`;
      const creating = paysaga.call('POST', path, { out_refund_no: number });
      const id = await rowOf(paysaga, 'refunds', number);
      await untilAttention(paysaga, `/v1/refunds/${id}`, 'credentials_refused');
      await untilSearchAttribute(
        paysaga.client.workflow.getHandle(workflowId),
        'Attention',
        'needs_operator',
      );
      await mend(paysaga);
      await update(paysaga, workflowId, 'retryStep');
      await creating;
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['signal credentials', 'activity submitRefund', 'update retryStep', 'completed'],
    hasNot: ['activity requestRefundAttention'],
  },
};

/** Every path on which an operator acts, or has to. */
export const OPERATOR_SETTINGS: readonly Setting[] = [
  {
    options: {
      paymentTiming: PATIENT,
      refundTiming: PATIENT,
      gatewayTimeoutMs: 700,
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
    },
    paths: operators,
  },
];
