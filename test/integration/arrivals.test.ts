import assert from 'node:assert/strict';
import { type GatewayTruth, violations } from '../../dev/crashes/invariants.ts';
import { type Paysaga, type PaysagaOptions, startPaysaga } from '../fixture.ts';

/** In which order the news of one deed reaches us. */
interface Way {
  /** The fault of the notification, if any. */
  notification?: { kind: string; times?: null; delay_ms?: number };
  /** Whether the request for the deed is answered only after it was done. */
  answeredLate?: true;
  /** What else asks at the same time. */
  beside?: (paysaga: Paysaga, path: string) => Promise<unknown>;
}

const WAYS: Record<string, Way> = {
  'the notification first': {},
  'the poll first, the notification after the end': { notification: { kind: 'delay', delay_ms: 1_500 } },
  'the poll alone': { notification: { kind: 'drop', times: null } },
  'notification, poll and question at once': {
    notification: { kind: 'duplicate' },
    beside: (paysaga, path) => paysaga.call('POST', `${path}/sync`),
  },
  'the notification before the answer to the request': { answeredLate: true },
  'the notification twice': { notification: { kind: 'duplicate' } },
  'a forged one, then polls': { notification: { kind: 'forge' } },
};

/** The poll waits long where the notification is to be first, and hardly at all elsewhere. */
const PATIENT: PaysagaOptions = {
  paymentTiming: { notifyWaitMs: 60_000 },
  refundTiming: { notifyWaitMs: 60_000 },
};
const HASTY: PaysagaOptions = {
  paymentTiming: { notifyWaitMs: 50, pollGapsMs: [100] },
  refundTiming: { notifyWaitMs: 50, pollGapsMs: [100] },
};

for (const [temper, options] of Object.entries({ patient: PATIENT, hasty: HASTY })) {
  describe(`arrivals, with a ${temper} poll`, function () {
    this.timeout(60_000);
    let paysaga: Paysaga;
    before(async () => {
      paysaga = await startPaysaga({ ...options, simulator: { notifyDelayMs: 5, refundDelayMs: 5 } });
    });
    after(() => paysaga.stop());

    /** Ways that need a poll to end at all, or would wait for a patient one. */
    const ways = Object.entries(WAYS).filter(
      ([, { notification }]) =>
        temper === 'hasty' || !['delay', 'drop', 'forge'].includes(notification?.kind ?? ''),
    );

    let number = 0;
    const begin = async (way: Way, operation: string, event_type: string) => {
      number += 1;
      const names = {
        out_trade_no: `ARRIVE${temper}${number}`,
        description: `arrivals ${temper} ${number}`,
      };
      const { out_trade_no } = names;
      if (way.answeredLate)
        await paysaga.control('POST', '/faults', { operation, kind: 'slow', delay_ms: 400, out_trade_no });
      if (way.notification)
        await paysaga.control('POST', '/faults', {
          operation: 'notification',
          event_type,
          out_trade_no,
          ...way.notification,
        });
      return names;
    };

    const agree = async (id: string, description: string): Promise<void> => {
      const { orders } = (await paysaga.control('GET', '/orders?limit=10000')).body as GatewayTruth;
      const { refunds } = (await paysaga.control('GET', '/refunds?limit=10000')).body as GatewayTruth;
      assert.deepEqual(await violations(paysaga.pool, { orders, refunds }, { ids: [id], description }), []);
    };

    /** Waits until the notification, however late, has reached its workflow, or has found it ended. */
    const delivered = async ({ notification }: Way, subjectId: string): Promise<void> => {
      if (notification?.kind === 'drop' || notification?.kind === 'forge') return;
      for (;;) {
        const { rowCount } = await paysaga.pool.query(
          'select 1 from notifications where subject_id = $1 and delivered_at is not null',
          [subjectId],
        );
        if (rowCount !== 0) return;
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    };

    /** Pays as soon as the gateway has the order, which may be before it has said so. */
    const payAtOnce = async (out_trade_no: string): Promise<void> => {
      for (;;) {
        const { status } = await paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});
        if (status === 200) return;
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    };

    for (const [name, way] of ways) {
      it(`a payment settles once: ${name}`, async () => {
        const names = await begin(way, 'native.create', 'TRANSACTION.SUCCESS');
        const [created] = await Promise.all([paysaga.createPayment(names), payAtOnce(names.out_trade_no)]);
        const path = `/v1/payments/${created.body.id}`;
        await Promise.all([paysaga.until(path, 'PAID'), way.beside?.(paysaga, path)]);
        await delivered(way, created.body.id);
        await agree(created.body.id, names.description);
      });

      it(`a refund settles once: ${name}`, async () => {
        const names = await begin(way, 'refund.create', 'REFUND.SUCCESS');
        const { body } = await paysaga.createPayment(names);
        await paysaga.control('POST', `/orders/${names.out_trade_no}/pay`, {});
        const path = `/v1/payments/${body.id}`;
        await paysaga.until(path, 'PAID');
        const refund = await paysaga.call('POST', `${path}/refunds`, {});
        await paysaga.until(`/v1/refunds/${refund.body.id}`, 'SUCCEEDED');
        await paysaga.until(path, 'REFUNDED');
        await delivered(way, refund.body.id);
        await agree(body.id, names.description);
      });

      it(`a payment that is paid while it is closed is PAID: ${name}`, async () => {
        const names = await begin(way, 'native.create', 'TRANSACTION.SUCCESS');
        const { body } = await paysaga.createPayment(names);
        const { out_trade_no } = names;
        await paysaga.control('POST', '/faults', {
          operation: 'order.close',
          kind: 'pay_before',
          out_trade_no,
        });
        const path = `/v1/payments/${body.id}`;
        const closed = await paysaga.call('POST', `${path}/close`, {});
        assert.equal(closed.status, 409, JSON.stringify(closed.body));
        assert.equal((await paysaga.call('GET', path)).body.status, 'PAID');
        await delivered(way, body.id);
        await agree(body.id, names.description);
      });
    }
  });
}
