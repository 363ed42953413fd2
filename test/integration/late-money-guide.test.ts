import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { updatePolicies } from '../../database/merchants.ts';
import { addOperator } from '../../database/operators.ts';
import { LATE_PAYMENT_ATTENTION } from '../../domain/attention.ts';
import { eventually } from '../eventually.ts';
import { type Answer, type Paysaga, startPaysaga } from '../fixture.ts';
import { closed, latePayments, payLate, untilLate, untilUndecided } from '../late-money.ts';
import { notify, success } from '../notification.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { openShell, type Shell, shellBlocks } from '../shell.ts';
import { untilAttention } from '../watch.ts';

const page = (name: string) => readFileSync(new URL(`../../docs/${name}.md`, import.meta.url), 'utf8');

/** Every command of the guide and of its runbooks is run as it stands. */
describe('the guide to money that was not expected', function () {
  this.timeout(180_000);
  let paysaga: Paysaga;
  let shell: Shell;
  let operator: string;
  before(async () => {
    paysaga = await startPaysaga({
      paymentTiming: { notifyWaitMs: 60_000 },
      refundTiming: { notifyWaitMs: 200, pollGapsMs: [300] },
    });
    shell = await openShell(paysaga);
    operator = (await addOperator(paysaga.pool, paysaga.tenantId, 'lin')) ?? '';
  });
  after(async () => {
    shell.close();
    await paysaga.stop();
  });
  afterEach(async () => {
    await paysaga.control('DELETE', '/faults');
    await updatePolicies(paysaga.pool, paysaga.mchid, { latePaymentPolicy: 'refund' });
  });

  const run = async (block: string, variables: NodeJS.ProcessEnv = {}): Promise<string> => {
    const { code, said, stdout } = await shell.run(block, {
      API: paysaga.apiUrl,
      KEY: paysaga.apiKey,
      SIMULATOR: paysaga.simulator.controlUrl,
      MCHID: paysaga.mchid,
      PAYSAGA_OPERATOR_KEY: operator,
      // What the command begins anew would wait a minute between two refunds of the payment.
      POLLING_SPEED: '100',
      ...variables,
    });
    assert.equal(code, 0, `${block}\n${said}`);
    return stdout;
  };
  const get = async (path: string): Promise<Answer['body']> => (await paysaga.call('GET', path)).body;
  const refused = async () => {
    await paysaga.control('POST', '/faults', {
      operation: 'refund.create',
      kind: 'refused',
      code: 'USER_ACCOUNT_ABNORMAL',
    });
    const payment = await closed(paysaga);
    await payLate(paysaga, payment);
    const [recorded] = await latePayments(paysaga, payment.id);
    const late = await untilUndecided(paysaga, recorded);
    const workflowId = `late-payment/${paysaga.mchid}/${late.transaction_id}`;
    await eventually('its workflow runs', async () => {
      const { status } = await paysaga.client.workflow.getHandle(workflowId).describe();
      return status.name === 'RUNNING';
    });
    return { payment, late, workflowId };
  };
  const [late = '', list = '', policy = '', decide = '', order = '', unmatched = ''] = shellBlocks(
    page('late-money'),
  );

  it('late money goes back as the guide tells', async () => {
    const said = await run(`${late}\necho "=$PAYMENT"`);
    const PAYMENT = /=(pay_[0-9a-f]{32})/.exec(said)?.[1];
    const [recorded] = await latePayments(paysaga, String(PAYMENT));
    await untilLate(paysaga, recorded, 'REFUNDED');
    const shown = JSON.parse(await run(list, { PAYMENT }));
    assert.deepEqual(shown.data[0].decision, { decision: 'refund', by: 'policy', reason: null });
    assert.equal(shown.has_more, false);
  });

  it('a policy is set as the guide tells', async () => {
    assert.equal(await run(policy), 'late payments: accept\nduplicate payments: refund\n');
  });

  it('an operator decides as the guide tells', async () => {
    const { late: undecided } = await refused();
    await run(decide, { TRANSACTION: undecided.transaction_id });
    const done = await untilLate(paysaga, undecided, 'REFUNDED');
    assert.equal(done.decision.by, 'lin');
    const { rows } = await paysaga.pool.query(
      'select action, actor, reason, result from operator_actions where late_payment_id = $1',
      [undecided.id],
    );
    assert.deepEqual(rows, [
      { action: 'decide_late_payment', actor: 'lin', reason: 'the card works again', result: 'refund' },
    ]);
  });

  it('two payments of one order are made, paid and listed as the guide tells', async () => {
    const said = await run(order);
    const { data } = JSON.parse(
      said
        .trim()
        .split('\n')
        .at(-1)
        ?.replace(/^.*(?={"object":"list")/, '') ?? '',
    );
    assert.deepEqual(data.map(({ out_trade_no }: { out_trade_no: string }) => out_trade_no).sort(), [
      'TWICE0001',
      'TWICE0002',
    ]);
    await eventually('one of them is refunded', async () => {
      const { data: now } = await get('/v1/payments?order_reference=HARBOUR-7');
      return now.filter((one: Answer['body']) => one.status === 'REFUNDED' && one.duplicate_of).length === 1;
    });
  });

  it('what belongs to nobody is found as the guide tells', async () => {
    await notify(paysaga, success(paysaga, 'NOBODY0001'));
    assert.equal(JSON.parse(await run(unmatched)).data[0].out_trade_no, 'NOBODY0001');
  });

  it('lists the reasons of late payments as they are', () => {
    const rows = [...page('late-money').matchAll(/^\| `([a-z_]+)` \| ([^|]+) \|$/gm)].map(
      ([, reason, meaning]) => [reason, meaning],
    );
    for (const pair of Object.entries(LATE_PAYMENT_ATTENTION))
      assert.ok(
        rows.some((row) => row[0] === pair[0] && row[1] === pair[1]),
        `${pair}`,
      );
  });

  describe('the runbook payment-late-money', () => {
    const blocks = shellBlocks(page('runbooks/payment-late-money'));
    const follow = async (wanted: RegExp, { payment, late }: Awaited<ReturnType<typeof refused>>) => {
      const chosen = blocks.filter((block) => wanted.test(block));
      assert.ok(chosen.length > 0, `${wanted}`);
      for (const block of chosen)
        await run(block, { PAYMENT: payment.id, REFUND: late.refund_id, LATE: late.id });
    };

    it('refunds it again', async () => {
      const stuck = await refused();
      await follow(/ show | list |--as refund/, stuck);
      await untilLate(paysaga, stuck.late, 'REFUNDED');
    });

    it('accepts it', async () => {
      const stuck = await refused();
      await follow(/--as accept/, stuck);
      await paysaga.until(`/v1/payments/${stuck.payment.id}`, 'PAID');
    });

    it('begins a workflow anew that somebody has terminated; what is decided is not decided again', async () => {
      const stuck = await refused();
      await paysaga.client.workflow.getHandle(stuck.workflowId).terminate('by hand');
      await follow(/--as refund/, stuck);
      await untilLate(paysaga, stuck.late, 'REFUNDED');
      const block = `paysaga late-payment decide ${stuck.late.transaction_id} --as accept --reason again`;
      const { code, stdout } = await shell.run(block, { PAYSAGA_OPERATOR_KEY: operator });
      assert.deepEqual(
        [code, /^nothing was changed: nothing is left to decide/.test(stdout)],
        [2, true],
        stdout,
      );
    });
  });

  describe('the runbooks of payments whose order differs', () => {
    const blocksOf = (reason: string) => shellBlocks(page(`runbooks/payment-${reason.replaceAll('_', '-')}`));
    /** What is changed so that the sides differ, and how it is mended. */
    const differ: Record<string, (payment: Answer['body']) => Promise<() => Promise<unknown>>> = {
      amount_differs: async ({ id }) => await changed(id, 'amount', 'amount + 10', 'amount - 10'),
      appid_differs: async ({ id }) => await changed(id, 'appid', "'x' || appid", 'substr(appid, 2)'),
      sub_appid_differs: async ({ id }) =>
        await changed(id, 'sub_appid', "'x' || sub_appid", 'substr(sub_appid, 2)'),
      currency_differs: async ({ id }) => {
        await paysaga.pool.query('alter table payments drop constraint payments_currency_check');
        return await changed(id, 'currency', "'USD'", "'CNY'");
      },
      mchid_differs: async (payment) => {
        const order = orderOf(payment);
        order.mchid = '1999999999';
        return async () => {
          order.mchid = payment.mchid;
        };
      },
    };
    /** The gateway's own order. */
    const orderOf = ({ mchid, out_trade_no }: Answer['body']) => {
      const order = paysaga.simulator.gateway.orderBook.find(mchid, out_trade_no);
      assert.ok(order);
      return order;
    };
    const changed = async (id: string, column: string, wrong: string, right: string) => {
      const set = (value: string) =>
        paysaga.pool.query(`update payments set ${column} = ${value} where id = $1`, [id]);
      await set(wrong);
      return () => set(right);
    };

    for (const [reason, prepare] of Object.entries(differ)) {
      it(reason, async () => {
        const provider = reason.startsWith('sub_') && {
          merchant_id: await enrolProvider(paysaga),
          sub_merchant: subMerchant(paysaga),
        };
        const { body } = await paysaga.createPayment({ merchant_id: paysaga.merchantId, ...provider });
        // Nobody is told, until the customer comes back.
        paysaga.simulator.gateway.orderBook.pay(orderOf(body));
        const mend = await prepare(body);
        await paysaga.call('POST', `/v1/payments/${body.id}/sync`);
        await untilAttention(paysaga, `/v1/payments/${body.id}`, reason);
        const blocks = blocksOf(reason);
        assert.equal(blocks.length, 3);
        const seen = async () => {
          const { status, attention, attention_details } = (
            await paysaga.call('GET', `/v1/payments/${body.id}`)
          ).body;
          return [status, attention, attention_details];
        };
        for (const block of blocks) {
          if (/recheck/.test(block)) await mend();
          // As if WeChat Pay had changed its word when the payment had ended.
          if (/acknowledge/.test(block)) {
            await paysaga.until(`/v1/payments/${body.id}`, 'PAID');
            assert.deepEqual(await seen(), ['PAID', 'none', null]);
            await paysaga.pool.query(
              `update payments set attention = 'needs_operator', attention_reason = $2 where id = $1`,
              [body.id, reason],
            );
          }
          const said = await run(block, { PAYMENT: body.id });
          if (/ show /.test(block)) assert.match(said, /WeChat Pay.*"amount":2590/);
        }
        assert.deepEqual(await seen(), ['PAID', 'none', null]);
      });
    }

    for (const reason of ['sub_mchid_differs', 'out_trade_no_differs']) {
      it(`${reason}, which the simulator cannot be made to say, has the same commands`, () => {
        assert.deepEqual(blocksOf(reason), blocksOf('currency_differs'));
      });
    }
  });
});
