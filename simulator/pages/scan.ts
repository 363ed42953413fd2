import { script, style } from './style.ts';

/** The "phone": what a person sees after scanning a code_url, opening an h5_url, or calling up a prepay_id. */
export const scanPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Pay · 微信支付 simulator</title>
<link rel="icon" href="data:,">
<style>${style}
body { min-height: 100vh; min-height: 100dvh; display: grid; place-items: center; }
main { width: 100%; max-width: 390px; min-height: 100vh; min-height: 100dvh; background: #f7f7f7; display: flex;
  flex-direction: column; }
@media (min-width: 600px) and (min-height: 560px) {
  main { min-height: min(720px, calc(100vh - 32px)); border-radius: 40px; border: 10px solid #111; overflow: hidden; box-shadow: 0 24px 60px #0003; }
}
header { text-align: center; padding: 14px; font-weight: 600; }
header small { display: block; font-weight: 400; color: var(--soft); font-size: 12px; }
.order { margin: 8px 16px; padding: 28px 20px 8px; background: var(--card); border-radius: 12px; text-align: center; }
.avatar { width: 56px; height: 56px; border-radius: 12px; background: var(--green); color: #fff; display: grid;
  place-items: center; margin: 0 auto 12px; font-size: 26px; font-weight: 600; }
.description { overflow-wrap: anywhere; }
.amount { font-size: 42px; font-weight: 700; margin: 2px 0 18px; letter-spacing: -.5px; font-variant-numeric: tabular-nums; }
dl { margin: 0; border-top: 1px solid var(--line); text-align: left; font-size: 13px; padding: 8px 0; }
dl div { display: flex; justify-content: space-between; gap: 16px; padding: 4px 0; }
dt { color: var(--soft); white-space: nowrap; }
dd { margin: 0; text-align: right; overflow-wrap: anywhere; }
.result { margin: 12px 16px; padding: 16px; border-radius: 12px; text-align: center; background: var(--card); }
.result strong { display: block; font-size: 18px; }
.result.good strong { color: var(--green-dark); }
.result.bad strong { color: var(--red); }
.result p { margin: 4px 0 0; color: var(--soft); font-size: 13px; }
.buttons { margin-top: auto; padding: 16px; display: grid; gap: 10px; grid-template-columns: 1fr 1fr; }
.buttons button { padding: .75em .25em; background: var(--card); }
.buttons small { display: block; color: var(--soft); font-size: 12px; }
.buttons .primary { grid-column: 1 / -1; background: var(--green); font-size: 17px; }
.buttons .primary:hover { background: var(--green-dark); }
.buttons[hidden] + footer { margin-top: auto; }
footer { text-align: center; padding: 0 16px 14px; font-size: 12px; color: var(--soft); }
footer a { color: inherit; }
</style>
</head>
<body>
<main>
<header>Confirm payment <small>确认付款</small></header>
<section class="order" id="order" hidden>
  <div class="avatar" id="avatar" aria-hidden="true"></div>
  <div class="description" id="description" data-testid="description"></div>
  <div class="amount" id="amount" data-testid="amount"></div>
  <dl>
    <div><dt>Order 订单号</dt><dd id="number"></dd></div>
    <div><dt>Pay before 有效期至</dt><dd id="expires"></dd></div>
  </dl>
</section>
<section class="result" id="result" data-testid="result" role="status" aria-live="polite" hidden></section>
<div class="buttons" id="buttons" hidden>
  <button class="primary" id="pay" data-testid="pay"></button>
  <button id="cancel" data-testid="cancel">Cancel <small>取消</small></button>
  <button id="wrong" data-testid="wrong-password">Wrong password <small>密码错误</small></button>
</div>
<footer>Simulated phone, no money moves · <a href="/_simulator/">all orders</a></footer>
</main>
<script>${script}
const asked = new URLSearchParams(location.search);
const given = asked.get('code_url') || asked.get('h5_url') || asked.get('prepay_id') || '';
// A shop may tell its h5_url where to go after the payment.
const [code, redirectUrl] = given.split('&redirect_url=');
const shopUrl = redirectUrl && /^https?:/i.test(decodeURIComponent(redirectUrl)) ? decodeURIComponent(redirectUrl) : undefined;
const byId = (id) => document.getElementById(id);
const MESSAGES = {
  paid: ['good', 'Already paid 已支付', 'This order has been paid. It cannot be paid twice.'],
  closed: ['bad', 'Order closed 订单已关闭', 'The merchant closed this order.'],
  expired: ['bad', 'Order expired 订单已过期', 'The time to pay is over. Ask the merchant for a new order.'],
  dead: ['bad', 'Code no longer valid 二维码已失效', 'A newer one replaced it, or its time is over (an h5_url lives five minutes, others two hours). Open the new one.'],
  unknown: ['bad', 'Unknown code 二维码无效', code ? 'No order has this code.' : 'Open this page with ?code_url=weixin://…, ?h5_url=https://… or ?prepay_id=wx…'],
};
function show([mood, title, text]) {
  byId('result').className = 'result ' + mood;
  byId('result').replaceChildren(element('strong', {}, title), element('p', {}, text));
  byId('result').hidden = false;
}
let orderPath, owner;
async function load() {
  const { status, order } = await control('GET', '/codes?code_url=' + encodeURIComponent(code));
  byId('order').hidden = !order;
  byId('buttons').hidden = status !== 'payable';
  if (status !== 'payable') show(MESSAGES[status]);
  if (!order) return;
  orderPath = '/orders/' + encodeURIComponent(order.out_trade_no);
  // Another merchant may have the same number.
  owner = '?mchid=' + order.mchid;
  byId('avatar').textContent = [...order.description][0];
  byId('description').textContent = order.description;
  byId('amount').textContent = money(order.amount.total, order.amount.currency);
  byId('number').textContent = order.out_trade_no;
  byId('expires').textContent = order.expires_at.slice(0, 16).replace('T', ' ');
  byId('pay').textContent = 'Pay ' + money(order.amount.total, order.amount.currency);
}
async function act(action, body, message) {
  for (const button of document.querySelectorAll('.buttons button')) button.disabled = true;
  try {
    const order = await control('POST', orderPath + action + owner, body);
    show(message(order));
    if (action === '/pay') {
      byId('buttons').hidden = true;
      if (shopUrl) byId('result').append(element('a', { href: shopUrl }, 'Back to the shop 返回商家'));
    }
  } catch (error) {
    show(['bad', 'Not paid 支付失败', error.message]);
    await load();
  } finally {
    for (const button of document.querySelectorAll('.buttons button')) button.disabled = false;
  }
}
byId('pay').onclick = () => act('/pay', { code_url: code }, (order) =>
  ['good', '✓ Payment successful 支付成功', money(order.amount.payer_total, order.amount.currency) + ' · ' + order.transaction_id]);
byId('cancel').onclick = () => act('/fail', { reason: 'cancelled' }, () =>
  ['bad', 'Payment cancelled 已取消支付', 'Nothing was paid. You can still pay this order.']);
byId('wrong').onclick = () => act('/fail', { reason: 'wrong_password' }, () =>
  ['bad', 'Wrong password 支付密码错误', 'Nothing was paid. You can try again.']);
load().catch((error) => show(['bad', 'No answer from the simulator', error.message]));
</script>
</body>
</html>
`;
