import { randomUUID } from 'node:crypto';
import {
  fault,
  finishRefund,
  loseNotifications,
  mend,
  PATIENT,
  type Path,
  paid,
  refund,
  refundId,
  type Setting,
  SHORT,
  untilAttention,
} from './path.ts';

const REFUNDED_BY_NOTIFICATION = ['signal notified', 'local settleRefundFromNotification', 'completed'];

const refunds: Record<string, Path> = {
  'refund-succeeded-by-notification': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const { id, workflowId } = await refund(paysaga, payment.id, { reason: 'broken' });
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['update submit', 'local reserveRefund', 'activity submitRefund', ...REFUNDED_BY_NOTIFICATION],
    hasNot: ['activity settleRefundByPolling'],
    most: 23,
  },
  'refund-of-the-rest': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const first = await refund(paysaga, payment.id, { amount: { refund: 400 } });
      await paysaga.until(`/v1/refunds/${first.id}`, 'SUCCEEDED');
      const { id, workflowId } = await refund(paysaga, payment.id);
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['local reserveRefund', 'activity submitRefund', ...REFUNDED_BY_NOTIFICATION],
  },
  'refund-succeeded-after-it-was-submitted-again': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      await fault(paysaga, { operation: 'refund.create', kind: 'error_500', processed: true });
      const { id, workflowId } = await refund(paysaga, payment.id);
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['activity submitRefund', 'completed'],
  },
};

const polledRefunds: Record<string, Path> = {
  'refund-succeeded-by-poll': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      await loseNotifications(paysaga);
      const { id, workflowId } = await refund(paysaga, payment.id);
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['timer', 'activity settleRefundByPolling', 'completed'],
    hasNot: ['signal notified'],
    most: 27,
  },
};

/** Refunds that the gateway finishes when it is told to, and as it is told. */
const slowRefunds: Record<string, Path> = {
  'refund-closed-by-the-gateway': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const { id, number, workflowId } = await refund(paysaga, payment.id);
      await finishRefund(paysaga, number, 'CLOSED');
      await paysaga.until(`/v1/refunds/${id}`, 'FAILED');
      return workflowId;
    },
    has: REFUNDED_BY_NOTIFICATION,
  },
  'refund-abnormal-then-succeeded': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const { id, number, workflowId } = await refund(paysaga, payment.id);
      await finishRefund(paysaga, number, 'ABNORMAL');
      await paysaga.until(`/v1/refunds/${id}`, 'ABNORMAL');
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: REFUNDED_BY_NOTIFICATION,
  },
  'refund-refused-because-nothing-is-left': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      await refund(paysaga, payment.id, { amount: { refund: 999 } });
      const number = `TOOMUCH${randomUUID().slice(0, 18)}`;
      await paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, {
        amount: { refund: 2 },
        out_refund_no: number,
      });
      return refundId(paysaga, number);
    },
    has: ['local reserveRefund', 'completed'],
    hasNot: ['activity submitRefund'],
  },
};

/** Refunds that are given up early, so that an operator is asked. */
const hopelessRefunds: Record<string, Path> = {
  'refund-polled-in-vain-then-succeeded': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      const { id, number, workflowId } = await refund(paysaga, payment.id);
      await untilAttention(paysaga, `/v1/refunds/${id}`, 'refund_unresolved');
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return workflowId;
    },
    has: ['activity settleRefundByPolling', 'activity requestRefundAttention', 'completed'],
  },
  'refund-submitted-in-vain-then-again': {
    async drive(paysaga) {
      const payment = await paid(paysaga);
      await fault(paysaga, { operation: 'refund.create', kind: 'error_500', times: null });
      const number = `VAIN${randomUUID().slice(0, 18)}`;
      const creating = paysaga.call('POST', `/v1/payments/${payment.id}/refunds`, { out_refund_no: number });
      const row = async () =>
        (
          await paysaga.pool.query('select refund_id id from refund_attempts where out_refund_no = $1', [
            number,
          ])
        ).rows[0]?.id;
      let id: string | undefined;
      for (let turn = 0; turn < 400 && !id; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
        id = await row();
      }
      await untilAttention(paysaga, `/v1/refunds/${id}`, 'submit_unresolved');
      await mend(paysaga);
      // Whoever mended the gateway wakes it before its hour is over.
      await paysaga.client.workflow
        .getHandle(refundId(paysaga, number))
        .signal('notified', { notificationId: 'by hand' });
      await creating;
      await paysaga.until(`/v1/refunds/${id}`, 'PROCESSING');
      await finishRefund(paysaga, number, 'SUCCESS');
      await paysaga.until(`/v1/refunds/${id}`, 'SUCCEEDED');
      return refundId(paysaga, number);
    },
    has: ['activity submitRefund', 'activity requestRefundAttention', 'signal notified', 'completed'],
  },
};

const whenTold = { refundDelayMs: Number.POSITIVE_INFINITY };

/** Every path of a refund. */
export const REFUND_SETTINGS: readonly Setting[] = [
  { options: { refundTiming: PATIENT, gatewayTimeoutMs: 700 }, paths: refunds },
  { options: { refundTiming: SHORT, gatewayTimeoutMs: 700 }, paths: polledRefunds },
  { options: { refundTiming: PATIENT, simulator: whenTold }, paths: slowRefunds },
  { options: { refundTiming: { ...SHORT, giveUpMs: 1_500 }, simulator: whenTold }, paths: hopelessRefunds },
];
