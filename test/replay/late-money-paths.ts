import { updatePolicies } from '../../database/merchants.ts';
import type { Paysaga } from '../fixture.ts';
import { closed, decide, latePayments, payLate, untilLate, untilUndecided } from '../late-money.ts';
import { create, fault, PATIENT, type Path, pay, paymentId, type Setting } from './path.ts';

type Policies = Parameters<typeof updatePolicies>[2];
const policies = (paysaga: Paysaga, changed: Policies) =>
  updatePolicies(paysaga.pool, paysaga.mchid, changed);
const lateId = ({ mchid }: Paysaga, { transaction_id }: { transaction_id: string }) =>
  `late-payment/${mchid}/${transaction_id}`;

async function paidLate(paysaga: Paysaga) {
  const payment = await closed(paysaga);
  await payLate(paysaga, payment);
  const [late] = await latePayments(paysaga, payment.id);
  return { payment, late };
}

/** Late money whose refund WeChat Pay has refused. */
async function undecided(paysaga: Paysaga) {
  await fault(paysaga, { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' });
  const { payment, late } = await paidLate(paysaga);
  return { payment, late: await untilUndecided(paysaga, late) };
}

const operator = { actor: 'ops', reason: 'called the customer' };

const lateMoney: Record<string, Path> = {
  'late-money-refunded': {
    async drive(paysaga) {
      const { late } = await paidLate(paysaga);
      await untilLate(paysaga, late, 'REFUNDED');
      return lateId(paysaga, late);
    },
    has: ['local decideLatePayment', 'child refund', 'completed'],
    hasNot: ['update decide', 'activity decideLatePayment'],
  },
  'late-money-accepted': {
    async drive(paysaga) {
      await policies(paysaga, { latePaymentPolicy: 'accept' });
      const { payment, late } = await paidLate(paysaga);
      await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
      await policies(paysaga, { latePaymentPolicy: 'refund' });
      return lateId(paysaga, late);
    },
    has: ['local decideLatePayment', 'completed'],
    hasNot: ['child refund', 'activity watchLatePayment'],
  },
  'late-money-refunded-again-by-an-operator': {
    async drive(paysaga) {
      const { late } = await undecided(paysaga);
      await decide(paysaga, late, { decision: 'refund', ...operator });
      await untilLate(paysaga, late, 'REFUNDED');
      return lateId(paysaga, late);
    },
    has: ['child refund', 'update decide', 'activity decideLatePayment', 'completed'],
  },
  'late-money-accepted-by-an-operator': {
    async drive(paysaga) {
      const { payment, late } = await undecided(paysaga);
      await decide(paysaga, late, { decision: 'accept', ...operator });
      await paysaga.until(`/v1/payments/${payment.id}`, 'PAID');
      return lateId(paysaga, late);
    },
    has: ['child refund', 'update decide', 'activity decideLatePayment', 'completed'],
  },
  'late-money-looked-for-in-vain': {
    async drive(paysaga) {
      const payment = await closed(paysaga);
      await paysaga.call('POST', `/v1/payments/${payment.id}/sync`);
      return `look-again/${paysaga.mchid}/${payment.out_trade_no}`;
    },
    has: ['activity settleByQuery', 'completed'],
  },
  'payment-paid-for-an-order-that-was-paid': {
    async drive(paysaga) {
      const order_reference = 'HARBOUR-7';
      const first = await create(paysaga, { order_reference });
      await pay(paysaga, first.number);
      await paysaga.until(`/v1/payments/${first.id}`, 'PAID');
      const second = await create(paysaga, { order_reference });
      await pay(paysaga, second.number);
      await paysaga.until(`/v1/payments/${second.id}`, 'REFUNDED');
      return paymentId(paysaga, second.number);
    },
    has: ['local settleFromNotification', 'child refund', 'completed'],
  },
};

/** Every path of late money, and of payments for one order. */
export const LATE_MONEY_SETTINGS: readonly Setting[] = [
  { options: { paymentTiming: PATIENT, refundTiming: PATIENT, gatewayTimeoutMs: 1_500 }, paths: lateMoney },
];
