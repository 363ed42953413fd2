/** Shows one payment and its refund; knows nothing of requests. */

/** Status of the API: what people read, in English and Chinese, and a hint on what happens next. */
const PAYMENT = {
  CREATED: ['Waiting for payment', '正在下单', 'WeChat Pay is being asked for the QR code.'],
  PENDING: [
    'Waiting for payment',
    '等待付款',
    'Open the simulated phone below to scan and pay; with a real merchant the customer scans the code with WeChat.',
  ],
  PAID: ['Paid', '支付成功', 'Thank you! The money has arrived.'],
  PARTIALLY_REFUNDED: ['Partly refunded', '部分退款', 'A part of the money went back to the customer.'],
  REFUNDED: ['Refunded', '已退款', 'All of the money went back to the customer.'],
  CLOSED: ['Order closed', '订单已关闭', 'Nothing was charged. Start a new order whenever you like.'],
  FAILED: ['Payment failed', '下单失败', 'WeChat Pay refused the order. Nothing was charged.'],
};

const REFUND = {
  CREATED: ['is being prepared', '正在申请退款'],
  RESERVED: ['is being sent to WeChat Pay', '正在申请退款'],
  PROCESSING: ['is on its way to the customer', '退款处理中'],
  SUCCEEDED: ['the customer has the money', '退款成功'],
  FAILED: ['WeChat Pay refused it, nothing was moved', '退款失败'],
  ABNORMAL: ['the account cannot receive it, an operator decides', '退款异常'],
};

/** Statuses after which nothing changes any more. */
const FINAL = ['REFUNDED', 'CLOSED', 'FAILED'];
const FINAL_REFUND = ['SUCCEEDED', 'FAILED'];

export const isFinal = ({ status }) => FINAL.includes(status);
export const isRefundFinal = ({ status }) => FINAL_REFUND.includes(status);

const $ = (id) => document.getElementById(id);

/** Changes text only when it differs: a screen reader announces every change. */
function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function setLink(link, href) {
  link.hidden = !href;
  if (href && link.getAttribute('href') !== href) link.href = href;
}

/** Moment at which the code expires, on the clock that never jumps. */
let expiresAt = 0;

/**
 * @param payment as the shop's backend sends it
 * @param options.cancelling the customer asked to cancel, and WeChat Pay has not confirmed yet
 * @param options.refund the refund under way or ended, if there is one
 */
export function renderPayment(payment, { cancelling, refund }) {
  const [title, subtitle, hint] = PAYMENT[payment.status];
  const waiting = payment.status === 'CREATED' || payment.status === 'PENDING';
  expiresAt = performance.now() + payment.seconds_left * 1000;

  $('payment').dataset.status = payment.status;
  $('status').dataset.status = payment.status;
  setText($('status-title'), cancelling && waiting ? 'Cancelling' : title);
  setText($('status-subtitle'), cancelling && waiting ? '正在取消' : subtitle);
  setText($('status-code'), payment.status);
  setText($('hint'), hintFor(payment, { hint, waiting, cancelling }));
  setText($('amount'), `¥${payment.amount}`);
  setText($('description'), payment.description);
  setText($('order-number'), payment.order_number);
  document.title = `${title} · ¥${payment.amount}`;

  const qr = $('qr');
  qr.hidden = !payment.qr_url;
  if (payment.qr_url && qr.getAttribute('src') !== payment.qr_url) qr.src = payment.qr_url;
  setLink($('scan-link'), payment.scan_url);
  setLink($('workflow-link'), payment.workflow_url);

  $('countdown-row').hidden = !waiting;
  $('transaction-row').hidden = !payment.transaction_id;
  setText($('transaction-id'), payment.transaction_id ?? '');
  $('paid-at-row').hidden = !payment.success_time;
  setText($('paid-at'), payment.success_time ? beijing(payment.success_time) : '');

  $('cancel').hidden = !waiting;
  $('refund').hidden = payment.status !== 'PAID' || (refund !== undefined && refund.status !== 'FAILED');
  renderRefund(refund);
  renderCountdown();
}

function hintFor(payment, { hint, waiting, cancelling }) {
  if (payment.attention === 'needs_operator')
    return 'The shop is looking at this order. You need not do anything.';
  if (cancelling && waiting)
    return 'WeChat Pay is closing the order. If you have just paid, the payment counts.';
  if (waiting && payment.seconds_left === 0)
    return 'The time is up. WeChat Pay is asked one last time whether you paid.';
  if (payment.failure) return `${hint} It said: ${payment.failure.message} (${payment.failure.code}).`;
  return hint;
}

function renderRefund(refund) {
  const line = $('refund-status');
  line.hidden = !refund;
  $('refund-workflow-link').hidden = !refund?.workflow_url;
  if (!refund) return setText(line, '');
  const [words, chinese] = REFUND[refund.status];
  const failure = refund.failure ? ` (${refund.failure.code}: ${refund.failure.message})` : '';
  line.dataset.status = refund.status;
  setText(line, `Refund of ¥${refund.amount} ${refund.status}: ${words}${failure}. ${chinese}`);
  setLink($('refund-workflow-link'), refund.workflow_url);
}

/** Writes the time left; called every quarter of a second. */
export function renderCountdown() {
  const seconds = Math.max(0, Math.ceil((expiresAt - performance.now()) / 1000));
  const part = (value) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  setText($('countdown'), `${hours > 0 ? `${hours}:` : ''}${part(minutes)}:${part(seconds % 60)}`);
  $('payment').classList.toggle('expired', seconds === 0);
}

/** `2026-03-01T12:30:00+08:00` is Beijing's time already: shown as it is, whatever the zone of the reader. */
function beijing(rfc3339) {
  return `${rfc3339.slice(0, 10)} ${rfc3339.slice(11, 19)} (Beijing)`;
}
