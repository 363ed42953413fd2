import assert from 'node:assert/strict';
import { type GatewayTruth, violations } from '../../dev/crashes/invariants.ts';
import {
  ANSWER_FAULTS,
  type AnswerFault,
  APPLICATION_FAULTS,
  NOTIFICATION_FAULTS,
  type NotificationFault,
  OUTCOME_FAULTS,
  RACES,
} from '../../simulator/faults/fault.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';

/** One payment and what the gateway does to it; the payment plays beside all others. */
interface Scenario {
  /** Where the fault happens and what it is. */
  operation: string;
  rule: { kind: string; processed?: boolean; code?: string; times?: number | null; delay_ms?: number };
  play: 'pay' | 'pay unnoticed' | 'close' | 'refund' | 'refund unnoticed';
  /** How the payment may end. */
  ends: readonly string[];
}

const keys = <Table extends object>(table: Table) => Object.keys(table) as (keyof Table & string)[];

/** Every kind of a spoilt answer, with and without effect where both exist. */
function spoiltAnswers(): Scenario['rule'][] {
  return keys(ANSWER_FAULTS).flatMap((kind): Scenario['rule'][] => {
    // Longer than the client waits.
    const rule = { kind, delay_ms: 900 };
    if (kind === 'refused') return ['SYSTEM_ERROR', 'BANK_ERROR'].map((code) => ({ ...rule, code }));
    return TWO_WAYS.includes(kind) ? [rule, { ...rule, processed: true }] : [rule];
  });
}
const TWO_WAYS: readonly AnswerFault[] = [
  'error_500',
  'error_502_html',
  'error_503_html',
  'accepted_202',
  'rate_limited_429',
];

const REFUNDED = ['REFUNDED'];
const answers = spoiltAnswers();
const notifications = keys(NOTIFICATION_FAULTS);
/** A lost notification is lost for good: whatever follows is found out by asking. */
const noticed = (kind: NotificationFault): Scenario['rule'] => ({
  kind,
  delay_ms: 700,
  ...(kind === 'drop' && { times: null }),
});

const SCENARIOS: readonly Scenario[] = [
  ...answers.map((rule): Scenario => ({ operation: 'native.create', rule, play: 'pay', ends: ['PAID'] })),
  ...['RULE_LIMIT', 'TRADE_ERROR', 'ACCOUNT_ERROR', 'INVALID_REQUEST'].map(
    (code): Scenario => ({
      operation: 'native.create',
      // Also when it is asked again: on a busy machine the first answer may come too late.
      rule: { kind: 'refused', code, times: null },
      play: 'pay',
      ends: ['FAILED'],
    }),
  ),
  ...answers.map(
    (rule): Scenario => ({ operation: 'order.query', rule, play: 'pay unnoticed', ends: ['PAID'] }),
  ),
  ...answers.map((rule): Scenario => ({ operation: 'order.close', rule, play: 'close', ends: ['CLOSED'] })),
  ...keys(RACES).map(
    (kind): Scenario => ({
      operation: 'order.query',
      rule: { kind },
      play: kind === 'notpay_lag' ? 'pay unnoticed' : 'close',
      ends: ['PAID'],
    }),
  ),
  ...(['pay_before', 'pay_after'] as const).map(
    (kind): Scenario => ({ operation: 'order.close', rule: { kind }, play: 'close', ends: ['PAID'] }),
  ),
  ...answers.map((rule): Scenario => ({ operation: 'refund.create', rule, play: 'refund', ends: REFUNDED })),
  ...answers.map(
    (rule): Scenario => ({ operation: 'refund.query', rule, play: 'refund unnoticed', ends: REFUNDED }),
  ),
  ...notifications.map(
    (kind): Scenario => ({ operation: 'notification', rule: noticed(kind), play: 'pay', ends: ['PAID'] }),
  ),
  ...notifications.map(
    (kind): Scenario => ({ operation: 'notification', rule: noticed(kind), play: 'refund', ends: REFUNDED }),
  ),
  { operation: 'refund', rule: { kind: 'stuck', delay_ms: 1_500 }, play: 'refund', ends: REFUNDED },
  { operation: 'refund', rule: { kind: 'closed' }, play: 'refund', ends: ['PAID'] },
];

/** Scenarios that play side by side: more would wait for the machine instead of for the gateway. */
const AT_ONCE = 24;

/** Elsewhere: they wait for a person. */
const NOT_HERE = ['not_enough', 'abnormal'];

describe('every fault of the gateway', function () {
  this.timeout(240_000);
  const description = 'every fault';
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 300, pollGapsMs: [300, 500] },
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [300, 500] },
      gatewayTimeoutMs: 700,
    });
  });
  after(() => paysaga.stop());

  async function play(scenario: Scenario, index: number): Promise<Answer['body']> {
    const out_trade_no = `FAULT${index}`;
    const arrange = (rule: object) => paysaga.control('POST', '/faults', { out_trade_no, ...rule });
    const arranged = await arrange({ operation: scenario.operation, ...scenario.rule });
    assert.equal(arranged.status, 200, JSON.stringify([scenario, arranged.body]));
    if (scenario.play.endsWith('unnoticed'))
      await arrange({ operation: 'notification', kind: 'drop', times: null });
    const created = await paysaga.createPayment({ out_trade_no, description });
    const id = created.body.id ?? created.body.payment_id;
    const path = `/v1/payments/${id}`;
    const open = await paysaga.until(path, 'PENDING', 'FAILED', 'PAID');
    if (open.status === 'FAILED') return open;
    if (scenario.play === 'close') {
      await paysaga.call('POST', `${path}/close`, {});
      return await paysaga.until(path, 'CLOSED', 'PAID');
    }
    await paysaga.control('POST', `/orders/${out_trade_no}/pay`, {});
    const paid = await paysaga.until(path, 'PAID');
    if (!scenario.play.startsWith('refund')) return paid;
    const refund = await paysaga.call('POST', `${path}/refunds`, {});
    await paysaga.until(`/v1/refunds/${refund.body.id ?? refund.body.refund_id}`, 'SUCCEEDED', 'FAILED');
    return (await paysaga.call('GET', path)).body;
  }

  it('ends where the gateway says, once, whichever of its steps is spoilt', async function () {
    // Refunds that follow failing ones wait for their turn.
    this.timeout(240_000);
    const ended: { scenario: Scenario; payment: Answer['body'] }[] = [];
    const waiting = [...SCENARIOS.entries()];
    const playNext = async (): Promise<void> => {
      for (let next = waiting.shift(); next; next = waiting.shift()) {
        const [index, scenario] = next;
        const payment = await play(scenario, index).catch((error: Error) => ({ status: error.message }));
        ended.push({ scenario, payment });
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, playNext));
    const wrong = ended.filter(({ scenario, payment }) => !scenario.ends.includes(payment.status));
    assert.deepEqual(
      wrong.map(({ scenario: { ends, ...is }, payment }) => ({ ...is, ends, is: payment.status })),
      [],
    );
    const { orders } = (await paysaga.control('GET', '/orders?limit=10000')).body as GatewayTruth;
    const { refunds } = (await paysaga.control('GET', '/refunds?limit=10000')).body as GatewayTruth;
    const ids = ended.map(({ payment }) => payment.id);
    assert.deepEqual(await violations(paysaga.pool, { orders, refunds }, { ids, description }), []);
  });

  it('each of them has happened', async () => {
    const { faults } = (await paysaga.control('GET', '/fault-log')).body as {
      faults: { kind: string }[];
    };
    const happened = new Set(faults.map(({ kind }) => kind));
    const all = [ANSWER_FAULTS, RACES, APPLICATION_FAULTS, OUTCOME_FAULTS, NOTIFICATION_FAULTS].flatMap(keys);
    assert.deepEqual(
      all.filter((kind) => !happened.has(kind)),
      NOT_HERE,
    );
  });
});
