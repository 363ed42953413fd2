import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { settleRefund } from '../../activities/settle-refund.ts';
import { listOperatorActions } from '../../database/operator-actions.ts';
import { addOperator } from '../../database/operators.ts';
import { loadRefund, type Refund } from '../../database/refunds.ts';
import type { RefundTiming } from '../../domain/refund.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { fault, finishRefund, mend, paid, refund } from '../replay/path.ts';
import { openShell, type Shell, shellBlocks } from '../shell.ts';
import { untilAttention } from '../watch.ts';

const CARD = { bank_type: 'CMB_DEBIT', bank_account: '6214830123456789', real_name: '李雷' };

/** Each page about refunds is followed to the letter by somebody with a refund that is stuck for its reason. */
describe('the commands of the runbooks about refunds', function () {
  this.timeout(180_000);
  let paysaga: Paysaga;
  let shell: Shell;
  let folder: string;
  const keys: Record<string, string> = {};
  const timing: Partial<RefundTiming> = {};
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'paysaga-card-'));
    await writeFile(join(folder, 'card.json'), JSON.stringify(CARD), { mode: 0o600 });
    paysaga = await startPaysaga({
      refundTiming: timing,
      simulator: { refundDelayMs: Number.POSITIVE_INFINITY },
      gatewayTimeoutMs: 700,
      sagaDeadlineMs: 3_000,
    });
    shell = await openShell(paysaga);
    for (const name of ['lin', 'bo'])
      keys[name] = (await addOperator(paysaga.pool, paysaga.tenantId, name)) ?? '';
  });
  beforeEach(() =>
    Object.assign(timing, { notifyWaitMs: 200, pollGapsMs: [300], gapMs: 0, giveUpMs: 600_000 }),
  );
  after(async () => {
    shell.close();
    await paysaga.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(() => mend(paysaga));

  const shown = async (id: string) => (await paysaga.call('GET', `/v1/refunds/${id}`)).body;
  const loaded = async (id: string): Promise<Refund> => {
    const row = await loadRefund(paysaga.pool, id);
    assert.ok(row);
    return row;
  };
  /** Follows a page. @param prepare is called with each block before it is run. */
  async function follow(
    reason: string,
    { id, workflowId }: { id: string; workflowId: string },
    prepare: (block: string) => Promise<unknown> = async () => {},
  ): Promise<void> {
    await untilAttention(paysaga, `/v1/refunds/${id}`, reason);
    const page = `docs/runbooks/refund-${reason.replaceAll('_', '-')}.md`;
    const blocks = shellBlocks(await readFile(new URL(`../../${page}`, import.meta.url), 'utf8'));
    assert.ok(blocks.length > 1, page);
    for (const block of blocks) {
      await prepare(block);
      const { rows } = await paysaga.pool.query(
        'select id from approvals where used_at is null order by requested_at desc limit 1',
      );
      const { code, said } = await shell.run(block, {
        REFUND: id,
        WORKFLOW: workflowId,
        APPROVAL: rows[0]?.id,
        BANK_CARD: join(folder, 'card.json'),
        // Approving takes another person.
        PAYSAGA_OPERATOR_KEY: /paysaga approve/.test(block) ? keys.bo : keys.lin,
      });
      // What an operator wants asked again may have been asked by then.
      const settled = isRecheck(block) && said.includes('nothing waits');
      assert.equal(code, settled ? 2 : 0, `${page}\n${block}\n${said}`);
      assert.ok(!said.includes(CARD.bank_account), 'no command shows the card');
    }
  }
  const isRecheck = (block: string) => block.includes('refund recheck');
  const started = async () => refund(paysaga, (await paid(paysaga)).id);
  const actions = async (id: string) =>
    (await listOperatorActions(paysaga.pool, (await loaded(id)).paymentId)).map(
      ({ action, actor, approvedBy }) => [action, actor, approvedBy],
    );

  it('submit_unresolved', async () => {
    timing.giveUpMs = 1_500;
    await fault(paysaga, { operation: 'refund.create', kind: 'error_500', times: null });
    const one = await started();
    await follow('submit_unresolved', one, async (block) => isRecheck(block) && (await mend(paysaga)));
    const done = await paysaga.until(`/v1/refunds/${one.id}`, 'PROCESSING');
    assert.deepEqual([done.out_refund_no, done.attention], [one.number, 'none']);
    assert.deepEqual(await actions(one.id), [['recheck', 'lin', null]]);
  });

  it('refund_not_enough', async () => {
    const limit = (limited: boolean) =>
      paysaga.control('PUT', `/merchants/${paysaga.mchid}/balance`, { limited, AVAILABLE: 0, UNSETTLED: 0 });
    const payment = await paid(paysaga);
    await limit(true);
    const one = await refund(paysaga, payment.id);
    await follow('refund_not_enough', one, async (block) => isRecheck(block) && (await limit(false)));
    assert.equal((await paysaga.until(`/v1/refunds/${one.id}`, 'PROCESSING')).attention, 'none');
  });

  it('refund_unresolved', async () => {
    timing.giveUpMs = 1_500;
    const one = await started();
    await follow('refund_unresolved', one, async (block) => {
      if (!isRecheck(block)) return;
      await fault(paysaga, { operation: 'notification', kind: 'drop', times: null });
      await finishRefund(paysaga, one.number, 'SUCCESS');
    });
    assert.equal((await paysaga.until(`/v1/refunds/${one.id}`, 'SUCCEEDED')).attention, 'none');
  });

  it('refund_abnormal', async () => {
    const one = await started();
    await finishRefund(paysaga, one.number, 'ABNORMAL');
    const choices: string[] = [];
    await follow('refund_abnormal', one, async (block) => {
      const choice = /--choice (\w+)/.exec(block)?.[1];
      if (!choice) return;
      choices.push(choice);
      // What the choice before has led to has gone wrong again.
      if ((await shown(one.id)).status !== 'ABNORMAL') await finishRefund(paysaga, one.number, 'ABNORMAL');
      await paysaga.until(`/v1/refunds/${one.id}`, 'ABNORMAL');
    });
    assert.deepEqual(choices, ['USER_BANK_CARD', 'MERCHANT_BANK_CARD', 'WAIT', 'OFFLINE']);
    const done = await paysaga.until(`/v1/refunds/${one.id}`, 'SUCCEEDED');
    assert.equal(done.settled_offline, true);
    assert.deepEqual(await actions(one.id), [
      ['resolve_refund', 'lin', null],
      ['resolve_refund', 'lin', null],
      ['resolve_refund', 'lin', null],
      ['settle_refund_offline', 'lin', 'bo'],
    ]);
  });

  it('amount_differs', async () => {
    const one = await started();
    await paysaga.pool.query('update refunds set amount = 999 where id = $1', [one.id]);
    await follow(
      'amount_differs',
      one,
      async (block) =>
        isRecheck(block) &&
        (await paysaga.pool.query('update refunds set amount = 1000 where id = $1', [one.id])),
    );
    await untilAttention(paysaga, `/v1/refunds/${one.id}`, null);
    assert.equal((await shown(one.id)).status, 'PROCESSING');
  });

  it('unknown_refund_status', async () => {
    // The poll would see the known status at once.
    timing.notifyWaitMs = 600_000;
    const one = await started();
    const { outRefundNo, refundId, amount } = await loaded(one.id);
    const word = { outRefundNo, refundId: String(refundId), amount, status: 'PAUSED' as 'PROCESSING' };
    await settleRefund(paysaga.pool, await loaded(one.id), word);
    await follow('unknown_refund_status', one);
    await untilAttention(paysaga, `/v1/refunds/${one.id}`, null);
  });

  it('gateway_contradicts', async () => {
    const one = await started();
    await finishRefund(paysaga, one.number, 'CLOSED');
    await paysaga.until(`/v1/refunds/${one.id}`, 'FAILED');
    const { outRefundNo, refundId, amount } = await loaded(one.id);
    const word = { outRefundNo, refundId: String(refundId), amount, status: 'SUCCESS' } as const;
    const contradict = async () => settleRefund(paysaga.pool, await loaded(one.id), word);
    await contradict();
    await follow('gateway_contradicts', one, async (block) => {
      if (!block.includes('--choice ACCEPT')) return;
      await untilAttention(paysaga, `/v1/refunds/${one.id}`, null);
      await contradict();
    });
    const done = await shown(one.id);
    assert.deepEqual([done.status, done.attention], ['FAILED', 'none']);
    assert.deepEqual((await actions(one.id)).at(-1), ['accept_contradiction', 'lin', 'bo']);
  });

  it('workflow_ended', async () => {
    const one = await started();
    await paysaga.client.workflow.getHandle(one.workflowId).terminate('by mistake');
    await paysaga.pool.query('update refunds set ensure_at = now() where id = $1', [one.id]);
    await follow('workflow_ended', one);
    await untilAttention(paysaga, `/v1/refunds/${one.id}`, null);
    await finishRefund(paysaga, one.number, 'SUCCESS');
    await paysaga.until(`/v1/refunds/${one.id}`, 'SUCCEEDED');
  });

  it('a refund that failed is retried by an operator, and shown with its attempts', async () => {
    const one = await started();
    await finishRefund(paysaga, one.number, 'CLOSED');
    await paysaga.until(`/v1/refunds/${one.id}`, 'FAILED');
    const env = { REFUND: one.id, PAYSAGA_OPERATOR_KEY: keys.lin };
    const retried = await shell.run('paysaga refund retry "$REFUND" --reason "customer asked again"', env);
    assert.equal(retried.code, 0, retried.said);
    assert.match(retried.said, /is PROCESSING, as R\w+/);
    const seen = await shell.run('paysaga refund show "$REFUND"', env);
    assert.match(seen.said, new RegExp(`1 {2}${one.number} .* FAILED`));
    assert.match(seen.said, /Waiting until the customer has the money/);
    assert.deepEqual(await actions(one.id), [['retry_refund', 'lin', null]]);
    const again = await shell.run('paysaga refund retry "$REFUND" --reason "twice"', env);
    assert.deepEqual([again.code, /only a refund that failed/.test(again.said)], [1, true]);
  });
});
