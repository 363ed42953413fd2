import assert from 'node:assert/strict';
import type { Browser, BrowserContext, Page } from 'playwright-core';
import { type Checkout, startCheckout } from '../../dev/checkout/server.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { launchBrowser } from './browser.ts';

const PHONE = { width: 375, height: 667 };

describe('checkout page in a real browser', function () {
  this.timeout(60_000);
  let paysaga: Paysaga;
  let checkout: Checkout;
  let browser: Browser;
  let context: BrowserContext;
  let page: Page;
  let scriptErrors: string[];

  before(async () => {
    [paysaga, browser] = await Promise.all([startPaysaga(), launchBrowser()]);
    checkout = await startCheckout({
      port: 0,
      apiUrl: paysaga.apiUrl,
      apiKey: paysaga.apiKey,
      simulatorUrl: paysaga.simulator.baseUrl,
      temporalUiUrl: 'http://127.0.0.1:8233',
    });
  });

  after(async () => {
    await checkout?.close();
    await browser?.close();
    await paysaga?.stop();
  });

  beforeEach(async () => {
    context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    context.setDefaultTimeout(15_000);
    page = await context.newPage();
    scriptErrors = [];
    page.on('pageerror', (error) => scriptErrors.push(error.message));
    await page.goto(checkout.url);
  });

  afterEach(async () => {
    await context.close();
    assert.deepEqual(scriptErrors, []);
  });

  /** Waits until the page, and the API with it, says so. */
  async function seesStatus(status: string): Promise<void> {
    await page.locator(`[data-testid=status][data-status=${status}]`).waitFor();
    assert.match((await page.getByTestId('status').textContent()) ?? '', new RegExp(`\\b${status}\\b`));
  }

  async function order(product = 'product-1'): Promise<string> {
    await page.getByTestId(product).check();
    await page.getByTestId('pay').click();
    await page.getByTestId('qr').waitFor();
    await seesStatus('PENDING');
    return new URL(page.url()).hash.slice(1);
  }

  async function openPhone(): Promise<Page> {
    const opened = context.waitForEvent('page');
    await page.getByTestId('code-url-link').click();
    return await opened;
  }

  async function orderAndPay(): Promise<string> {
    const id = await order();
    const phone = await openPhone();
    await phone.getByTestId('pay').click();
    await seesStatus('PAID');
    return id;
  }

  async function apiPayment(id: string) {
    return (await paysaga.call('GET', `/v1/payments/${id}`)).body;
  }

  it('a customer orders, scans, pays on the phone, and the page says paid', async () => {
    const id = await order();
    assert.equal(await page.getByTestId('amount').textContent(), '¥25.90');
    const pixels = await page.evaluate<number>('document.getElementById("qr").naturalWidth');
    assert.ok(pixels > 0, 'the QR code is drawn');
    assert.match((await page.getByTestId('countdown').textContent()) ?? '', /^1[45]:\d\d$/);
    const { out_trade_no, mchid } = await apiPayment(id);
    assert.equal(await page.getByTestId('order-number').textContent(), out_trade_no);
    assert.equal(
      await page.getByTestId('workflow-link').getAttribute('href'),
      `http://127.0.0.1:8233/namespaces/default/workflows/payment%2F${mchid}%2F${out_trade_no}`,
    );

    const phone = await openPhone();
    await phone.getByTestId('pay').click();

    await seesStatus('PAID');
    assert.equal(await page.getByTestId('qr').isVisible(), false);
    assert.equal(await page.getByTestId('cancel').isVisible(), false);
    assert.equal((await apiPayment(id)).status, 'PAID');
  });

  it('a wrong password leaves the payment waiting, and the next try pays it', async () => {
    const id = await order();
    const phone = await openPhone();
    await phone.getByTestId('wrong-password').click();
    const { out_trade_no } = await apiPayment(id);
    await waitUntil(() => paysaga.simulator.gateway.order(out_trade_no).failed_attempts.length === 1);
    await seesStatus('PENDING');

    await phone.getByTestId('pay').click();
    await seesStatus('PAID');
  });

  it('an order that is cancelled is closed and can no longer be paid', async () => {
    const id = await order();
    await page.getByTestId('cancel').click();
    await seesStatus('CLOSED');
    assert.equal(await page.getByTestId('code-url-link').isVisible(), false);
    const { out_trade_no } = await apiPayment(id);
    assert.equal(paysaga.simulator.gateway.order(out_trade_no).payable, false);
  });

  it('a refund is followed until the customer has the money', async () => {
    const id = await orderAndPay();
    await page.getByTestId('refund').dblclick();
    await page.getByTestId('refund-status').getByText('SUCCEEDED').waitFor();
    await seesStatus('REFUNDED');
    assert.equal(await page.getByTestId('refund').isVisible(), false);
    assert.equal((await apiPayment(id)).amount.refunded, 2590);

    await page.reload();
    await page.getByTestId('refund-status').getByText('SUCCEEDED').waitFor();
  });

  it('a reload shows the same payment, and a new order leads back to the shelf', async () => {
    await order();
    const number = await page.getByTestId('order-number').textContent();
    await page.reload();
    await seesStatus('PENDING');
    assert.equal(await page.getByTestId('order-number').textContent(), number);

    await page.getByTestId('new-order').click();
    await page.getByTestId('product-1').waitFor();
    assert.equal(new URL(page.url()).hash, '');
    await page.goBack();
    await seesStatus('PENDING');
  });

  it('a double click creates one payment', async () => {
    let created = 0;
    page.on('request', (request) => {
      if (request.method() === 'POST') created += 1;
    });
    await page.getByTestId('pay').dblclick();
    await seesStatus('PENDING');
    assert.equal(created, 1);
  });

  it('a repeat after a lost answer finds the payment that was created', async () => {
    const keys: string[] = [];
    const ids: string[] = [];
    await page.route('**/checkout/payments', async (route) => {
      keys.push(route.request().headers()['idempotency-key'] ?? '');
      const answer = await route.fetch();
      ids.push((await answer.json()).id);
      await (ids.length === 1 ? route.abort() : route.fulfill({ response: answer }));
    });
    await page.getByTestId('pay').click();
    await page.getByTestId('problem').getByText('Press the button again').waitFor();
    await page.getByTestId('pay').click();
    await seesStatus('PENDING');
    assert.equal(new Set(keys).size, 1);
    assert.equal(new Set(ids).size, 1);
  });

  it('an amount that a person typed becomes exactly that many fen', async () => {
    await page.getByTestId('custom-amount').fill('1.15');
    await page.getByTestId('pay').click();
    await seesStatus('PENDING');
    assert.equal(await page.getByTestId('amount').textContent(), '¥1.15');
    assert.equal((await apiPayment(new URL(page.url()).hash.slice(1))).amount.total, 115);
  });

  it('an amount that is none is explained, and the cursor waits in its field', async () => {
    for (const amount of ['', '0.00', '1,50', '1.234', '-1', '10000000.01']) {
      await page.getByTestId('custom-amount').fill(amount);
      await page.getByTestId('pay').click();
      await page.getByTestId('problem').getByText('Write yuan with at most two decimals').waitFor();
      assert.equal(await page.evaluate<string>('document.activeElement.id'), 'custom-amount');
    }
  });

  it('an order that nobody knows is explained on the shelf', async () => {
    await page.goto(`${checkout.url}#pay_00000000000000000000000000000000`);
    await page.getByTestId('problem').getByText('We do not know this order').waitFor();
    await page.getByTestId('product-1').waitFor();
  });

  it('the key of the API and the code of the server stay on the server', async () => {
    const seen: string[] = [];
    page.on('response', async (response) => seen.push(await response.text().catch(() => '')));
    await orderAndPay();
    assert.ok(seen.length > 0);
    assert.ok(!seen.some((text) => text.includes(paysaga.apiKey)));
    assert.equal((await fetch(new URL('/checkout/server.ts', checkout.url))).status, 404);
  });

  it('a form on another site can neither order nor refund', async () => {
    const id = await orderAndPay();
    const form = { method: 'POST', body: new URLSearchParams({ amount: '25.90' }) };
    assert.equal((await fetch(`${checkout.url}/payments`, form)).status, 415);
    assert.equal((await fetch(`${checkout.url}/payments/${id}/refund`, form)).status, 415);
    assert.equal((await apiPayment(id)).status, 'PAID');
  });

  it('on a phone nothing has to be scrolled sideways, and every button is large enough for a thumb', async () => {
    await page.setViewportSize(PHONE);
    await fitsThePhone();
    await order();
    await fitsThePhone();
    await page.getByTestId('cancel').click();
    await seesStatus('CLOSED');
    await fitsThePhone();
  });

  async function fitsThePhone(): Promise<void> {
    const width = await page.evaluate<number>('document.documentElement.scrollWidth');
    assert.equal(width, PHONE.width);
    for (const button of await page.locator('button:visible, a.button:visible').all()) {
      const box = await button.boundingBox();
      assert.ok(box && box.height >= 44, `${await button.textContent()} is ${box?.height} px high`);
    }
  }
});

describe('checkout page without its services', function () {
  this.timeout(60_000);

  it('says that the payment service is away, and what to do', async () => {
    const checkout = await startCheckout({
      port: 0,
      // Nobody listens on the discard port.
      apiUrl: 'http://127.0.0.1:9',
      apiKey: 'sk_none',
      simulatorUrl: 'http://127.0.0.1:9',
    });
    const browser = await launchBrowser();
    try {
      const page = await browser.newPage();
      await page.goto(checkout.url);
      await page.getByTestId('pay').click();
      await page.getByTestId('problem').getByText('The payment service cannot be reached').waitFor();
    } finally {
      await browser.close();
      await checkout.close();
    }
  });
});

async function waitUntil(condition: () => boolean): Promise<void> {
  const deadline = Date.now() + 10_000;
  while (!condition()) {
    if (Date.now() > deadline) throw new Error('waited 10 s in vain');
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}
