import { randomUUID } from 'node:crypto';
import { combinedId, createCombined, payCombined, untilCombined } from '../combined.ts';
import type { Answer, Paysaga } from '../fixture.ts';
import {
  approvedByTwo,
  fault,
  loseNotifications,
  PATIENT,
  type Path,
  recheck,
  type Setting,
  SHORT,
  untilAttention,
  WINDOW_MS,
} from './path.ts';

async function create(paysaga: Paysaga, fields: Record<string, unknown> = {}): Promise<Answer['body']> {
  const { body } = await createCombined(paysaga, fields);
  if (!body.id) throw new Error(`no combined payment was created: ${JSON.stringify(body)}`);
  return body;
}

/** Asks for something that the customer's front end, or the merchant, may ask for. */
const ask = (paysaga: Paysaga, { id }: { id: string }, what: 'close' | 'prepay' | 'sync') =>
  paysaga.call('POST', `/v1/combined-payments/${id}/${what}`);

/** Takes the path to its end. @returns the workflow's id. */
/** WeChat Pay says nothing, and two operators do. */
async function resolvedByTwo(
  paysaga: Paysaga,
  as: 'paid' | 'closed',
  claims: (combined: Answer['body']) => object,
): Promise<string> {
  const one = await create(paysaga);
  await fault(paysaga, { operation: 'combine.query', kind: 'error_500', times: null });
  const reason = 'seen on the merchant platform';
  const approval = await approvedByTwo(paysaga, {
    action: `resolve_as_${as}`,
    subjectId: one.id,
    payload: claims(one),
    reason,
  });
  await paysaga.client.workflow
    .getHandle(combinedId(one))
    .executeUpdate(as === 'paid' ? 'resolveAsPaid' : 'resolveAsClosed', {
      args: [{ actor: 'ana', reason, approval }],
    });
  return await until(paysaga, one, as === 'paid' ? 'PAID' : 'CLOSED');
}

async function until(paysaga: Paysaga, combined: Answer['body'], status: string): Promise<string> {
  await untilCombined(paysaga, combined, status);
  return combinedId(combined);
}

const SETTLED_BY_NOTIFICATION = ['signal notified', 'local settleCombinedFromNotification', 'completed'];

/** Paths whose notification is patiently waited for. */
const combined: Record<string, Path> = {
  'combined-paid-by-notification': {
    async drive(paysaga) {
      const one = await create(paysaga);
      await payCombined(paysaga, one);
      return await until(paysaga, one, 'PAID');
    },
    has: ['update prepay', 'local createCombinedOrder', ...SETTLED_BY_NOTIFICATION],
    hasNot: ['activity settleCombinedByPolling', 'timer'],
  },
  'combined-rejected': {
    async drive(paysaga) {
      await fault(paysaga, { operation: 'combine.native.create', kind: 'refused', code: 'RULE_LIMIT' });
      const { body } = await createCombined(paysaga);
      const path = `/v1/combined-payments/${body.combined_payment_id}`;
      return combinedId(await paysaga.until(path, 'FAILED'));
    },
    has: ['update prepay', 'local createCombinedOrder', 'completed'],
    hasNot: ['activity closeCombinedUnlessPaid'],
  },
  'combined-closed-on-request': {
    async drive(paysaga) {
      const one = await create(paysaga);
      await ask(paysaga, one, 'close');
      return await until(paysaga, one, 'CLOSED');
    },
    has: ['update close', 'activity closeCombinedUnlessPaid', 'completed'],
  },
  'combined-paid-while-closing': {
    async drive(paysaga) {
      const one = await create(paysaga);
      await loseNotifications(paysaga);
      await fault(paysaga, { operation: 'combine.close', kind: 'pay_before' });
      await ask(paysaga, one, 'close');
      return await until(paysaga, one, 'PAID');
    },
    has: ['update close', 'activity closeCombinedUnlessPaid', 'completed'],
    hasNot: ['local settleCombinedFromNotification'],
  },
  'combined-paid-by-sync': {
    async drive(paysaga) {
      await loseNotifications(paysaga);
      const one = await create(paysaga);
      await payCombined(paysaga, one);
      await ask(paysaga, one, 'sync');
      return await until(paysaga, one, 'PAID');
    },
    has: ['update syncNow', 'local settleCombinedByQuery', 'completed'],
    hasNot: ['signal notified'],
  },
  'combined-settled-by-an-operators-recheck': {
    async drive(paysaga) {
      const one = await create(paysaga);
      const [sub] = one.sub_payments;
      const changeAmount = (by: number) =>
        paysaga.pool.query('update payments set amount = amount + $2 where id = $1', [sub.id, by]);
      await changeAmount(1);
      await payCombined(paysaga, one);
      await untilAttention(paysaga, `/v1/combined-payments/${one.id}`, 'amount_differs');
      await changeAmount(-1);
      await recheck(paysaga, combinedId(one));
      return await until(paysaga, one, 'PAID');
    },
    has: ['signal notified', 'activity requestCombinedAttention', 'update recheck', 'completed'],
  },
  'combined-resolved-as-closed-by-two': {
    drive: (paysaga) => resolvedByTwo(paysaga, 'closed', () => ({})),
    has: ['activity resolveCombined', 'completed'],
    hasNot: ['signal notified', 'activity closeCombinedUnlessPaid'],
  },
  'combined-resolved-as-paid-by-two': {
    drive: (paysaga) =>
      resolvedByTwo(paysaga, 'paid', (one) => ({
        orders: one.sub_payments.map(({ id, amount }: Answer['body']) => ({
          paymentId: id,
          transactionId: `4200${randomUUID().replaceAll('-', '').slice(0, 24)}`,
          amount: amount.total,
        })),
      })),
    has: ['activity resolveCombined', 'completed'],
    hasNot: ['signal notified', 'activity closeCombinedUnlessPaid'],
  },
  'combined-renewed-then-paid': {
    async drive(paysaga) {
      const one = await create(paysaga, { expires_in: 24 * 3600 });
      await paysaga.control('POST', '/clock', { advance_ms: 3 * 3_600_000 });
      await paysaga.pool.query(
        `update combined_payments set prepay_issued_at = prepay_issued_at - interval '3 hours' where id = $1`,
        [one.id],
      );
      await ask(paysaga, one, 'prepay');
      await payCombined(paysaga, one);
      return await until(paysaga, one, 'PAID');
    },
    has: ['update renewPrepay', 'local renewCombinedOrder', ...SETTLED_BY_NOTIFICATION],
  },
};

/** Paths on which the notification does not come in time. */
const polled: Record<string, Path> = {
  'combined-paid-by-poll': {
    async drive(paysaga) {
      await loseNotifications(paysaga);
      const one = await create(paysaga);
      await payCombined(paysaga, one);
      return await until(paysaga, one, 'PAID');
    },
    has: ['timer', 'activity settleCombinedByPolling', 'completed'],
    hasNot: ['signal notified'],
  },
};

/** Paths on which the window ends. */
const expiring: Record<string, Path> = {
  'combined-closed-at-expiry': {
    async drive(paysaga) {
      const one = await create(paysaga, { expires_in: 60 });
      return await until(paysaga, one, 'CLOSED');
    },
    has: ['timer', 'activity settleCombinedByPolling', 'activity closeCombinedUnlessPaid', 'completed'],
  },
};

/** Every path of a combined payment that is another one than a payment's: their workflow is the same, with other steps. */
export const COMBINED_SETTINGS: readonly Setting[] = [
  { options: { paymentTiming: PATIENT, gatewayTimeoutMs: 1_500 }, paths: combined },
  { options: { paymentTiming: SHORT, gatewayTimeoutMs: 700 }, paths: polled },
  {
    // The API's clock is behind, so that a window of one minute ends after two seconds.
    options: { apiClock: () => Date.now() - 60_000 + WINDOW_MS, paymentTiming: SHORT, gatewayTimeoutMs: 700 },
    paths: expiring,
  },
];
