import { randomUUID } from 'node:crypto';
import type { Paysaga } from '../fixture.ts';
import { PASSWORD_FEN, TILLS } from '../till.ts';
import { create, fault, mend, type Path, pay, paymentId, type Setting, SHORT } from './path.ts';

const [codepay] = TILLS;
const CODEPAY = { product: codepay?.product, ...codepay?.fields };
const REVERSAL = { earliestMs: 300, codeLivesMs: 1_500, settlesMs: 1_000 };

const charge = (paysaga: Paysaga, fields: object = {}) => create(paysaga, { ...CODEPAY, ...fields });
/** The customer types a password: nothing is decided. */
const typing = (paysaga: Paysaga, fields: object = {}) =>
  charge(paysaga, { amount: { total: PASSWORD_FEN }, ...fields });

/** Every path of a payment that charges what the customer shows. */
const charged: Record<string, Path> = {
  'payment-charged-at-once': {
    async drive(paysaga) {
      const { id, workflowId } = await charge(paysaga);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['update prepay', 'local chargeCode', 'completed'],
    hasNot: ['timer', 'activity settleByPolling', 'activity reverseUnlessPaid'],
  },
  'payment-charge-refused': {
    async drive(paysaga) {
      const number = `REFUSED${randomUUID().slice(0, 18)}`;
      await fault(paysaga, { operation: 'codepay.create', kind: 'refused', code: 'NOT_ENOUGH' });
      const { body } = await paysaga.createPayment({ ...CODEPAY, out_trade_no: number });
      if (body.code !== 'gateway_rejected') throw new Error(`not rejected: ${JSON.stringify(body)}`);
      await paysaga.until(`/v1/payments/${body.payment_id}`, 'FAILED');
      return paymentId(paysaga, number);
    },
    has: ['update prepay', 'local chargeCode', 'completed'],
    hasNot: ['activity reverseUnlessPaid'],
  },
  'payment-charged-after-the-password': {
    async drive(paysaga) {
      const { id, number, workflowId } = await typing(paysaga);
      await pay(paysaga, number);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['local chargeCode', 'timer', 'activity settleByPolling', 'completed'],
    hasNot: ['activity reverseUnlessPaid'],
  },
  'payment-charged-and-synced': {
    async drive(paysaga) {
      const { id, number, workflowId } = await typing(paysaga);
      await pay(paysaga, number);
      await paysaga.call('POST', `/v1/payments/${id}/sync`);
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['local chargeCode', 'update syncNow', 'local settleByQuery', 'completed'],
  },
  'payment-reversed-after-a-failed-password': {
    async drive(paysaga) {
      const { id, number, workflowId } = await typing(paysaga);
      await paysaga.control('POST', `/orders/${number}/fail`, { reason: 'wrong_password' });
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['timer', 'activity settleByPolling', 'activity reverseUnlessPaid', 'completed'],
    hasNot: ['update close', 'activity closeUnlessPaid'],
  },
  'payment-reversed-on-request': {
    async drive(paysaga) {
      const { id, workflowId } = await typing(paysaga);
      await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'walked away' });
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['update close', 'activity reverseUnlessPaid', 'completed'],
    hasNot: ['activity closeUnlessPaid'],
  },
  'payment-reversed-after-who-asked-had-gone': {
    async drive(paysaga) {
      const { id, workflowId } = await typing(paysaga);
      await fault(paysaga, { operation: 'codepay.reverse', kind: 'error_500', times: null });
      const { status } = await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'walked away' });
      if (status !== 202) throw new Error(`answered ${status}, not that it is noted`);
      await mend(paysaga);
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['update close', 'activity reverseUnlessPaid', 'completed'],
  },
};

/** Charges whose window ends. */
const expiring: Record<string, Path> = {
  'payment-reversed-at-expiry': {
    async drive(paysaga) {
      const { id, workflowId } = await typing(paysaga, { expires_in: 30 });
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['timer', 'activity settleByPolling', 'activity reverseUnlessPaid', 'completed'],
  },
  'payment-charged-nobody-knows-whether': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'codepay.create', kind: 'timeout_before' });
      const { id, workflowId } = await charge(paysaga, { expires_in: 30 });
      await paysaga.until(`/v1/payments/${id}`, 'CLOSED');
      return workflowId;
    },
    has: ['local chargeCode', 'activity settleByPolling', 'activity reverseUnlessPaid', 'completed'],
    hasNot: ['activity chargeCode'],
  },
  // The worker has seen a slow gateway, and charges by an activity for a while.
  'payment-charged-by-an-activity': {
    async drive(paysaga) {
      const { id, workflowId } = await charge(paysaga, { expires_in: 30 });
      await paysaga.until(`/v1/payments/${id}`, 'PAID');
      return workflowId;
    },
    has: ['local chargeCode failed', 'activity chargeCode', 'completed'],
    hasNot: ['activity reverseUnlessPaid'],
  },
  'payment-not-charged-after-its-window': {
    async drive(paysaga) {
      await paysaga.stopWorker();
      const number = `LATE${randomUUID().slice(0, 18)}`;
      void paysaga.createPayment({ ...CODEPAY, out_trade_no: number, expires_in: 30 }).catch(() => {});
      const row = async () =>
        (await paysaga.pool.query('select id, time_expire from payments where out_trade_no = $1', [number]))
          .rows[0];
      let stored = await row();
      for (let turn = 0; turn < 400 && !stored; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 25));
        stored = await row();
      }
      await new Promise((resolve) => setTimeout(resolve, stored.time_expire - Date.now() + 50));
      await paysaga.startWorker();
      await paysaga.until(`/v1/payments/${stored.id}`, 'CLOSED');
      return paymentId(paysaga, number);
    },
    has: ['activity reverseUnlessPaid', 'completed'],
    hasNot: ['local chargeCode', 'activity chargeCode'],
  },
};

/** Every path of a charge. */
export const CHARGE_SETTINGS: readonly Setting[] = [
  { options: { paymentTiming: { ...SHORT, reversal: REVERSAL }, gatewayTimeoutMs: 1_500 }, paths: charged },
  {
    // The API's clock is behind, so that half a minute ends after three seconds.
    options: {
      apiClock: () => Date.now() - 27_000,
      paymentTiming: { ...SHORT, reversal: REVERSAL },
      gatewayTimeoutMs: 700,
    },
    paths: expiring,
  },
];
