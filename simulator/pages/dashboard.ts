import { FAULT_DESCRIPTIONS, PARAMETER_KINDS } from '../faults/fault.ts';
import { REFUSAL_CODES } from '../refusals.ts';
import { V2_ERROR_CODES } from '../v2/error.ts';
import { FAULT_KINDS } from '../v3/operations/index.ts';
import { dashboardScript } from './dashboard-script.ts';
import { script, style } from './style.ts';

/** The overview for people: orders of all merchants, refunds, notifications with their attempts, complaints, the clock, and faults. Renews itself. */
export const dashboardPage = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>WeChat Pay simulator · 微信支付</title>
<link rel="icon" href="data:,">
<style>${style}
header { background: var(--green); color: #fff; padding: 18px max(16px, calc(50vw - 560px)); }
header h1 { margin: 0; font-size: 20px; }
header p { margin: 2px 0 0; opacity: .9; font-size: 13px; overflow-wrap: anywhere; }
main { max-width: 1152px; margin: 0 auto; padding: 16px; display: grid; gap: 16px; grid-template-columns: minmax(0, 1fr); }
section { background: var(--card); border-radius: 12px; padding: 16px; }
h2 { margin: 0 0 8px; font-size: 16px; display: flex; flex-wrap: wrap; align-items: baseline; gap: 0 8px; }
h2 span { color: var(--soft); font-weight: 400; font-size: 13px; }
h2 button { margin-left: auto; font-size: 13px; font-weight: 400; white-space: nowrap; }
.row:last-child { padding-bottom: 0; }
.row { border-top: 1px solid var(--line); padding: 10px 0; display: grid; gap: 2px 16px; align-items: center;
  grid-template-columns: minmax(0, 1fr) 90px 150px 350px; }
.row > * { min-width: 0; }
.row .title { overflow-wrap: anywhere; }
.row small { display: block; color: var(--soft); overflow-wrap: anywhere; }
.money { text-align: right; font-variant-numeric: tabular-nums; font-weight: 600; }
.actions { display: flex; gap: 8px; justify-content: flex-end; flex-wrap: wrap; }
.actions button, .actions a { font-size: 13px; }
.actions a { color: #576b95; text-decoration: none; align-self: center; }
.badge { display: inline-block; border-radius: 99px; padding: 1px 10px; font-size: 12px; background: #eee; color: var(--soft);
  white-space: nowrap; }
.badge.good { background: #e3f8ec; color: #04713a; }
.badge.bad { background: #fdeaea; color: var(--red); }
.badge.wait { background: #fff4e0; color: var(--amber); }
.empty { color: var(--soft); border-top: 1px solid var(--line); padding: 12px 0 0; margin: 0; }
.attempts { grid-column: 1 / -1; font-size: 13px; color: var(--soft); margin: 4px 0 0; padding-left: 20px; }
.attempts b { font-weight: 600; color: var(--ink); }
form { display: flex; flex-wrap: wrap; gap: 8px; padding: 4px 0 12px; align-items: end; }
label { font-size: 12px; color: var(--soft); display: grid; gap: 2px; flex: 1 1 140px; min-width: 0; }
select, input { border: 1px solid #d5d5d5; border-radius: 8px; padding: .4em .6em; background: #fff; font-size: 14px; width: 100%;
  color: var(--ink); }
label.check { display: flex; align-items: center; gap: 6px; color: var(--ink); font-size: 13px; }
label.check input { width: auto; }
.hint { color: var(--soft); font-size: 13px; flex-basis: 100%; margin: 0; }
.hint:empty { display: none; }
.moves { display: flex; flex-wrap: wrap; gap: 8px; align-items: center; }
.moves small { color: var(--soft); font-size: 13px; }
#error { color: var(--red); font-size: 13px; flex-basis: 100%; margin: 0; }
#error:empty { display: none; }
@media (max-width: 820px) {
  .row { row-gap: 6px; }
  .row { grid-template-columns: minmax(0, 1fr) auto; }
  .row .state, .row .actions { grid-column: 1 / -1; justify-content: flex-start; }
  .row .actions:empty, .row .state:empty { display: none; }
}
</style>
</head>
<body>
<header><h1>WeChat Pay simulator 微信支付模拟器</h1><p id="merchant">no real money moves here</p></header>
<main>
<section><h2>Orders 订单 <span id="orders-count"></span></h2><div id="orders" data-testid="orders"></div></section>
<section><h2>Refunds 退款 <span id="refunds-count"></span></h2><div id="refunds" data-testid="refunds"></div></section>
<section><h2>Notifications 通知 <span id="notifications-count"></span></h2><div id="notifications" data-testid="notifications"></div></section>
<section><h2>Complaints 投诉 <span id="complaints-count"></span></h2><div id="complaints" data-testid="complaints"></div></section>
<section><h2>Clock 时钟 <span id="clock-time" data-testid="clock"></span></h2>
<div class="moves">
  <button data-advance="60">+ 1 minute</button>
  <button data-advance="3600">+ 1 hour</button>
  <button data-advance="86400" data-testid="advance-day">+ 1 day</button>
  <button data-advance="604800">+ 7 days</button>
  <button id="clock-reset">Real time</button>
  <small>Retries, refunds and expiries happen on the way. Signatures keep real time.</small>
</div></section>
<section><h2>Faults 故障 <span>what goes wrong next</span><button id="clear-faults">Remove all</button></h2>
<form id="fault-form">
  <label>Operation<select name="operation" data-testid="fault-operation"></select></label>
  <label>Fault<select name="kind" data-testid="fault-kind"></select></label>
  <label>Times (empty: for ever)<input name="times" type="number" min="1" value="1"></label>
  <label>Probability<input name="probability" type="number" min="0" max="1" step="any" placeholder="1"></label>
  <label>Only call number<input name="nth" type="number" min="1"></label>
  <label>From call number<input name="after" type="number" min="1"></label>
  <label>Only merchant<input name="mchid" autocomplete="off"></label>
  <label>Only order<input name="out_trade_no" autocomplete="off"></label>
  <label>Only refund<input name="out_refund_no" autocomplete="off"></label>
  <label>Only bills of<input name="bill_date" type="date"></label>
  <label data-parameter="delay_ms">Delay in ms<input name="delay_ms" type="number" min="0"></label>
  <label data-parameter="skew_ms">Timestamp off by ms<input name="skew_ms" type="number"></label>
  <label data-parameter="lag_ms">Lag in ms<input name="lag_ms" type="number" min="1"></label>
  <label data-parameter="copies">Copies<input name="copies" type="number" min="2"></label>
  <label data-parameter="code">Code<select name="code"></select></label>
  <label data-parameter="within">Until the next of the<select name="within"><option>merchant</option><option>order</option></select></label>
  <label data-parameter="freshly_signed" class="check"><input name="freshly_signed" type="checkbox"> signed anew</label>
  <label data-parameter="processed" class="check"><input name="processed" type="checkbox"> takes effect all the same</label>
  <button class="primary" data-testid="fault-add">Arrange</button>
  <p class="hint" id="fault-meaning"></p>
  <p id="error" role="alert"></p>
</form>
<p class="hint" id="replaying"></p>
<div id="faults" data-testid="faults"></div></section>
<section><h2>Fault log 故障记录 <span id="fault-log-count"></span></h2><div id="fault-log" data-testid="fault-log"></div></section>
</main>
<script>${script}
const FAULT_KINDS = ${JSON.stringify(FAULT_KINDS)};
const DESCRIPTIONS = ${JSON.stringify(FAULT_DESCRIPTIONS)};
const PARAMETER_KINDS = ${JSON.stringify(PARAMETER_KINDS)};
const CODES = ${JSON.stringify({ v3: REFUSAL_CODES, v2: V2_ERROR_CODES })};
${dashboardScript}
</script>
</body>
</html>
`;
