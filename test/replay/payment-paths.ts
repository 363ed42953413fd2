import { randomUUID } from 'node:crypto';
import type { Paysaga } from '../fixture.ts';
import {
  create,
  fault,
  loseNotifications,
  PATIENT,
  type Path,
  pay,
  paymentId,
  recheck,
  type Setting,
  SHORT,
  untilAttention,
  WINDOW_MS,
} from './path.ts';

const createForADay = (paysaga: Paysaga) => create(paysaga, { expires_in: 24 * 3600 });

/** Three hours pass for the gateway, and for what it has issued to the payment. */
async function age(paysaga: Paysaga, id: string): Promise<void> {
  await paysaga.control('POST', '/clock', { advance_ms: 3 * 3_600_000 });
  await paysaga.pool.query(
    `update payments set prepay_issued_at = prepay_issued_at - interval '3 hours' where id = $1`,
    [id],
  );
}

const SETTLED_BY_NOTIFICATION = ['signal notified', 'local settleFromNotification', 'completed'];

/** Every path of a payment while its window is open. */
const payments: Record<string, Path> = {
  'payment-paid-by-notification': {
    async drive(paysaga) {
      const { id, number, workflowId } = await create(paysaga);
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update prepay', 'local createPrepayOrder', ...SETTLED_BY_NOTIFICATION],
    hasNot: ['activity settleByPolling', 'timer'],
  },
  'payment-paid-by-two-notifications': {
    async drive(paysaga) {
      const { id, number, workflowId } = await create(paysaga);
      // Both are there when the workflow looks: one settles, the other one is a copy.
      await paysaga.stopWorker();
      await pay(paysaga, number);
      const handle = paysaga.client.workflow.getHandle(workflowId);
      const stored = async () =>
        (await paysaga.pool.query('select id from notifications where subject_id = $1', [id])).rows;
      for (let turn = 0; turn < 400 && (await stored()).length === 0; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
      }
      for (const row of await stored()) {
        await handle.signal('notified', { notificationId: row.id });
        await handle.signal('notified', { notificationId: row.id });
      }
      await paysaga.startWorker();
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: SETTLED_BY_NOTIFICATION,
  },
  'payment-rejected': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'native.create', kind: 'refused', code: 'RULE_LIMIT' });
      const number = `REFUSED${randomUUID().slice(0, 18)}`;
      const { body } = await paysaga.createPayment({ out_trade_no: number });
      if (body.code !== 'gateway_rejected') throw new Error(`not rejected: ${JSON.stringify(body)}`);
      await paysaga.until(`/v1/payments/${body.payment_id}`, 'FAILED');
      return paymentId(paysaga, number);
    },
    has: ['update prepay', 'local createPrepayOrder', 'completed'],
    hasNot: ['activity closeUnlessPaid'],
  },
  'payment-closed-on-request': {
    async drive(paysaga) {
      const { id, workflowId } = await create(paysaga);
      await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'cart emptied' });
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['update close', 'activity closeUnlessPaid', 'completed'],
  },
  'payment-paid-while-closing': {
    async drive(paysaga) {
      const { id, number, workflowId } = await create(paysaga);
      await loseNotifications(paysaga);
      await fault(paysaga, { operation: 'order.close', kind: 'pay_before', out_trade_no: number });
      await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'cart emptied' });
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update close', 'activity closeUnlessPaid', 'completed'],
    hasNot: ['local settleFromNotification'],
  },
  'payment-closed-because-the-workflow-was-cancelled': {
    async drive(paysaga) {
      const { id, workflowId } = await create(paysaga);
      await paysaga.client.workflow.getHandle(workflowId).cancel();
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['cancel', 'activity closeUnlessPaid', 'completed'],
  },
  'payment-settled-by-an-operators-recheck': {
    async drive(paysaga) {
      const { id, number, workflowId } = await create(paysaga);
      await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [id]);
      await pay(paysaga, number);
      await untilAttention(paysaga, `/v1/payments/${id}`, 'amount_differs');
      await paysaga.pool.query('update payments set amount = amount - 1 where id = $1', [id]);
      await recheck(paysaga, workflowId);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['signal notified', 'activity requestAttention', 'update recheck', 'completed'],
  },
  'payment-told-nothing-by-a-signal-by-hand': {
    async drive(paysaga) {
      const { id, number, workflowId } = await create(paysaga);
      await paysaga.client.workflow.getHandle(workflowId).signal('notified');
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: SETTLED_BY_NOTIFICATION,
  },
  // From here on the gateway is slow, and the worker, having seen that, no longer orders locally for a while.
  'payment-paid-before-the-order-was-answered': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'native.create', kind: 'slow', delay_ms: 600 });
      const number = `EARLY${randomUUID().slice(0, 18)}`;
      const creating = create(paysaga, { out_trade_no: number });
      for (let turn = 0; turn < 400; turn += 1) {
        if ((await paysaga.control('GET', `/orders/${number}`)).status === 200) break;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
      await pay(paysaga, number);
      const { id, workflowId } = await creating;
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update prepay', ...SETTLED_BY_NOTIFICATION],
  },
  'payment-paid-after-the-order-was-repeated': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'native.create', kind: 'error_500', processed: true });
      const { id, number, workflowId } = await create(paysaga);
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['local createPrepayOrder failed', 'activity createPrepayOrder', ...SETTLED_BY_NOTIFICATION],
  },
  'payment-closed-before-the-order-was-answered': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'native.create', kind: 'error_500', times: null });
      const number = `UNSURE${randomUUID().slice(0, 18)}`;
      const creating = paysaga.createPayment({ out_trade_no: number });
      const row = async () =>
        (await paysaga.pool.query('select id from payments where out_trade_no = $1', [number])).rows[0]?.id;
      let id: string | undefined;
      for (let turn = 0; turn < 400 && !id; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
        id = await row();
      }
      await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'cart emptied' });
      await creating;
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return paymentId(paysaga, number);
    },
    has: ['activity createPrepayOrder', 'update close', 'activity closeUnlessPaid', 'completed'],
  },
};

/** Payments whose notification does not come in time. */
const polledPayments: Record<string, Path> = {
  'payment-paid-by-poll': {
    async drive(paysaga) {
      await loseNotifications(paysaga);
      const { id, number, workflowId } = await create(paysaga);
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['timer', 'activity settleByPolling', 'completed'],
    hasNot: ['signal notified'],
  },
  'payment-paid-by-notification-while-polling': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'order.query', kind: 'notpay_lag', times: null });
      const { id, number, workflowId } = await create(paysaga);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['timer', 'activity settleByPolling', ...SETTLED_BY_NOTIFICATION],
  },
};

/** Payments whose window ends. */
const expiring: Record<string, Path> = {
  'payment-closed-at-expiry': {
    async drive(paysaga) {
      const { id, workflowId } = await create(paysaga, { expires_in: 60 });
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['timer', 'activity settleByPolling', 'activity closeUnlessPaid', 'completed'],
  },
  'payment-paid-while-closing-at-expiry': {
    async drive(paysaga) {
      await loseNotifications(paysaga);
      const { id, number, workflowId } = await create(paysaga, { expires_in: 60 });
      await fault(paysaga, { operation: 'order.close', kind: 'pay_before', out_trade_no: number });
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['timer', 'activity closeUnlessPaid', 'completed'],
    hasNot: ['signal notified'],
  },
};

/** Payments whose code expires: the gateway's clock is put forward. */
const renewed: Record<string, Path> = {
  'payment-renewed-then-paid': {
    async drive(paysaga) {
      const { id, number, workflowId } = await createForADay(paysaga);
      await age(paysaga, id);
      await paysaga.call('POST', `/v1/payments/${id}/prepay`);
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update renewPrepay', 'local renewPrepayOrder', ...SETTLED_BY_NOTIFICATION],
  },
  'payment-found-paid-at-its-renewal': {
    async drive(paysaga) {
      const { id, number, workflowId } = await createForADay(paysaga);
      await loseNotifications(paysaga);
      await pay(paysaga, number);
      await age(paysaga, id);
      await paysaga.call('POST', `/v1/payments/${id}/prepay`);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update renewPrepay', 'local renewPrepayOrder', 'completed'],
    hasNot: ['signal notified'],
  },
};

/** Payments that the front end asks after. */
const synced: Record<string, Path> = {
  'payment-paid-by-sync': {
    async drive(paysaga) {
      await loseNotifications(paysaga);
      const { id, number, workflowId } = await create(paysaga);
      await paysaga.call('POST', `/v1/payments/${id}/sync`);
      await pay(paysaga, number);
      await paysaga.call('POST', `/v1/payments/${id}/sync`);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update syncNow', 'local settleByQuery', 'completed'],
    hasNot: ['signal notified'],
  },
  'payment-synced-in-vain-then-paid': {
    async drive(paysaga) {
      const { id, number, workflowId } = await create(paysaga);
      await fault(paysaga, { operation: 'order.query', kind: 'error_500', times: null });
      await paysaga.call('POST', `/v1/payments/${id}/sync`);
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: [
      'update syncNow',
      'local settleByQuery failed',
      'activity settleByQuery',
      ...SETTLED_BY_NOTIFICATION,
    ],
  },
};

/** Every path of a payment. */
export const PAYMENT_SETTINGS: readonly Setting[] = [
  { options: { paymentTiming: PATIENT, gatewayTimeoutMs: 1_500 }, paths: payments },
  { options: { paymentTiming: PATIENT, gatewayTimeoutMs: 1_500 }, paths: renewed },
  { options: { paymentTiming: PATIENT, gatewayTimeoutMs: 1_500 }, paths: synced },
  { options: { paymentTiming: SHORT, gatewayTimeoutMs: 700 }, paths: polledPayments },
  {
    // The API's clock is behind, so that a window of one minute ends after two seconds.
    options: { apiClock: () => Date.now() - 60_000 + WINDOW_MS, paymentTiming: SHORT, gatewayTimeoutMs: 700 },
    paths: expiring,
  },
];
