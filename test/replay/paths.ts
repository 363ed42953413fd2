import { randomUUID } from 'node:crypto';
import type { Paysaga, PaysagaOptions } from '../fixture.ts';

/** A way that a saga can take, and how to make one take it. */
export interface Path {
  /** Takes it through the public API and the gateway. @returns the workflow's id. */
  drive: (paysaga: Paysaga) => Promise<string>;
  /** Steps (see `steps`) that the history has if it is this path, and those that it has not. */
  has: string[];
  hasNot?: string[];
}

/** Paths that are driven with the same durations. */
export interface Setting {
  options: PaysagaOptions;
  paths: Record<string, Path>;
}

const SHORT = { notifyWaitMs: 300, pollGapsMs: [200, 300] };
/** The notification is patiently waited for. */
const PATIENT = { notifyWaitMs: 60_000, pollGapsMs: [200, 300] };
const WINDOW_MS = 2_000;

const paymentId = (paysaga: Paysaga, number: string) => `payment/${paysaga.mchid}/${number}`;
const refundId = (paysaga: Paysaga, number: string) => `refund/${paysaga.mchid}/${number}`;

async function create(
  paysaga: Paysaga,
  fields: object = {},
): Promise<{ id: string; number: string; workflowId: string }> {
  const { body } = await paysaga.createPayment({ ...fields });
  if (!body.id) throw new Error(`no payment was created: ${JSON.stringify(body)}`);
  return { id: body.id, number: body.out_trade_no, workflowId: paymentId(paysaga, body.out_trade_no) };
}

const pay = (paysaga: Paysaga, number: string, body = {}) =>
  paysaga.control('POST', `/orders/${number}/pay`, body);
async function fault(paysaga: Paysaga, rule: object): Promise<void> {
  const { status, body } = await paysaga.control('POST', '/faults', rule);
  if (status >= 300) throw new Error(`the simulator refuses the fault: ${JSON.stringify(body)}`);
}
const mend = (paysaga: Paysaga) => paysaga.control('DELETE', '/faults');

/** Nobody hears of anything: only asking helps. */
const loseNotifications = (paysaga: Paysaga) =>
  fault(paysaga, { operation: 'notification', kind: 'drop', times: null });

async function paid(paysaga: Paysaga): Promise<{ id: string; number: string }> {
  const { id, number } = await create(paysaga, { amount: { total: 1000 } });
  await pay(paysaga, number);
  await paysaga.until(`/v1/payments/${id}`, 'PAID');
  return { id, number };
}

async function refund(
  paysaga: Paysaga,
  payment: string,
  fields: object = {},
): Promise<{ id: string; number: string; workflowId: string }> {
  const { body } = await paysaga.call('POST', `/v1/payments/${payment}/refunds`, fields);
  if (!body.id) throw new Error(`no refund was created: ${JSON.stringify(body)}`);
  return { id: body.id, number: body.out_refund_no, workflowId: refundId(paysaga, body.out_refund_no) };
}

const finishRefund = (paysaga: Paysaga, number: string, status: string) =>
  paysaga.control('POST', `/refunds/${number}/finish`, { status });

/** Waits until the payment or refund at this path shows the reason to an operator. */
async function untilAttention(paysaga: Paysaga, path: string, reason: string): Promise<void> {
  for (let turn = 0; turn < 600; turn += 1) {
    if ((await paysaga.call('GET', path)).body.attention_reason === reason) return;
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
  throw new Error(`${path} does not ask for an operator because of ${reason}`);
}

/** Asks again, once the workflow waits for that: its row says so a moment earlier. */
async function recheck(paysaga: Paysaga, workflowId: string): Promise<void> {
  const handle = paysaga.client.workflow.getHandle(workflowId);
  for (let turn = 0; ; turn += 1) {
    try {
      return await handle.executeUpdate('recheck', { args: [{ actor: 'ops', reason: 'amount corrected' }] });
    } catch (error) {
      if (turn === 100) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
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
        (await paysaga.pool.query('select id from refunds where out_refund_no = $1', [number])).rows[0]?.id;
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

/** Every path that a saga can take, grouped by how the stack is set up for it. */
export const SETTINGS: readonly Setting[] = [
  { options: { paymentTiming: PATIENT, gatewayTimeoutMs: 1_500 }, paths: payments },
  { options: { paymentTiming: SHORT, gatewayTimeoutMs: 700 }, paths: polledPayments },
  {
    // The API's clock is behind, so that a window of one minute ends after two seconds.
    options: { apiClock: () => Date.now() - 60_000 + WINDOW_MS, paymentTiming: SHORT, gatewayTimeoutMs: 700 },
    paths: expiring,
  },
  { options: { refundTiming: PATIENT, gatewayTimeoutMs: 700 }, paths: refunds },
  { options: { refundTiming: SHORT, gatewayTimeoutMs: 700 }, paths: polledRefunds },
  { options: { refundTiming: PATIENT, simulator: whenTold }, paths: slowRefunds },
  { options: { refundTiming: { ...SHORT, giveUpMs: 1_500 }, simulator: whenTold }, paths: hopelessRefunds },
];

/** The same by name. */
export const PATHS: Readonly<Record<string, Path>> = Object.assign({}, ...SETTINGS.map(({ paths }) => paths));
