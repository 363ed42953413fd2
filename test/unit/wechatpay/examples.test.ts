import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import app from '../../../examples/wechatpay/app.ts';
import bills from '../../../examples/wechatpay/bills.ts';
import codepay from '../../../examples/wechatpay/codepay.ts';
import combined from '../../../examples/wechatpay/combined.ts';
import complaints from '../../../examples/wechatpay/complaints.ts';
import { credentials } from '../../../examples/wechatpay/credentials.ts';
import h5 from '../../../examples/wechatpay/h5.ts';
import jsapi from '../../../examples/wechatpay/jsapi.ts';
import native from '../../../examples/wechatpay/native.ts';
import notifications from '../../../examples/wechatpay/notifications.ts';
import overseas from '../../../examples/wechatpay/overseas.ts';
import partner from '../../../examples/wechatpay/partner.ts';
import refund from '../../../examples/wechatpay/refund.ts';
import settle from '../../../examples/wechatpay/settle.ts';
import v2 from '../../../examples/wechatpay/v2.ts';
import { type Simulator, startSimulator } from '../../../simulator/index.ts';
import { WechatPay, WechatPayGlobal, WechatPayPartner } from '../../../wechatpay/index.ts';

const FOLDER = new URL('../../../examples/wechatpay/', import.meta.url);
const GUIDE = new URL('../../../docs/wechatpay.md', import.meta.url);

describe('examples of the WeChat Pay guide', () => {
  let directory: string;
  let simulator: Simulator;
  let pay: WechatPay;
  const open: { close(): Promise<void> }[] = [];
  const opened = <Client extends { close(): Promise<void> }>(client: Client): Client => {
    open.push(client);
    return client;
  };

  before(async () => {
    directory = await mkdtemp(join(tmpdir(), 'wechatpay-examples-'));
    simulator = await startSimulator({ credentialsDir: directory, notifyDelayMs: 10 });
    pay = opened(new WechatPay(credentials(directory)));
  });
  after(async () => {
    for (const client of open) await client.close();
    await simulator.close();
    await rm(directory, { recursive: true });
  });

  it('the guide shows every example as it is', () => {
    const guide = readFileSync(GUIDE, 'utf8');
    const names = readdirSync(FOLDER).filter((name) => name.endsWith('.ts') && name !== 'numbers.ts');
    assert.ok(names.length > 10);
    for (const name of names) {
      const text = readFileSync(new URL(name, FOLDER), 'utf8').trim();
      assert.ok(
        guide.includes(`\`\`\`ts\n${text}\n\`\`\``),
        `docs/wechatpay.md does not show ${name} as it is`,
      );
    }
  });

  it('native, settle, refund: an order is paid, found paid, and partly given back', async () => {
    const { out_trade_no, code_url } = await native(pay);
    assert.equal(simulator.gateway.scan(code_url).status, 'payable');
    assert.deepEqual(await settle(pay, out_trade_no), { state: 'open' });
    simulator.gateway.pay(out_trade_no);
    assert.equal((await settle(pay, out_trade_no)).state, 'paid');
    assert.equal((await refund(pay, out_trade_no)).status, 'PROCESSING');
    const unpaid = await native(pay);
    assert.deepEqual(await settle(pay, unpaid.out_trade_no, { expired: true }), { state: 'closed' });
  });

  it('jsapi, app and h5 give what their front ends need', async () => {
    assert.match((await jsapi(pay, simulator.world.openid)).page.package, /^prepay_id=wx/);
    assert.equal((await app(pay)).payReq.packageValue, 'Sign=WXPay');
    assert.match((await h5(pay)).location, /^https:\/\/wx\.tenpay\.com\/.*redirect_url=https%3A/);
  });

  it('codepay charges a code', async () => {
    assert.equal((await codepay(pay, '134567890123456789')).paid, true);
  });

  it('codepay takes back what it does not know to be paid', async () => {
    const code = '134567890123456780';
    simulator.gateway.paymentCodes.arrange(code, { outcome: 'password', pending_status: 202 });
    const { out_trade_no, paid } = await codepay(pay, code, 1, 2);
    assert.equal(paid, false);
    assert.equal(simulator.gateway.order(out_trade_no).trade_state, 'REVOKED');
  });

  it('codepay finds a payment whose answer got lost', async () => {
    simulator.gateway.addFault({ operation: 'codepay.create', kind: 'reset_after' });
    assert.equal((await codepay(pay, '134567890123456781', 1, 2)).paid, true);
  });

  it('settle believes the order and not the answer to closing it', async () => {
    const { out_trade_no } = await native(pay);
    simulator.gateway.addFault({ operation: 'order.close', kind: 'pay_before', out_trade_no });
    assert.equal((await settle(pay, out_trade_no, { expired: true })).state, 'paid');
  });

  for (const [kind, processed] of [
    ['error_500', false],
    ['rate_limited_429', true],
    ['probe_signature', true],
  ] as const) {
    it(`refund gives the money back once, though ${kind} hides whether it was accepted`, async () => {
      const { out_trade_no } = await native(pay);
      simulator.gateway.pay(out_trade_no);
      simulator.gateway.addFault({
        operation: 'refund.create',
        kind,
        out_trade_no,
        ...(kind !== 'probe_signature' && { processed }),
      });
      const { out_refund_no, status } = await refund(pay, out_trade_no);
      assert.equal(status, 'PROCESSING');
      assert.equal(simulator.gateway.refund(out_refund_no).out_trade_no, out_trade_no);
      const asked = simulator.gateway.refunds().filter((each) => each.out_trade_no === out_trade_no);
      assert.equal(asked.length, 1);
    });
  }

  it('combined orders two parcels at once', async () => {
    assert.deepEqual((await combined(pay, simulator.merchant.mchid)).states, ['NOTPAY', 'NOTPAY']);
  });

  it('partner orders, asks and closes for a sub-merchant', async () => {
    const provider = opened(new WechatPayPartner(credentials(directory, 'provider')));
    const [sub] = simulator.world.provider.subMerchants;
    assert.equal((await partner(provider, sub?.mchid ?? '')).trade_state, 'NOTPAY');
  });

  it('bills adds up a day, also one without anything', async () => {
    assert.deepEqual(await bills(pay, new Date(Date.now() - 86_400_000 * 3).toISOString().slice(0, 10)), {
      rows: 0,
      total: 0,
    });
  });

  it('notifications tells what was paid, and refuses what is not from WeChat Pay', async () => {
    let told: (what: string) => void = () => {};
    const handled = new Promise<string>((resolve) => {
      told = resolve;
    });
    const server = notifications(pay, async (what) => told(what)).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/wechat`;
    try {
      const forged = await fetch(url, { method: 'POST', body: '{}' });
      assert.equal(forged.status, 400);
      const out_trade_no = 'EXAMPLE-NOTIFY-1';
      await pay.native.create({
        description: 'Tea set',
        out_trade_no,
        notify_url: url,
        amount: { total: 2590 },
      });
      simulator.gateway.pay(out_trade_no);
      assert.equal(await handled, `${out_trade_no} SUCCESS`);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  it('complaints answers what nobody has answered yet', async () => {
    const today = new Date().toISOString().slice(0, 10);
    assert.deepEqual(await complaints(pay, simulator.merchant.mchid, today, today), []);
  });

  it('overseas orders in Hong Kong dollars', async () => {
    const global = opened(new WechatPayGlobal(credentials(directory, 'overseas')));
    assert.equal((await overseas(global)).trade_state, 'NOTPAY');
  });

  it('v2 orders over the XML API', async () => {
    assert.equal((await v2(pay)).trade_state, 'NOTPAY');
  });
});
