/** Client-side code of the overview. Everything is put in as text, so that no description can become markup. */
export const dashboardScript = `
const byId = (id) => document.getElementById(id);
const SHOWN = 50;
const RENEW_MS = 1500;
const MOODS = { SUCCESS: 'good', delivered: 'good', REFUND: 'wait', PROCESSING: 'wait', pending: 'wait', NOTPAY: 'wait',
  ABNORMAL: 'bad', lost: 'bad', exhausted: 'bad' };
const CHINESE = { NOTPAY: '未支付', SUCCESS: '成功', REFUND: '转入退款', CLOSED: '已关闭', PROCESSING: '处理中',
  ABNORMAL: '异常', delivered: '已送达', pending: '待送达', lost: '丢失', exhausted: '已放弃' };
const badge = (state) =>
  element('div', { class: 'state' }, element('span', { class: 'badge ' + (MOODS[state] || '') }, state + ' ' + (CHINESE[state] || '')));
const small = (...text) => element('small', {}, text.filter(Boolean).join(' · '));
const clock = (time) => time.slice(0, 19).replace('T', ' ');
const CHINA_OFFSET_MS = 8 * 60 * 60 * 1000;
const time = (milliseconds) => new Date(milliseconds + CHINA_OFFSET_MS).toISOString().slice(11, 23);
const row = (title, details, money, state, actions, ...more) => element('div', { class: 'row' },
  element('div', { class: 'title' }, title, details), element('div', { class: 'money' }, money), state,
  element('div', { class: 'actions' }, ...actions), ...more);
const button = (text, method, path, body, look) => element('button', { class: look || '', onclick: async () => {
  try { await control(method, path, body); } catch (error) { alert(error.message); }
  await renew();
} }, text);

function orderRow(order) {
  const path = '/orders/' + encodeURIComponent(order.out_trade_no);
  const actions = order.payable ? [
    element('a', { href: '/_simulator/scan?code_url=' + encodeURIComponent(order.code_url) }, 'Phone'),
    button('Pay', 'POST', path + '/pay', {}, 'primary'),
    button('Wrong password', 'POST', path + '/fail', { reason: 'wrong_password' }),
  ] : [];
  const failed = order.failed_attempts.length;
  return row(order.description,
    small(order.out_trade_no, clock(order.created_at), failed && failed + ' failed attempt' + (failed > 1 ? 's' : ''),
      order.transaction_id, order.amount.refunded && 'refunded ' + yuan(order.amount.refunded)),
    yuan(order.amount.total), badge(order.trade_state), actions);
}
function refundRow(refund) {
  const path = '/refunds/' + encodeURIComponent(refund.out_refund_no) + '/finish';
  const outcomes = { PROCESSING: ['SUCCESS', 'ABNORMAL', 'CLOSED'], ABNORMAL: ['SUCCESS', 'CLOSED'] }[refund.status] || [];
  return row(refund.out_refund_no,
    small('order ' + refund.out_trade_no, clock(refund.created_at), refund.reason),
    yuan(refund.amount.refund), badge(refund.status),
    outcomes.map((status) => button(status, 'POST', path, { status }, status === 'SUCCESS' ? 'primary' : '')));
}
function notificationRow(notification) {
  const attempts = notification.attempts.map((attempt) => element('li', {}, time(attempt.time) + ' ',
    element('b', {}, attempt.error || String(attempt.status)), attempt.fault ? ' (fault: ' + attempt.fault + ')' : ''));
  const next = notification.next_attempt_at && 'next ' + clock(notification.next_attempt_at).slice(11);
  return row(notification.event_type,
    small(notification.out_refund_no || notification.out_trade_no, notification.notify_url, next),
    '', badge(notification.status),
    [button('Send again', 'POST', '/notifications/' + notification.id + '/redeliver', {})],
    attempts.length ? element('ol', { class: 'attempts' }, ...attempts) : undefined);
}
function faultRow(rule) {
  return row(rule.operation + ' → ' + rule.kind,
    small(rule.out_trade_no && 'order ' + rule.out_trade_no, rule.out_refund_no && 'refund ' + rule.out_refund_no,
      rule.probability < 1 && 'probability ' + rule.probability, rule.delay_ms !== undefined && rule.delay_ms + ' ms',
      rule.processed && 'processed'),
    '', element('div', { class: 'state' }, element('span', { class: 'badge bad' }, rule.times === null ? 'for ever' : '× ' + rule.times)),
    [button('Remove', 'DELETE', '/faults/' + rule.id)]);
}
const firedRow = (fired) => row(fired.operation + ' → ' + fired.kind, small(time(fired.time), fired.out_trade_no, fired.out_refund_no),
  '', element('div'), []);

const shown = {};
function fill(id, entries, toRow, nothing, total) {
  const text = JSON.stringify(entries);
  if (byId(id + '-count')) byId(id + '-count').textContent = total > SHOWN ? 'newest ' + SHOWN + ' of ' + total : String(total);
  // Only what changed is drawn anew, so that a button is not swapped under the pointer.
  if (shown[id] === text) return;
  shown[id] = text;
  byId(id).replaceChildren(...(entries.length ? entries.map(toRow) : [element('p', { class: 'empty' }, nothing)]));
}
async function renew() {
  const page = '?limit=' + SHOWN;
  const [orders, refunds, notifications, state] = await Promise.all([control('GET', '/orders' + page),
    control('GET', '/refunds' + page), control('GET', '/notifications' + page), control('GET', '/state')]);
  byId('merchant').textContent = 'mchid ' + state.mchid + ' · ' + state.appid + ' · no real money moves here';
  fill('orders', orders.orders, orderRow, 'No orders yet. They appear when a merchant places one.', state.orders);
  fill('refunds', refunds.refunds, refundRow, 'No refunds yet.', state.refunds);
  fill('notifications', notifications.notifications, notificationRow, 'No notifications yet.', state.notifications);
  fill('faults', state.faults, faultRow, 'Everything works.', state.faults.length);
  fill('fault-log', state.fault_log.slice(-SHOWN).reverse(), firedRow, 'No fault has fired.', state.fault_log.length);
}
const form = byId('fault-form');
const options = (select, values) => select.replaceChildren(...values.map((value) => element('option', {}, value)));
options(form.elements.operation, Object.keys(FAULT_KINDS));
const showKinds = () => options(form.elements.kind, FAULT_KINDS[form.elements.operation.value]);
form.elements.operation.onchange = showKinds;
showKinds();
form.onsubmit = async (event) => {
  event.preventDefault();
  const { operation, kind, out_trade_no, times, delay_ms } = form.elements;
  const rule = { operation: operation.value, kind: kind.value, times: times.value ? Number(times.value) : null };
  if (out_trade_no.value.trim()) rule.out_trade_no = out_trade_no.value.trim();
  if (delay_ms.value) rule.delay_ms = Number(delay_ms.value);
  byId('error').textContent = '';
  try { await control('POST', '/faults', rule); } catch (error) { byId('error').textContent = error.message; }
  await renew();
};
byId('clear-faults').onclick = async () => { await control('DELETE', '/faults'); await renew(); };
async function keepRenewing() {
  if (!document.hidden) await renew().catch(() => { byId('merchant').textContent = 'The simulator does not answer.'; });
  setTimeout(keepRenewing, RENEW_MS);
}
keepRenewing();
`;
