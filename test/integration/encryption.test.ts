import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { inspect } from 'node:util';
import { Client } from '@temporalio/client';
import { defaultPayloadConverter } from '@temporalio/common';
import proto from '@temporalio/proto';
import { dataConverter } from '../../codec/data-converter.ts';
import { type CodecKey, encryptingCodec } from '../../codec/payload-codec.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';

const { History } = proto.temporal.api.history.v1;

const newKey = (id: string): CodecKey => ({ id, key: randomBytes(32) });
const OLD = newKey('2026-06');
const NEW = newKey('2026-07');

/** An amount that nothing else contains by chance. */
const AMOUNT = 7_654_321;
const SECRETS = [
  '7654321',
  '76543.21',
  '76,543.21',
  'Golden tea set',
  'weixin://',
  'lin@example.com',
  'changed her mind',
];

describe('with the payload codec on', () => {
  let paysaga: Paysaga;
  /** Sees what Temporal sees. */
  let raw: Client;
  before(async () => {
    paysaga = await startPaysaga({
      // As in the middle of a rotation: the new key is known everywhere and used by nobody yet.
      codecKeys: [OLD, NEW],
      paymentTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      refundTiming: { notifyWaitMs: 300, pollGapsMs: [200, 300] },
      gatewayTimeoutMs: 700,
    });
    raw = new Client({ connection: paysaga.client.connection });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = (rule: object) => paysaga.control('POST', '/faults', rule);
  const pay = (number: string) => paysaga.control('POST', `/orders/${number}/pay`, {});
  const create = async () =>
    (await paysaga.createPayment({ description: 'Golden tea set', amount: { total: AMOUNT } })).body;
  const paymentId = (number: string) => `payment/${paysaga.mchid}/${number}`;

  /** A history as Temporal keeps it, as one string. */
  async function stored(workflowId: string, client = raw): Promise<string> {
    const history = await client.workflow.getHandle(workflowId).fetchHistory();
    return Buffer.from(History.encode(history).finish()).toString('utf8');
  }
  function assertSecret(bytes: string, secrets: string[]): void {
    for (const secret of secrets) assert.ok(!bytes.includes(secret), `Temporal can read ${secret}`);
  }

  it('a payment and its refund go through, and Temporal reads no amount, no description, no reason and no code_url', async () => {
    const { id, out_trade_no: number, code_url } = await create();
    assert.match(code_url, /^weixin:/);
    await pay(number);
    await paysaga.until(`/v1/payments/${id}`, 'PAID');
    const refund = await paysaga.call('POST', `/v1/payments/${id}/refunds`, { reason: 'changed her mind' });
    assert.equal(refund.status, 201, JSON.stringify(refund.body));
    await paysaga.until(`/v1/refunds/${refund.body.id}`, 'SUCCEEDED');
    const refundId = `refund/${paysaga.mchid}/${refund.body.out_refund_no}`;
    for (const workflowId of [paymentId(number), refundId]) {
      const bytes = await stored(workflowId);
      assertSecret(bytes, SECRETS);
      assert.ok(bytes.includes('binary/encrypted'));
      assert.ok(bytes.includes(number), 'what is to be found must be readable');
    }
    assert.deepEqual(await paysaga.client.workflow.getHandle(paymentId(number)).result(), { status: 'PAID' });
    const { staticSummary } = await paysaga.client.workflow.getHandle(paymentId(number)).describe();
    assert.equal(await staticSummary(), `¥76543.21 · ${number} · ${paysaga.mchid}`);
  });

  it('the texts of errors are encrypted: in histories, among pending activities, and in rejected updates', async () => {
    await fault({ operation: 'native.create', kind: 'error_500' });
    await fault({ operation: 'order.query', kind: 'error_500', times: null });
    await fault({ operation: 'notification', kind: 'drop', times: null });
    const { id, out_trade_no: number } = await create();
    const seen = async (client: Client) => {
      const { raw: answer } = await client.workflow.getHandle(paymentId(number)).describe();
      return answer.pendingActivities?.find(({ lastFailure }) => lastFailure)?.lastFailure;
    };
    let failure = await seen(raw);
    for (let turn = 0; turn < 400 && !failure; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      failure = await seen(raw);
    }
    assert.equal(failure?.message, 'Encoded failure');
    assert.equal(failure?.stackTrace, '');
    const text = await decodedMessage(failure);
    assert.match(text, /SYSTEM_ERROR|SYSTEMERROR/, 'the operator’s tools can read it');

    // The first attempt of the order is in the history, as the marker of a local activity.
    const bytes = await stored(paymentId(number));
    assert.ok(bytes.includes('Encoded failure'));
    assertSecret(bytes, ['SYSTEM_ERROR', 'SYSTEMERROR', 'create-prepay-order', ...SECRETS]);

    const handle = paysaga.client.workflow.getHandle(paymentId(number));
    const reasonless = { args: [{ actor: 'lin@example.com', reason: '' }] as [object] };
    await assert.rejects(handle.executeUpdate('close', reasonless), (error: Error) => {
      assert.match(String((error.cause as Error).message), /actor and reason are mandatory/);
      return true;
    });
    await assert.rejects(
      raw.workflow.getHandle(paymentId(number)).executeUpdate('close', reasonless),
      (error: Error) => !inspect(error).includes('mandatory'),
    );

    await paysaga.control('DELETE', '/faults');
    await pay(number);
    await paysaga.until(`/v1/payments/${id}`, 'PAID');
    assertSecret(await stored(paymentId(number)), ['SYSTEM_ERROR', 'SYSTEMERROR', ...SECRETS]);
  });

  it('keys are exchanged while a payment waits', async () => {
    const { id, out_trade_no: number } = await create();
    await paysaga.stopWorker();
    await paysaga.startWorker({ codecKeys: [NEW, OLD] });
    await pay(number);
    await paysaga.until(`/v1/payments/${id}`, 'PAID');
    // Until now the API encrypts with the old key; its own rotation comes later or earlier, as it happens.
    assert.deepEqual(await paysaga.client.workflow.getHandle(paymentId(number)).result(), { status: 'PAID' });
    const bytes = await stored(paymentId(number));
    assert.ok(bytes.includes(OLD.id) && bytes.includes(NEW.id));
    await paysaga.stopWorker();
    await paysaga.startWorker();
  });

  it('a worker without the right key fails no workflow: it says which key is missing, and the payment goes on with it', async () => {
    const { id, out_trade_no: number } = await create();
    await paysaga.stopWorker();
    const stranger = newKey('2025-01');
    await paysaga.startWorker({ codecKeys: [stranger] });
    // The wait for the notification ends, and the worker is asked what to do next.
    const failedTask = async () => {
      const { events } = await raw.workflow.getHandle(paymentId(number)).fetchHistory();
      return events?.find((event) => event.workflowTaskFailedEventAttributes)
        ?.workflowTaskFailedEventAttributes?.failure;
    };
    let failure = await failedTask();
    for (let turn = 0; turn < 400 && !failure; turn += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      failure = await failedTask();
    }
    const missing = /encrypted with the key "2026-06", which this process does not have \(it has 2025-01\)/;
    assert.match(await decodedMessage(failure, [stranger]), missing);
    const client = new Client({ connection: raw.connection, dataConverter: dataConverter([stranger]) });
    const { staticSummary } = await client.workflow.getHandle(paymentId(number)).describe();
    await assert.rejects(staticSummary(), missing, 'a client says the same');

    await paysaga.stopWorker();
    await paysaga.startWorker();
    await pay(number);
    // A task that the server handed to the worker just before it stopped comes up again after ten seconds.
    await paysaga.until(`/v1/payments/${id}`, 'PAID').catch(() => {});
    await paysaga.until(`/v1/payments/${id}`, 'PAID');
  });

  it('a payment from before the codec was switched on goes on, and ends encrypted', async () => {
    const before = await startPaysaga({ worker: false });
    try {
      await before.startWorker();
      const { body } = await before.createPayment({ amount: { total: AMOUNT } });
      await before.stopWorker();
      await before.startWorker({ codecKeys: [OLD] });
      await before.control('POST', `/orders/${body.out_trade_no}/pay`, {});
      await before.until(`/v1/payments/${body.id}`, 'PAID');
      const bytes = await stored(`payment/${before.mchid}/${body.out_trade_no}`);
      assert.ok(bytes.includes('{"kind":"accepted"}') && bytes.includes('binary/encrypted'));
    } finally {
      await before.stop();
    }
  });

  /** What a tool with the keys shows. */
  async function decodedMessage(
    failure: proto.temporal.api.failure.v1.IFailure | null | undefined,
    keys = [OLD, NEW],
  ): Promise<string> {
    const [attributes] = await encryptingCodec(keys).decode([failure?.encodedAttributes ?? {}]);
    return defaultPayloadConverter.fromPayload<{ message: string }>(attributes ?? {}).message;
  }
});
