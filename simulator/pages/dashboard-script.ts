/** Client-side code of the overview. Everything is put in as text, so that no description can become markup. */
export const dashboardScript = `
const byId = (id) => document.getElementById(id);
const SHOWN = 50;
const RENEW_MS = 1500;
const MOODS = { SUCCESS: 'good', delivered: 'good', PROCESSED: 'good', REFUND: 'wait', PROCESSING: 'wait', pending: 'wait', NOTPAY: 'wait',
  USERPAYING: 'wait', PENDING: 'wait', ABNORMAL: 'bad', PAYERROR: 'bad', lost: 'bad', exhausted: 'bad' };
const CHINESE = { NOTPAY: '未支付', USERPAYING: '用户支付中', PAYERROR: '支付失败', SUCCESS: '成功', REFUND: '转入退款', CLOSED: '已关闭',
  REVOKED: '已撤销', PROCESSING: '处理中', ABNORMAL: '异常', delivered: '已送达', pending: '待送达', lost: '丢失', exhausted: '已放弃',
  PENDING: '待处理', PROCESSED: '已处理' };
const badge = (state) =>
  element('div', { class: 'state' }, element('span', { class: 'badge ' + (MOODS[state] || '') }, state + ' ' + (CHINESE[state] || '')));
const small = (...text) => element('small', {}, text.filter(Boolean).join(' · '));
const clock = (time) => time.slice(0, 19).replace('T', ' ');
const CHINA_OFFSET_MS = 8 * 60 * 60 * 1000;
const time = (milliseconds) => new Date(milliseconds + CHINA_OFFSET_MS).toISOString().slice(0, 23).replace('T', ' ');
const row = (title, details, amount, state, actions, ...more) => element('div', { class: 'row' },
  element('div', { class: 'title' }, title, details), element('div', { class: 'money' }, amount), state,
  element('div', { class: 'actions' }, ...actions), ...more);
async function act(method, path, body) {
  try { await control(method, path, body); } catch (error) { alert(error.message); }
  await renew();
}
const button = (text, method, path, body, look) =>
  element('button', { class: look || '', onclick: () => act(method, path, body) }, text);
const merchantOf = ({ mchid, sub_mchid, complainted_mchid }) => {
  const other = sub_mchid || (complainted_mchid !== mchid && complainted_mchid);
  return other ? mchid + ' for ' + other : mchid;
};

function orderRow(order) {
  const path = '/orders/' + encodeURIComponent(order.out_trade_no);
  const owner = '?mchid=' + order.mchid;
  const code = order.code_url || order.prepay_id;
  const actions = [];
  if (order.payable) actions.push(
    code ? element('a', { href: '/_simulator/scan?code_url=' + encodeURIComponent(code), 'data-testid': 'phone' }, 'Phone') : undefined,
    button('Pay', 'POST', path + '/pay' + owner, {}, 'primary'),
    button('Wrong password', 'POST', path + '/fail' + owner, { reason: 'wrong_password' }),
    button('Expire', 'POST', path + '/expire' + owner));
  if (order.trade_state === 'SUCCESS' || order.trade_state === 'REFUND')
    actions.push(button('Complain', 'POST', '/complaints', { out_trade_no: order.out_trade_no, mchid: order.mchid, problem_type: 'REFUND' }));
  const failed = order.failed_attempts.length;
  const { total, payer_total, refunded, currency } = order.amount;
  return row(order.description,
    small(order.out_trade_no, merchantOf(order), order.trade_type, clock(order.created_at),
      order.combine_out_trade_no && 'part of ' + order.combine_out_trade_no, failed && failed + ' failed attempt' + (failed > 1 ? 's' : ''),
      order.transaction_id, payer_total < total && 'paid ' + money(payer_total, currency), refunded && 'refunded ' + money(refunded, currency)),
    money(total, currency), badge(order.trade_state), actions.filter(Boolean));
}
function refundRow(refund) {
  const path = '/refunds/' + encodeURIComponent(refund.out_refund_no) + '/finish?mchid=' + refund.mchid;
  const outcomes = { PROCESSING: ['SUCCESS', 'ABNORMAL', 'CLOSED'], ABNORMAL: ['SUCCESS', 'CLOSED'] }[refund.status] || [];
  return row(refund.out_refund_no,
    small('order ' + refund.out_trade_no, refund.mchid, clock(refund.created_at), refund.reason),
    money(refund.amount.refund, refund.amount.currency), badge(refund.status),
    outcomes.map((status) => button(status, 'POST', path, { status }, status === 'SUCCESS' ? 'primary' : '')));
}
function notificationRow(notification) {
  const attempts = notification.attempts.map((attempt) => element('li', {}, time(attempt.time) + ' ',
    element('b', {}, attempt.error || String(attempt.status)), attempt.fault ? ' (fault: ' + attempt.fault + ')' : ''));
  const next = notification.next_attempt_at && 'next ' + clock(notification.next_attempt_at);
  return row(notification.event_type,
    small(notification.out_refund_no || notification.complaint_id || notification.out_trade_no, notification.mchid,
      notification.notify_url, next),
    '', badge(notification.status),
    [button('Send again', 'POST', '/notifications/' + notification.id + '/redeliver')],
    attempts.length ? element('ol', { class: 'attempts' }, ...attempts) : undefined);
}
function complaintRow(complaint) {
  const path = '/complaints/' + complaint.complaint_id;
  const history = complaint.history.map((entry) =>
    element('li', {}, clock(entry.time) + ' ', element('b', {}, entry.operate_type), entry.details ? ' ' + entry.details : ''));
  return row(complaint.complaint_detail,
    small(complaint.complaint_id, merchantOf(complaint), 'order ' + complaint.out_trade_no, complaint.problem_type,
      complaint.incoming_user_response && 'waits for the merchant', complaint.full_refunded && 'refunded'),
    '', badge(complaint.complaint_state),
    [['Write', 'respond'], ['Again', 'continue'], ['Confirm', 'confirm'], ['Revoke', 'revoke']].map(([text, action]) =>
      button(text, 'POST', path + '/' + action, {})),
    element('ol', { class: 'attempts' }, ...history));
}
const PARAMETERS = ['delay_ms', 'skew_ms', 'lag_ms', 'copies', 'code', 'within'];
const parametersOf = (fault) => PARAMETERS.map((name) => fault[name] !== undefined && name + ' ' + fault[name])
  .concat(fault.processed && 'processed', fault.freshly_signed && 'freshly signed');
function faultRow(rule) {
  return row(rule.operation + ' → ' + rule.kind,
    small(rule.mchid, rule.out_trade_no && 'order ' + rule.out_trade_no, rule.out_refund_no && 'refund ' + rule.out_refund_no,
      rule.event_type, rule.bill_date, rule.nth && 'call ' + rule.nth, rule.after && 'from call ' + rule.after, rule.seen && rule.seen + ' calls so far',
      rule.probability < 1 && 'probability ' + rule.probability, ...parametersOf(rule)),
    '', element('div', { class: 'state' }, element('span', { class: 'badge bad' }, rule.times === null ? 'for ever' : '× ' + rule.times)),
    [button('Remove', 'DELETE', '/faults/' + rule.id)]);
}
const firedRow = (fired) => row(fired.operation + ' → ' + fired.kind,
  small(time(fired.time), 'call ' + fired.call, fired.out_trade_no, fired.out_refund_no, fired.bill_date, ...parametersOf(fired.parameters)), '', element('div'), []);

const shown = {};
function fill(id, entries, toRow, nothing, total) {
  const text = JSON.stringify(entries);
  if (byId(id + '-count')) byId(id + '-count').textContent = total > SHOWN ? 'newest ' + SHOWN + ' of ' + total : String(total);
  // Only what changed is drawn anew, so that a button is not swapped under the pointer.
  if (shown[id] === text) return;
  shown[id] = text;
  byId(id).replaceChildren(...(entries.length ? entries.map(toRow) : [element('p', { class: 'empty' }, nothing)]));
}
const LISTS = [
  ['orders', '/orders', orderRow, 'No orders yet. They appear when a merchant places one.'],
  ['refunds', '/refunds', refundRow, 'No refunds yet.'],
  ['notifications', '/notifications', notificationRow, 'No notifications yet.'],
  ['complaints', '/complaints', complaintRow, 'Nobody complains.'],
  ['faults', '/fault-log', firedRow, 'No fault has fired.', 'fault-log', '&order=newest'],
];
async function renew() {
  const [{ merchants }, { faults }, { waiting }, now, ...lists] = await Promise.all([control('GET', '/merchants'), control('GET', '/faults'),
    control('GET', '/replay'), control('GET', '/clock'),
    ...LISTS.map(([, path, , , , more]) => control('GET', path + '?limit=' + SHOWN + (more || '')))]);
  byId('merchant').textContent = 'mchid ' + merchants[0].mchid + ' · ' + merchants[0].appid + ' · ' + merchants.length +
    ' merchants and service providers · no real money moves here';
  byId('clock-time').textContent = clock(now.time) + (Math.abs(now.offset_ms) < 1000 ? '' : ' · not the real time');
  LISTS.forEach(([name, , toRow, nothing, id], index) => fill(id || name, lists[index][name], toRow, nothing, lists[index].total));
  fill('faults', faults, faultRow, 'Everything works.', faults.length);
  byId('replaying').textContent = waiting === null ? '' : 'An earlier run is replayed: ' + waiting + ' faults to come; the arranged ones rest.';
}
for (const move of document.querySelectorAll('[data-advance]'))
  move.onclick = () => act('POST', '/clock', { advance_ms: Number(move.dataset.advance) * 1000 });
byId('clock-reset').onclick = () => act('POST', '/clock', { reset: true });

const form = byId('fault-form');
const options = (select, values) => select.replaceChildren(...values.map((value) => element('option', {}, value)));
const patterns = ['*', ...new Set(Object.keys(FAULT_KINDS).map((name) => name.replace(/^.*\\.create$/, '*.create').replace(/^(\\w+)\\.\\w+$/, '$1.*')))];
const operations = [...patterns.filter((name) => name.includes('*')), ...Object.keys(FAULT_KINDS)];
function kindsOf(operation) {
  if (FAULT_KINDS[operation]) return FAULT_KINDS[operation];
  const expression = new RegExp('^' + operation.split('*').map((part) => part.replaceAll('.', '\\\\.')).join('.*') + '$');
  const matching = Object.keys(FAULT_KINDS).filter((name) => expression.test(name) && !DESCRIPTIONS[name]);
  return [...new Set(matching.flatMap((name) => FAULT_KINDS[name]))];
}
function showParameters() {
  const kind = form.elements.kind.value;
  for (const field of form.querySelectorAll('[data-parameter]')) {
    const meant = PARAMETER_KINDS[field.dataset.parameter];
    field.hidden = meant !== undefined && !meant.includes(kind);
  }
  byId('fault-meaning').textContent = (DESCRIPTIONS[form.elements.operation.value] || DESCRIPTIONS.answer)[kind] || '';
}
function showKinds() {
  const operation = form.elements.operation.value;
  options(form.elements.kind, kindsOf(operation));
  options(form.elements.code, operation.startsWith('v2.') ? CODES.v2 : CODES.v3);
  showParameters();
}
options(form.elements.operation, operations);
form.elements.operation.onchange = showKinds;
form.elements.kind.onchange = showParameters;
form.elements.operation.value = 'native.create';
showKinds();
form.onsubmit = async (event) => {
  event.preventDefault();
  const rule = { times: null };
  for (const field of form.elements) {
    if (!field.name || field.closest('[hidden]')) continue;
    const text = field.value.trim();
    if (field.type === 'checkbox') { if (field.checked) rule[field.name] = true; }
    else if (text !== '') rule[field.name] = field.type === 'number' ? Number(text) : text;
  }
  byId('error').textContent = '';
  try { await control('POST', '/faults', rule); } catch (error) { byId('error').textContent = error.message; }
  await renew();
};
byId('clear-faults').onclick = () => act('DELETE', '/faults');
async function keepRenewing() {
  if (!document.hidden) await renew().catch(() => { byId('merchant').textContent = 'The simulator does not answer.'; });
  setTimeout(keepRenewing, RENEW_MS);
}
keepRenewing();
`;
