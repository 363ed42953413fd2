import assert from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Simulator, startSimulator } from '../../simulator/index.ts';
import { RawClient } from '../unit/simulator/client.ts';
import { launchBrowser } from './browser.ts';

describe("simulator's pages in a real browser", function () {
  this.timeout(60_000);
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let simulator: Simulator;
  let client: RawClient;
  let scriptErrors: string[];

  before(async () => {
    browser = await launchBrowser();
  });
  after(() => browser?.close());

  beforeEach(async () => {
    simulator = await startSimulator({ notifyDelayMs: 1e8, refundDelayMs: 3 * 24 * 3600_000 });
    client = new RawClient(simulator);
    context = await browser.newContext({ viewport: { width: 1280, height: 900 } });
    context.setDefaultTimeout(15_000);
    page = await context.newPage();
    scriptErrors = [];
    page.on('pageerror', (error) => scriptErrors.push(error.message));
  });
  afterEach(async () => {
    await context.close();
    await client.close();
    await simulator.close();
    assert.deepEqual(scriptErrors, []);
  });

  const open = () => page.goto(`${simulator.controlUrl}/`);
  const section = (name: string) => page.getByTestId(name);
  const jsapi = async (outTradeNo: string) => {
    const { appid, mchid } = simulator.merchant;
    const answer = await client.post('/v3/pay/transactions/jsapi', {
      appid,
      mchid,
      description: 'Tea set',
      out_trade_no: outTradeNo,
      notify_url: 'https://pay.example.com/wx',
      amount: { total: 2590 },
      payer: { openid: simulator.world.openid },
    });
    return answer.json.prepay_id as string;
  };
  const h5 = async (outTradeNo: string) => {
    const { appid, mchid } = simulator.merchant;
    const answer = await client.post('/v3/pay/transactions/h5', {
      appid,
      mchid,
      description: 'Tea set',
      out_trade_no: outTradeNo,
      notify_url: 'https://pay.example.com/wx',
      amount: { total: 2590 },
      scene_info: { payer_client_ip: '203.0.113.9', h5_info: { type: 'Wap' } },
    });
    return answer.json.h5_url as string;
  };

  it('an order is seen, paid, refunded and complained about without leaving the page', async () => {
    await client.order('PAGE001');
    await open();
    await section('orders').getByText('PAGE001').waitFor();
    await section('orders').getByRole('button', { name: 'Pay', exact: true }).click();
    await section('orders').getByText('SUCCESS 成功').waitFor();
    await section('notifications').getByText('TRANSACTION.SUCCESS').waitFor();
    await client.refund('PAGE001', 'R1', 1000);
    await section('refunds').getByText('PROCESSING 处理中').waitFor();
    await section('refunds').getByRole('button', { name: 'ABNORMAL' }).click();
    await section('refunds').getByText('ABNORMAL 异常').waitFor();
    await section('orders').getByRole('button', { name: 'Complain' }).click();
    await section('complaints').getByText('PENDING 待处理').waitFor();
    await section('complaints').getByRole('button', { name: 'Write' }).click();
    await section('complaints').getByText('USER_RESPONSE').waitFor();
    assert.equal(simulator.gateway.refund('R1').status, 'ABNORMAL');
  });

  it('the clock is moved, and what waited happens', async () => {
    await client.order('PAGE001');
    simulator.gateway.pay('PAGE001');
    await client.refund('PAGE001', 'R1', 1000);
    await open();
    await section('refunds').getByText('PROCESSING 处理中').waitFor();
    await page.getByRole('button', { name: '+ 7 days' }).click();
    await section('refunds').getByText('SUCCESS 成功').waitFor();
    await section('clock').getByText('not the real time').waitFor();
  });

  it('a fault is arranged with what belongs to its kind, fires, and is in the log', async () => {
    await open();
    await section('fault-operation').selectOption('order.*');
    await section('fault-kind').selectOption('refused');
    const code = page.locator('select[name=code]');
    await code.waitFor();
    assert.equal(await page.locator('input[name=skew_ms]').isVisible(), false);
    await code.selectOption('BANK_ERROR');
    await section('fault-add').click();
    await section('faults').getByText('order.* → refused').waitFor();
    const refused = await client.query('NOBODY1');
    assert.equal(refused.json.code, 'BANK_ERROR');
    await section('fault-log').getByText('order.query → refused').waitFor();
    await section('faults').getByText('Everything works.').waitFor();
  });

  it('every kind of every operation can be arranged from the page', async () => {
    await open();
    for (const operation of ['notification', 'refund', '*', 'v2.*', 'native.create']) {
      await section('fault-operation').selectOption(operation);
      const kinds = await section('fault-kind').locator('option').allTextContents();
      for (const kind of kinds) {
        await section('fault-kind').selectOption(kind);
        // The one that must name its row.
        if (kind === 'stray_row') await page.locator('input[name=out_trade_no]').fill('NOBODY1');
        assert.notEqual(await page.locator('#fault-meaning').textContent(), '', `${operation} ${kind}`);
        const answered = page.waitForResponse((response) => response.request().method() === 'POST');
        await section('fault-add').click();
        assert.equal((await answered).status(), 200, `${operation} ${kind}`);
      }
    }
  });

  it('the phone pays a code_url, an h5_url and a prepay_id', async () => {
    const codes = {
      code_url: (await client.order('PHONE01')).json.code_url as string,
      h5_url: `${await h5('PHONE02')}&redirect_url=${encodeURIComponent('https://shop.example.com/done')}`,
      prepay_id: await jsapi('PHONE03'),
    };
    for (const [name, code] of Object.entries(codes)) {
      await page.goto(`${simulator.controlUrl}/scan?${name}=${encodeURIComponent(code)}`);
      assert.equal(await page.getByTestId('amount').textContent(), '¥25.90');
      await page.getByTestId('pay').click();
      await page.getByTestId('result').getByText('Payment successful').waitFor();
      const back = page.getByRole('link', { name: 'Back to the shop' });
      assert.equal(await back.isVisible(), name === 'h5_url');
    }
    assert.deepEqual(
      simulator.gateway.orders().map(({ trade_state }) => trade_state),
      ['SUCCESS', 'SUCCESS', 'SUCCESS'],
    );
  });

  it('the phone pays the order of its code, although another merchant has the same number, and leads to no script', async () => {
    const code = (await client.order('PHONE01')).json.code_url as string;
    const { mchid: sp_mchid, appid: sp_appid, subMerchants } = simulator.world.provider;
    const provider = new RawClient(simulator, { merchant: simulator.world.provider });
    const answer = await provider.post('/v3/pay/partner/transactions/native', {
      sp_mchid,
      sp_appid,
      sub_mchid: subMerchants[0]?.mchid,
      description: 'Coffee',
      out_trade_no: 'PHONE01',
      notify_url: 'https://pay.example.com/wx',
      amount: { total: 1 },
    });
    assert.equal(answer.status, 200);
    await provider.close();
    const script = `${code}&redirect_url=${encodeURIComponent('javascript:alert(1)')}`;
    await page.goto(`${simulator.controlUrl}/scan?code_url=${encodeURIComponent(script)}`);
    await page.getByTestId('pay').click();
    await page.getByTestId('result').getByText('Payment successful').waitFor();
    assert.equal(await page.getByRole('link', { name: 'Back to the shop' }).count(), 0);
    assert.equal(simulator.gateway.order('PHONE01', simulator.merchant.mchid).trade_state, 'SUCCESS');
    assert.equal(simulator.gateway.order('PHONE01', sp_mchid).trade_state, 'NOTPAY');
  });

  it('fits a phone', async () => {
    await client.order('PAGE001');
    await page.setViewportSize({ width: 375, height: 667 });
    await open();
    await section('orders').getByText('PAGE001').waitFor();
    assert.equal(await page.evaluate<number>('document.documentElement.scrollWidth'), 375);
  });
});
