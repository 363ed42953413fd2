import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requestAttention } from '../../database/payment-changes.ts';
import { createCombined } from '../combined.ts';
import { runPaysaga } from '../command.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { untilAttention } from '../watch.ts';

/** What operators do from a shell. */
describe('paysaga for operators', function () {
  this.timeout(120_000);
  let paysaga: Paysaga;
  let folder: string;
  const keys: Record<string, string> = {};
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'paysaga-operators-'));
    paysaga = await startPaysaga({ paymentTiming: { notifyWaitMs: 600_000 }, gatewayTimeoutMs: 700 });
    for (const name of ['ana', 'bo']) {
      const { code, said, stdout } = await runPaysaga(paysaga, ['operator', 'add', name, '--tenant', 'demo']);
      assert.equal(code, 0, said);
      assert.match(stdout, /^opk_[\w-]{43}\n$/);
      assert.match(said, new RegExp(`the key of ${name}, shown this once`));
      keys[name] = stdout.trim();
    }
  });
  after(async () => {
    await paysaga.stop();
    await rm(folder, { recursive: true });
  });
  afterEach(() => paysaga.control('DELETE', '/faults'));

  const as = (name: string, ...words: string[]) =>
    runPaysaga(paysaga, words, { env: { PAYSAGA_OPERATOR_KEY: keys[name] } });
  const anonymous = (...words: string[]) =>
    runPaysaga(paysaga, words, { env: { PAYSAGA_OPERATOR_KEY: undefined } });
  const fault = (rule: object) => paysaga.control('POST', '/faults', rule);
  const create = async () => (await paysaga.createPayment()).body;

  it('lists operators, and takes a key away', async () => {
    assert.equal((await as('ana', 'operator', 'add', 'cy', '--tenant', 'demo')).code, 0);
    const unknown = await as('ana', 'operator', 'add', 'cy', '--tenant', 'acme');
    assert.deepEqual(
      [unknown.code, /there is no tenant acme; there are: demo/.test(unknown.said)],
      [1, true],
    );
    const twice = await as('ana', 'operator', 'add', 'cy', '--tenant', 'demo');
    assert.equal(twice.code, 1);
    assert.match(twice.said, /has a key already/);
    assert.match((await as('ana', 'operator', 'revoke', 'cy', '--tenant', 'demo')).said, /^revoked cy$/m);
    const list = await as('ana', 'operator', 'list', '--tenant', 'demo', '--json');
    const operators = JSON.parse(list.stdout) as { name: string; revoked_at: string | null }[];
    assert.deepEqual(
      operators.map(({ name, revoked_at }) => [name, revoked_at === null]),
      [
        ['ana', true],
        ['bo', true],
        ['cy', false],
      ],
    );
    assert.match(
      (await as('ana', 'operator', 'list', '--tenant', 'nobody')).said,
      /there is no tenant nobody/,
    );
    assert.ok(!list.stdout.includes('hash') && !list.stdout.includes('opk_'));
  });

  it('shows a payment: what it waits for, what happened', async () => {
    const payment = await create();
    const { code, said } = await anonymous('payment', 'show', payment.out_trade_no);
    assert.equal(code, 0, said);
    assert.match(said, new RegExp(`^${payment.id}  ¥25.90  PENDING  NATIVE$`, 'm'));
    assert.match(said, /Waiting for the customer to pay the Native order/);
    assert.match(said, /payment\.pending/);
    const json = JSON.parse((await anonymous('payment', 'show', payment.id, '--json')).stdout);
    assert.equal(json.id, payment.id);
    assert.equal(json.workflow_id, `payment/${paysaga.mchid}/${payment.out_trade_no}`);
    assert.deepEqual(
      json.events.map(({ type }: { type: string }) => type),
      ['payment.created', 'payment.pending'],
    );
    const none = await anonymous('payment', 'show', 'pay_none');
    assert.deepEqual([none.code, none.said.trim()], [1, 'paysaga: there is no payment pay_none']);
  });

  it('lists payments a page at a time, and those that need an operator', async () => {
    const payment = await create();
    await paysaga.pool.query('update payments set amount = amount + 1 where id = $1', [payment.id]);
    await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
    await untilAttention(paysaga, `/v1/payments/${payment.id}`, 'amount_differs');
    await create();
    const stuck = await anonymous('payment', 'list', '--attention');
    assert.match(stuck.stdout, new RegExp(`^${payment.id} .*amount_differs$`, 'm'));
    assert.equal(stuck.stdout.trim().split('\n').length, 1);
    const seen: string[] = [];
    for (let more = true; more; ) {
      const cursor = seen.length > 0 ? ['--starting-after', String(seen.at(-1))] : [];
      const page = JSON.parse(
        (await anonymous('payment', 'list', '--limit', '2', '--json', ...cursor)).stdout,
      );
      seen.push(...page.data.map(({ id }: { id: string }) => id));
      more = page.has_more;
    }
    const { rows } = await paysaga.pool.query('select id from payments order by created_at desc, id desc');
    assert.deepEqual(
      seen,
      rows.map(({ id }) => id),
    );
    const none = await anonymous('payment', 'list', '--status', 'REFUNDED');
    assert.deepEqual([none.code, none.stdout], [0, 'no such payment\n']);
    const first = await anonymous('payment', 'list', '--limit', '1');
    assert.match(first.said, new RegExp(`repeat with --starting-after ${seen[0]}`));
    assert.equal((await anonymous('payment', 'list', '--limit', '0')).code, 1);
  });

  it('acts for who has a key, and for nobody else', async () => {
    const payment = await create();
    const close = ['payment', 'close', payment.id, '--reason', 'cart emptied'];
    const nobody = await anonymous(...close);
    assert.equal(nobody.code, 1);
    assert.match(nobody.said, /PAYSAGA_OPERATOR_KEY/);
    const forged = await runPaysaga(paysaga, close, { env: { PAYSAGA_OPERATOR_KEY: 'opk_forged' } });
    assert.match(forged.said, /nobody’s/);
    assert.match((await as('ana', 'payment', 'close', payment.id)).said, /--reason/);
    const file = join(folder, 'key');
    await writeFile(file, `${keys.ana}\n`);
    const closed = await anonymous(...close, '--operator-key-file', file);
    assert.deepEqual([closed.code, closed.stdout], [0, 'the payment is CLOSED\n'], closed.said);
    const again = await as('ana', ...close);
    assert.equal(again.code, 1);
    assert.match(again.said, /has ended/);
    const acknowledge = ['payment', 'acknowledge', payment.id, '--reason', 'seen to'];
    const nothing = await as('ana', ...acknowledge);
    assert.deepEqual([nothing.code, nothing.said], [2, 'nothing was changed: nothing of it needs anybody\n']);
    await requestAttention(paysaga.pool, payment.id, 'mchid_differs');
    const seen = await as('ana', ...acknowledge, '--json');
    assert.deepEqual(JSON.parse(seen.stdout), { kind: 'acknowledged', reason: 'mchid_differs' });
    const shown = await anonymous('payment', 'show', payment.id);
    assert.match(shown.said, /acknowledge by ana: seen to -> mchid_differs/);
    assert.match(shown.said, /close by ana: cart emptied -> CLOSED/);
  });

  it('asks WeChat Pay at once, and repeats what waits', async () => {
    await fault({ operation: 'notification', kind: 'drop', times: null });
    const payment = await create();
    const reason = ['--reason', 'customer called'];
    const unpaid = await as('ana', 'payment', 'sync', payment.id, ...reason);
    assert.deepEqual([unpaid.code, unpaid.stdout], [2, 'WeChat Pay knows of no money (yet)\n']);
    const nothing = await as('ana', 'payment', 'retry', payment.id, ...reason);
    assert.deepEqual([nothing.code, nothing.stdout], [2, 'no step waits for its next attempt\n']);
    const early = await as('ana', 'payment', 'recheck', payment.id, ...reason);
    assert.equal(early.code, 1);
    assert.match(early.said, /refused: the payment does not wait for an operator/);
    await paysaga.control('POST', `/orders/${payment.out_trade_no}/pay`, {});
    const paid = await as('ana', 'payment', 'sync', payment.id, ...reason, '--json');
    assert.deepEqual(JSON.parse(paid.stdout), { kind: 'final', status: 'PAID' });
    const over = await as('ana', 'payment', 'recheck', payment.id, ...reason);
    assert.equal(over.code, 1);
    assert.match(over.said, /has ended, so it takes no updates; it was PAID when this was asked/);
  });

  it('takes a combined payment as one, and begins no workflow for a part of it', async () => {
    const combined = (await createCombined(paysaga)).body;
    const [part] = combined.sub_payments;
    const close = (name: string) => as('ana', 'payment', 'close', name, '--reason', 'cart emptied');
    const refused = await close(part.id);
    assert.deepEqual([refused.code, refused.said.includes(`name ${combined.id}`)], [1, true], refused.said);
    await paysaga.pool.query(
      `update combined_payments set attention = 'needs_operator', attention_reason = 'close_unresolved' where id = $1`,
      [combined.id],
    );
    const listed = await anonymous('payment', 'list', '--attention');
    assert.match(listed.stdout, new RegExp(`^${combined.id} .*close_unresolved$`, 'm'));
    const closed = await close(combined.id);
    assert.deepEqual([closed.code, closed.stdout], [0, 'the payment is CLOSED\n'], closed.said);
    const shown = await anonymous('payment', 'show', combined.id);
    assert.match(shown.stdout, /close by ana: cart emptied -> CLOSED/);
    assert.match(shown.stdout, new RegExp(`sub-order +${part.id} .*CLOSED`));
    const own = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${part.out_trade_no}`);
    await assert.rejects(own.describe(), /not found/, 'a part has no workflow');
  });

  it('resolves what WeChat Pay says nothing about when two have agreed; their keys are in no history', async () => {
    await fault({ operation: 'order.query', kind: 'error_500', times: null });
    const payment = await create();
    const resolve = ['payment', 'resolve', payment.id, '--as', 'paid', '--reason', 'on the bank statement'];
    const alone = await as('ana', ...resolve);
    assert.equal(alone.code, 2);
    assert.match(alone.said, /nothing was changed\. WeChat Pay: it cannot say: SYSTEM_ERROR/);
    const vague = await as('ana', ...resolve, '--request-approval');
    assert.match(vague.said, /--transaction-id and --amount/);
    const claim = ['--transaction-id', '4200000000202603010000000001', '--amount', '2600'];
    const asked = await as('ana', ...resolve, '--request-approval', ...claim);
    assert.equal(asked.code, 0, asked.said);
    const id = /apr_[0-9a-f]{32}/.exec(asked.stdout)?.[0] ?? '';
    const open = await as('bo', 'approvals');
    assert.match(open.stdout, new RegExp(`^${id}  resolve_as_paid ${payment.id} .*2600`, 'm'));
    assert.match(open.stdout, /ana: on the bank statement/);
    const herself = await as('ana', 'approve', id);
    assert.deepEqual([herself.code, /another operator/.test(herself.said)], [1, true]);
    assert.equal((await paysaga.call('GET', `/v1/payments/${payment.id}`)).body.status, 'PENDING');

    const approved = await as('bo', 'approve', id);
    assert.deepEqual([approved.code, approved.stdout], [0, 'the payment is PAID\n'], approved.said);
    const shown = JSON.parse((await anonymous('payment', 'show', payment.id, '--json')).stdout);
    assert.equal(shown.transaction_id, '4200000000202603010000000001');
    const told = await anonymous('payment', 'show', payment.id);
    assert.match(told.said, /^ +arrived +¥26\.00$/m, 'which is not its amount');
    assert.deepEqual(
      shown.operator_actions.map(({ action, actor, approved_by, result }: Record<string, string>) => [
        action,
        actor,
        approved_by,
        result,
      ]),
      [
        ['resolve_as_paid', 'ana', null, 'unchanged'],
        ['resolve_as_paid', 'ana', null, 'unchanged'],
        ['resolve_as_paid', 'ana', 'bo', 'PAID'],
      ],
    );
    assert.match((await as('bo', 'approve', id)).said, /carried out already/);
    assert.equal((await as('bo', 'approvals')).stdout, 'nothing waits for a second person\n');

    const handle = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${payment.out_trade_no}`);
    const history = await handle.fetchHistory();
    const text = JSON.stringify(history, (name, value) =>
      name === 'data' && typeof value === 'string' ? Buffer.from(value, 'base64').toString() : value,
    );
    assert.ok(text.includes('on the bank statement'), 'why is in the history');
    for (const key of Object.values(keys)) assert.ok(!text.includes(key.slice(4)), 'keys are not');
  });
});
