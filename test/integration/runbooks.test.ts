import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requestCombinedAttention } from '../../database/combined-payments.ts';
import { addOperator } from '../../database/operators.ts';
import { LIFE_CYCLES, runbookOf } from '../../dev/life-cycle.ts';
import type { PaymentTiming } from '../../domain/payment.ts';
import { combinedId, createCombined, payCombined } from '../combined.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { openShell, type Shell, shellBlocks } from '../shell.ts';
import { untilAttention, untilSearchAttribute } from '../watch.ts';

const FOLDER = new URL('../../docs/runbooks/', import.meta.url);
const read = (name: string) => readFile(new URL(name, FOLDER), 'utf8');

describe('the runbooks', () => {
  const wanted = LIFE_CYCLES.flatMap(({ subject, reasons }) =>
    Object.entries(reasons).map(([reason, meaning]) => ({
      name: runbookOf(subject, reason),
      reason,
      meaning,
    })),
  );

  it('have a page for each reason that needs an operator, and no other', async () => {
    const pages = (await readdir(FOLDER)).filter((name) => name !== 'README.md').sort();
    const known = wanted.map(({ name }) => name);
    assert.deepEqual(
      pages.filter((name) => !known.includes(name)),
      [],
      'pages of no reason',
    );
    assert.deepEqual(
      known.filter((name) => !pages.includes(name)),
      [],
      'reasons without a page',
    );
  });

  it('are all in the index', async () => {
    const index = await read('README.md');
    const listed = [...index.matchAll(/^\| \[([a-z-]+)\]\(([a-z-]+)\.md\) \|/gm)];
    for (const [, title, file] of listed) assert.equal(title, file);
    const pages = (await readdir(FOLDER)).filter((name) => name !== 'README.md');
    assert.deepEqual(listed.map(([, name]) => `${name}.md`).sort(), pages.sort());
  });

  it('name their reason, and have commands', async () => {
    for (const { name, reason } of wanted) {
      const page = await read(name).catch(() => undefined);
      if (page === undefined) continue;
      assert.ok(page.startsWith(`# ${reason}: `), `${name}: the heading names the reason`);
      assert.ok(shellBlocks(page).length > 0, `${name} has commands`);
    }
  });
});

/** Each page is followed to the letter by somebody with a payment that is stuck for its reason. */
describe('the commands of the runbooks', function () {
  this.timeout(180_000);
  let paysaga: Paysaga;
  let shell: Shell;
  let credentials: string;
  let lin: string;
  let bo: string;
  const timing: Partial<PaymentTiming> = { notifyWaitMs: 200, pollGapsMs: [300] };
  before(async () => {
    credentials = await mkdtemp(join(tmpdir(), 'paysaga-credentials-'));
    paysaga = await startPaysaga({
      paymentTiming: timing,
      refundTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
      gatewayTimeoutMs: 700,
      sagaDeadlineMs: 1_000,
      simulator: { credentialsDir: credentials },
    });
    shell = await openShell(paysaga);
    lin = (await addOperator(paysaga.pool, paysaga.tenantId, 'lin')) ?? '';
    bo = (await addOperator(paysaga.pool, paysaga.tenantId, 'bo')) ?? '';
  });
  after(async () => {
    shell.close();
    await paysaga.stop();
    await rm(credentials, { recursive: true });
  });
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const fault = (rule: object) => paysaga.control('POST', '/faults', { times: null, ...rule });
  const shown = async (path: string) => (await paysaga.call('GET', path)).body;

  /** Follows a page. @param prepare is called with each block before it is run. */
  async function follow(
    name: string,
    variables: NodeJS.ProcessEnv,
    prepare: (block: string) => Promise<void> = async () => {},
  ): Promise<void> {
    const blocks = shellBlocks(await read(name));
    assert.ok(blocks.length > 1, name);
    for (const block of blocks) {
      await prepare(block);
      const { rows } = await paysaga.pool.query(
        'select id from approvals where used_at is null order by requested_at desc limit 1',
      );
      const { code, said } = await shell.run(block, {
        ...variables,
        APPROVAL: rows[0]?.id,
        TENANT: 'demo',
        CREDENTIALS: credentials,
        // Approving takes another person.
        PAYSAGA_OPERATOR_KEY: /paysaga approve/.test(block) ? bo : lin,
      });
      assert.equal(code, 0, `${name}\n${block}\n${said}`);
    }
  }
  async function create() {
    const { body } = await paysaga.createPayment();
    const workflowId = `payment/${paysaga.mchid}/${body.out_trade_no}`;
    return {
      id: body.id as string,
      path: `/v1/payments/${body.id}`,
      workflowId,
      number: body.out_trade_no as string,
    };
  }

  it('payment-close-unresolved', async () => {
    timing.closeWithinMs = 500;
    await fault({ operation: 'order.query', kind: 'error_500' });
    const { id, path, workflowId } = await create();
    await paysaga.call('POST', `${path}/close`, { reason: 'cart emptied' });
    await untilAttention(paysaga, path, 'close_unresolved');
    await untilSearchAttribute(paysaga.client.workflow.getHandle(workflowId), 'Attention', 'needs_operator');
    timing.closeWithinMs = 60_000;
    await follow('payment-close-unresolved.md', { PAYMENT: id, WORKFLOW: workflowId });
    const payment = await paysaga.until(path, 'CLOSED');
    assert.equal(payment.attention, 'none');
  });

  it('payment-credentials-refused', async () => {
    await fault({ operation: 'native.create', kind: 'refused', code: 'NO_AUTH' });
    const { id, path, workflowId, number } = await create();
    await untilAttention(paysaga, path, 'credentials_refused');
    await untilSearchAttribute(paysaga.client.workflow.getHandle(workflowId), 'Attention', 'needs_operator');
    await follow('payment-credentials-refused.md', { PAYMENT: id, WORKFLOW: workflowId }, async (block) => {
      if (!/payment retry/.test(block)) return;
      await paysaga.control('DELETE', '/faults');
      // One more refusal, so that the step surely waits when it is repeated: by now it may have been its turn anyway.
      await fault({ operation: 'native.create', kind: 'refused', code: 'NO_AUTH', times: 1 });
    });
    const payment = await paysaga.until(path, 'PENDING');
    assert.deepEqual([payment.attention, payment.out_trade_no], ['none', number]);
  });

  it('payment-partly-paid', async () => {
    await fault({ operation: 'notification', kind: 'drop' });
    const combined = (await createCombined(paysaga)).body;
    const path = `/v1/combined-payments/${combined.id}`;
    const { orderBook } = paysaga.simulator.gateway;
    const pay = (number: string) => {
      const order = orderBook.find(paysaga.mchid, number);
      assert.ok(order);
      orderBook.pay(order);
    };
    // A gateway that breaks its promise of all or none.
    const [first, second] = combined.sub_payments;
    pay(first.out_trade_no);
    await untilAttention(paysaga, path, 'partly_paid');
    const handle = paysaga.client.workflow.getHandle(combinedId(combined));
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    await follow('payment-partly-paid.md', { PAYMENT: combined.id }, async (block) => {
      if (/recheck/.test(block)) pay(second.out_trade_no);
    });
    assert.equal((await paysaga.until(path, 'PAID')).attention, 'none');
  });

  it('payment-sub-orders-differ', async () => {
    const combined = (await createCombined(paysaga)).body;
    const path = `/v1/combined-payments/${combined.id}`;
    const [, second] = combined.sub_payments;
    const rename = (number: string) =>
      paysaga.pool.query('update payments set out_trade_no = $2 where id = $1', [second.id, number]);
    await rename('SOMEBODYELSES');
    await payCombined(paysaga, combined);
    await untilAttention(paysaga, path, 'sub_orders_differ');
    const handle = paysaga.client.workflow.getHandle(combinedId(combined));
    await untilSearchAttribute(handle, 'Attention', 'needs_operator');
    await follow('payment-sub-orders-differ.md', { PAYMENT: combined.id }, async (block) => {
      if (/recheck/.test(block)) await rename(second.out_trade_no);
      if (!/acknowledge/.test(block)) return;
      // The other way: it has ended, and WeChat Pay tells of one that nobody here knows.
      assert.equal((await paysaga.until(path, 'PAID')).attention, 'none');
      await requestCombinedAttention(paysaga.pool, combined.id, 'sub_orders_differ');
    });
    assert.equal((await shown(path)).attention, 'none');
  });

  it('payment-duplicate-not-refunded', async () => {
    const refused = { operation: 'refund.create', kind: 'refused', code: 'USER_ACCOUNT_ABNORMAL' };
    await fault(refused);
    const paid = async () => {
      const { body } = await paysaga.createPayment({ order_reference: 'HARBOUR-7' });
      await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
      return `/v1/payments/${body.id}`;
    };
    await paysaga.until(await paid(), 'PAID');
    const [path, other] = [await paid(), await paid()];
    for (const one of [path, other]) await untilAttention(paysaga, one, 'duplicate_not_refunded');
    const { id } = await shown(path);
    const { rows } = await paysaga.pool.query('select id from refunds where payment_id = $1', [id]);
    const variables = { PAYMENT: id, REFUND: rows[0].id };
    await follow('payment-duplicate-not-refunded.md', variables, async (block) => {
      if (/refund retry/.test(block)) await paysaga.control('DELETE', '/faults');
      if (!/acknowledge/.test(block)) return;
      assert.equal((await paysaga.until(path, 'REFUNDED')).attention, 'none');
      // The other way: of the other one.
      variables.PAYMENT = (await shown(other)).id;
    });
    assert.equal((await shown(other)).attention, 'none');
  });

  it('refund-credentials-refused', async () => {
    const { id, path, number } = await create();
    await paysaga.control('POST', `/orders/${number}/pay`, {});
    await paysaga.until(path, 'PAID');
    await fault({ operation: 'refund.create', kind: 'refused', code: 'NO_AUTH' });
    const refund = (await paysaga.call('POST', `${path}/refunds`, { amount: { refund: 100 } })).body;
    const workflowId = `refund/${paysaga.mchid}/${refund.out_refund_no}`;
    await untilAttention(paysaga, `/v1/refunds/${refund.id}`, 'credentials_refused');
    await untilSearchAttribute(paysaga.client.workflow.getHandle(workflowId), 'Attention', 'needs_operator');
    await follow(
      'refund-credentials-refused.md',
      { PAYMENT: id, REFUND: refund.id, WORKFLOW: workflowId },
      async (block) => {
        if (/retryStep/.test(block)) await paysaga.control('DELETE', '/faults');
      },
    );
    const done = await paysaga.until(`/v1/refunds/${refund.id}`, 'SUCCEEDED');
    assert.equal(done.attention, 'none');
  });

  it('payment-workflow-ended', async () => {
    const { id, path, workflowId } = await create();
    await paysaga.client.workflow.getHandle(workflowId).terminate('by mistake');
    await paysaga.pool.query('update payments set ensure_at = now() where id = $1', [id]);
    await untilAttention(paysaga, path, 'workflow_ended');
    await follow('payment-workflow-ended.md', { PAYMENT: id, WORKFLOW: workflowId }, async (block) => {
      if (!/payment close/.test(block)) return;
      const restarted = await shown(path);
      assert.deepEqual([restarted.status, restarted.attention], ['PENDING', 'none']);
    });
    const payment = await paysaga.until(path, 'CLOSED');
    assert.equal(payment.attention, 'none');
    const { rows } = await paysaga.pool.query(
      'select action, actor from operator_actions where payment_id = $1 order by at',
      [id],
    );
    assert.deepEqual(rows, [
      { action: 'restart', actor: 'lin' },
      { action: 'close', actor: 'lin' },
    ]);
  });
});
