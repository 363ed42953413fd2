import assert from 'node:assert/strict';
import type { WorkflowHandle } from '@temporalio/client';
import type { PaymentTiming } from '../../domain/payment.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { currentDetails, untilAttention } from '../watch.ts';

const TIME = String.raw`\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z`;

/** What somebody reads in the Temporal UI: one paragraph, what is being waited for and until when. */
describe('the current details of a payment', () => {
  let paysaga: Paysaga;
  // Changed by each test before it creates its payment.
  const timing: PaymentTiming = { notifyWaitMs: 600_000, pollGapsMs: [100], closeWithinMs: 60_000 };
  before(async () => {
    paysaga = await startPaysaga({ paymentTiming: timing, gatewayTimeoutMs: 700, sagaDeadlineMs: 1_000 });
  });
  after(() => paysaga.stop());
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = (rule: object) => paysaga.control('POST', '/faults', { times: null, ...rule });
  const handleOf = (number: string) =>
    paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${number}`);
  async function create(change: Partial<PaymentTiming> = {}) {
    Object.assign(timing, { notifyWaitMs: 600_000, closeWithinMs: 60_000 }, change);
    const { body } = await paysaga.createPayment();
    return {
      id: body.id as string,
      number: body.out_trade_no as string,
      handle: handleOf(body.out_trade_no),
    };
  }
  /** Waits until they say so. */
  async function say(handle: WorkflowHandle, words: RegExp): Promise<void> {
    let said = '';
    for (let turn = 0; turn < 400; turn += 1) {
      said = await currentDetails(handle);
      if (words.test(said)) return assert.ok(!said.includes('\n'), 'one paragraph');
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    assert.match(said, words);
  }

  it('while the order is not answered', async () => {
    await fault({ operation: 'native.create', kind: 'error_500' });
    const { handle } = await create();
    await say(handle, new RegExp(`^Waiting for WeChat Pay's answer to the Native order.* until ${TIME}\\.$`));
    await handle.cancel();
  });

  it('while the notification is waited for', async () => {
    const { handle } = await create();
    await say(
      handle,
      new RegExp(`^Waiting for the customer to pay .* notification tells, until ${TIME}\\.$`),
    );
  });

  it('while it is asked now and then', async () => {
    const { handle } = await create({ notifyWaitMs: 50 });
    await say(
      handle,
      new RegExp(`^Waiting for the customer to pay .* asked now and then, until ${TIME}\\. Then `),
    );
  });

  it('while it is being closed', async () => {
    await fault({ operation: 'order.query', kind: 'error_500' });
    const { id, handle } = await create();
    await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'cart emptied' });
    await say(
      handle,
      new RegExp(
        `^Closing the order at the request of key_\\w+ \\(cart emptied\\): waiting until .* until ${TIME}; then an operator is asked\\.$`,
      ),
    );
  });

  it('while an operator is needed', async () => {
    await fault({ operation: 'order.query', kind: 'error_500' });
    const { id, handle } = await create({ closeWithinMs: 300 });
    await paysaga.call('POST', `/v1/payments/${id}/close`, { reason: 'cart emptied' });
    await untilAttention(paysaga, `/v1/payments/${id}`, 'close_unresolved');
    await say(
      handle,
      /^Needs an operator: .* \(close_unresolved\)\. Waits for one of the updates `recheck`.* without an end.*docs\/runbooks\/payment-close-unresolved\.md/,
    );
  });

  it('when it has ended', async () => {
    const paid = await create();
    await paysaga.control('POST', `/orders/${paid.number}/pay`, {});
    await paid.handle.result();
    await say(paid.handle, /^Paid\.$/);
    const closed = await create();
    await paysaga.call('POST', `/v1/payments/${closed.id}/close`);
    await say(closed.handle, /^Closed unpaid; WeChat Pay confirmed it\.$/);
    await fault({ operation: 'native.create', kind: 'refused', code: 'RULE_LIMIT' });
    await paysaga.createPayment({ out_trade_no: 'REFUSED1' });
    await say(handleOf('REFUSED1'), /^WeChat Pay refused the order\.$/);
  });
});
