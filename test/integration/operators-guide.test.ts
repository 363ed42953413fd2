import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { upsertTenant } from '../../database/merchants.ts';
import { addOperator } from '../../database/operators.ts';
import { createCombined } from '../combined.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { openShell, type Shell, shellBlocks } from '../shell.ts';
import { untilAttention, untilSearchAttribute } from '../watch.ts';

const GUIDE = readFileSync(new URL('../../docs/operators.md', import.meta.url), 'utf8');

/** docs/operators.md is true. */
describe('the operators’ guide', function () {
  this.timeout(180_000);
  let paysaga: Paysaga;
  let shell: Shell;
  let payment: { id: string; out_trade_no: string };
  let workflowId: string;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 600_000, closeWithinMs: 300 },
      gatewayTimeoutMs: 700,
      sagaDeadlineMs: 1_000,
    });
    shell = await openShell(paysaga);
    await upsertTenant(paysaga.pool, 'acme');
    payment = (await paysaga.createPayment()).body;
    workflowId = `payment/${paysaga.mchid}/${payment.out_trade_no}`;
    await paysaga.control('POST', '/faults', { operation: 'order.query', kind: 'error_500', times: null });
    await paysaga.call('POST', `/v1/payments/${payment.id}/close`, { reason: 'cart emptied' });
    await untilAttention(paysaga, `/v1/payments/${payment.id}`, 'close_unresolved');
    await untilSearchAttribute(paysaga.client.workflow.getHandle(workflowId), 'Attention', 'needs_operator');
  });
  after(async () => {
    shell.close();
    await paysaga.stop();
  });

  describe('has queries that find what they say', () => {
    const queries = [...GUIDE.matchAll(/temporal workflow list --query "(.+)"$/gm)].map(
      ([, query]) => query as string,
    );
    /** Ids that the query finds, with the guide's variables filled in; once the list has caught up. */
    async function found(query: string, hoped: string[]): Promise<string[]> {
      const text = query
        .replaceAll('$MERCHANT', paysaga.merchantId)
        .replaceAll('$ORDER', payment.out_trade_no)
        .replaceAll('$PAYMENT', payment.id)
        .replaceAll('-3 hours', '+1 hour')
        .replaceAll(/\$\(date -u -d '([+-]\d+) hours?' \+%FT%TZ\)/g, (_all, hours) =>
          new Date(Date.now() + Number(hours) * 3_600_000).toISOString(),
        );
      assert.ok(!text.includes('$'), text);
      for (let turn = 0; ; turn += 1) {
        const ids: string[] = [];
        for await (const { workflowId: id } of paysaga.client.workflow.list({ query: text })) ids.push(id);
        if (turn === 200 || hoped.every((id) => ids.includes(id))) return ids;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
    const query = (part: string): string => {
      const [one, ...others] = queries.filter((candidate) => candidate.includes(part));
      assert.ok(one !== undefined && others.length === 0, `one query about ${part}`);
      return one;
    };

    it('what needs a person', async () => {
      assert.ok((await found(query('Attention'), [workflowId])).includes(workflowId));
    });
    it('what is older than it should be', async () => {
      // Nothing here is three hours old, so the question is put an hour ahead.
      assert.ok((await found(query('StartTime'), [workflowId])).includes(workflowId));
    });
    it('the open payments of a merchant', async () => {
      assert.deepEqual(await found(query('$MERCHANT'), [workflowId]), [workflowId]);
    });
    it('an order, and a payment, each with its refunds', async () => {
      await paysaga.control('DELETE', '/faults');
      const { body } = await paysaga.createPayment();
      await paysaga.control('POST', `/orders/${body.out_trade_no}/pay`, {});
      await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
      await paysaga.control('POST', '/faults', {
        operation: 'refund.create',
        kind: 'error_500',
        times: null,
      });
      const refund = (await paysaga.call('POST', `/v1/payments/${body.id}/refunds`)).body;
      const both = [
        `payment/${paysaga.mchid}/${body.out_trade_no}`,
        `refund/${paysaga.mchid}/${refund.out_refund_no}`,
      ];
      const stuck = payment;
      payment = body;
      try {
        assert.deepEqual((await found(query('OutTradeNo'), both)).sort(), both);
        assert.deepEqual((await found(query('PaymentId'), both)).sort(), both);
        assert.ok((await found(query('RefundStatus'), both.slice(1))).includes(String(both[1])));
      } finally {
        payment = stuck;
      }
      await paysaga.control('DELETE', '/faults');
      await paysaga.control('POST', '/faults', { operation: 'order.query', kind: 'error_500', times: null });
    });
    it('workflow tasks that fail: none', async () => {
      assert.deepEqual(await found(query('TemporalReportedProblems'), []), []);
    });
  });

  describe('beside them', () => {
    it('has commands that run as they stand', async () => {
      const lin = (await addOperator(paysaga.pool, paysaga.tenantId, 'lin')) ?? '';
      const bo = (await addOperator(paysaga.pool, paysaga.tenantId, 'bo')) ?? '';
      const blocks = shellBlocks(GUIDE);
      assert.equal(blocks.length, 6);
      const combined = (await createCombined(paysaga)).body;
      const [first, second] = combined.sub_payments;
      for (const block of blocks) {
        const { rows } = await paysaga.pool.query('select id from approvals where used_at is null');
        const { code, said } = await shell.run(block, {
          PAYMENT: payment.id,
          COMBINED: combined.id,
          FIRST: first.out_trade_no,
          SECOND: second.out_trade_no,
          ORDER: payment.out_trade_no,
          MERCHANT: paysaga.merchantId,
          APPROVAL: rows[0]?.id,
          PAYSAGA_OPERATOR_KEY: /paysaga approve/.test(block) ? bo : lin,
        });
        assert.equal(code, 0, `${block}\n${said}`);
      }
      await paysaga.until(`/v1/payments/${payment.id}`, 'CLOSED');
    });

    it('names the updates that a payment takes from operators', async () => {
      const { body } = await paysaga.createPayment();
      const handle = paysaga.client.workflow.getHandle(`payment/${paysaga.mchid}/${body.out_trade_no}`);
      const { definition } = await handle.query<{ definition: { updateDefinitions: { name: string }[] } }>(
        '__temporal_workflow_metadata',
      );
      const named = [...GUIDE.matchAll(/^\| `paysaga payment .+?` \| `(\w+)` \|/gm)].map(([, name]) => name);
      const taken = definition.updateDefinitions.map(({ name }) => name);
      // These two are the API's.
      assert.deepEqual(
        named.sort(),
        taken.filter((name) => name !== 'prepay' && name !== 'renewPrepay').sort(),
      );
    });
  });
});
