/** The checkout page: orders, follows a payment, cancels, refunds. Its address `#pay_…` names the payment it shows. */
import { isFinal, isRefundFinal, renderCountdown, renderPayment } from './payment-view.js';
import { wordsFor } from './problem-words.js';

const POLL_MS = 1000;
/** Longer than the shop waits for the API. */
const ANSWER_WITHIN_MS = 25_000;

const $ = (id) => document.getElementById(id);

/** What is on the screen; undefined while the shop's shelf is shown. */
let shown;
/** The order the customer is trying to place: one key until there is a definite answer. */
let attempt;
/** Ends the pause between two polls early. */
let wake = () => {};

/** @throws the problem (RFC 9457) that was answered. */
async function call(method, path, { body, key } = {}) {
  let answer;
  try {
    answer = await fetch(path, {
      method,
      signal: AbortSignal.timeout(ANSWER_WITHIN_MS),
      headers: {
        ...(method === 'POST' && { 'content-type': 'application/json' }),
        ...(key && { 'idempotency-key': key }),
      },
      ...(method === 'POST' && { body: JSON.stringify(body ?? {}) }),
    });
    if (answer.ok) return await answer.json();
    answer = await answer.json();
  } catch {
    answer = { code: 'shop_unreachable', retryable: true };
  }
  throw answer;
}

function showProblem(problem) {
  const { title, next, detail } = wordsFor(problem);
  $('problem-title').textContent = title;
  $('problem-next').textContent = next;
  $('problem-detail').textContent = detail;
  $('problem').hidden = false;
}

function clearProblem() {
  $('problem').hidden = true;
  $('custom-amount').removeAttribute('aria-invalid');
}

/** Runs what a button starts; meanwhile the button is busy, and a second click does nothing. */
async function busy(button, work) {
  if (button.getAttribute('aria-busy') === 'true') return;
  clearProblem();
  button.setAttribute('aria-busy', 'true');
  try {
    await work();
  } catch (problem) {
    if (problem instanceof Error) throw problem;
    showProblem(problem);
  } finally {
    button.removeAttribute('aria-busy');
  }
}

// ---- the shelf -------------------------------------------------------------------------------------------------------

function chosen() {
  const { value, dataset } = document.querySelector('input[name=product]:checked');
  if (value !== 'custom') return { amount: value, description: dataset.description };
  return { amount: $('custom-amount').value.trim(), description: dataset.description };
}

function renderPayButton() {
  const [, yuan, decimals = ''] = chosen().amount.match(/^0*(\d{1,8})(?:\.(\d{1,2}))?$/) ?? [];
  $('pay-amount').textContent = yuan === undefined ? '' : `¥${yuan}.${decimals.padEnd(2, '0')} · `;
}

async function order() {
  const wanted = chosen();
  const fingerprint = JSON.stringify(wanted);
  if (attempt?.fingerprint !== fingerprint) attempt = { key: newKey(), fingerprint };
  try {
    const payment = await call('POST', '/checkout/payments', { body: wanted, key: attempt.key });
    attempt = undefined;
    location.hash = payment.id;
  } catch (problem) {
    if (!problem.retryable) attempt = undefined;
    // WeChat Pay refused: the payment exists and tells why.
    if (problem.payment_id) location.hash = problem.payment_id;
    if (problem.code === 'invalid_amount') {
      $('custom-amount').setAttribute('aria-invalid', 'true');
      $('custom-amount').focus();
    }
    throw problem;
  }
}

/** Not `crypto.randomUUID`, which a browser offers to secure origins only, and a phone may open this page by its LAN address. */
function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

// ---- one payment -----------------------------------------------------------------------------------------------------

/** The refund of a payment survives a reload of the page: its key, and its id once there is one. */
const refundMemory = {
  read: (paymentId) => JSON.parse(localStorage.getItem(`refund of ${paymentId}`) ?? 'null'),
  write: (paymentId, memory) => localStorage.setItem(`refund of ${paymentId}`, JSON.stringify(memory)),
  forget: (paymentId) => localStorage.removeItem(`refund of ${paymentId}`),
};

function render(payment) {
  // An answer that was overtaken by a newer one tells nothing.
  if (shown.payment && payment.version < shown.payment.version) return;
  shown.payment = payment;
  renderPayment(payment, shown);
  $('payment').hidden = false;
}

/** Asks every second until nothing can change any more. */
async function follow(watched) {
  for (let failures = 0; shown === watched; ) {
    try {
      const [payment, refund] = await Promise.all([
        call('GET', `/checkout/payments/${encodeURIComponent(watched.id)}`),
        watched.refundId && call('GET', `/checkout/refunds/${encodeURIComponent(watched.refundId)}`),
      ]);
      if (shown !== watched) return;
      if (refund) watched.refund = refund;
      const first = !watched.payment;
      render(payment);
      if (first) $('payment-heading').focus();
      if (failures > 0) clearProblem();
      failures = 0;
      if (isFinal(payment) && (!watched.refundId || isRefundFinal(watched.refund))) return;
    } catch (problem) {
      if (problem instanceof Error) throw problem;
      if (shown !== watched) return;
      if (problem.code === 'not_found') {
        openShelf();
        return showProblem(problem);
      }
      failures += 1;
      showProblem(problem);
      $('problem-next').textContent = 'The page keeps asking. A payment you make meanwhile is not lost.';
    }
    await pause(POLL_MS * Math.min(1 + failures, 5));
  }
}

function pause(ms) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    wake = () => {
      clearTimeout(timer);
      resolve();
    };
  });
}

async function cancel() {
  const watched = shown;
  watched.cancelling = true;
  render(watched.payment);
  try {
    const payment = await call('POST', `/checkout/payments/${encodeURIComponent(watched.id)}/close`);
    if (shown === watched) render(payment);
  } catch (problem) {
    watched.cancelling = false;
    throw problem;
  } finally {
    wake();
  }
}

async function refund() {
  const watched = shown;
  // A refund that failed is over; this one is another.
  const earlier = watched.refund?.status === 'FAILED' ? null : refundMemory.read(watched.id);
  const memory = earlier ?? { key: newKey() };
  refundMemory.write(watched.id, memory);
  try {
    const path = `/checkout/payments/${encodeURIComponent(watched.id)}/refund`;
    watched.refund = await call('POST', path, { key: memory.key });
    watched.refundId = watched.refund.id;
    refundMemory.write(watched.id, { ...memory, id: watched.refundId });
    if (shown === watched) render(watched.payment);
  } catch (problem) {
    // A definite refusal: the next click is a new refund.
    if (!problem.retryable) refundMemory.forget(watched.id);
    throw problem;
  } finally {
    wake();
  }
}

// ---- one page, two screens -------------------------------------------------------------------------------------------

function openShelf() {
  shown = undefined;
  wake();
  history.replaceState(null, '', location.pathname);
  document.title = 'Tea Counter · 茶铺';
  $('payment').hidden = true;
  $('shelf').hidden = false;
  renderPayButton();
}

function openPayment(id) {
  wake();
  shown = {
    id,
    payment: undefined,
    refund: undefined,
    refundId: refundMemory.read(id)?.id,
    cancelling: false,
  };
  $('shelf').hidden = true;
  $('payment').hidden = true;
  void follow(shown);
}

function route() {
  const id = location.hash.slice(1);
  clearProblem();
  if (id.startsWith('pay_')) openPayment(id);
  else openShelf();
}

$('order-form').addEventListener('submit', (event) => {
  event.preventDefault();
  void busy($('pay'), order);
});
$('order-form').addEventListener('input', (event) => {
  if (event.target === $('custom-amount')) $('product-custom').checked = true;
  clearProblem();
  renderPayButton();
});
$('custom-amount').addEventListener('focus', () => {
  $('product-custom').checked = true;
  renderPayButton();
});
$('cancel').addEventListener('click', () => void busy($('cancel'), cancel));
$('refund').addEventListener('click', () => void busy($('refund'), refund));
$('new-order').addEventListener('click', () => {
  history.pushState(null, '', location.pathname);
  route();
  $('shelf-heading').focus();
});
addEventListener('hashchange', route);
document.addEventListener('visibilitychange', () => document.hidden || wake());
setInterval(() => shown?.payment && renderCountdown(), 250);
route();
