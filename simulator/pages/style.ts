/** What both pages share: colours of WeChat, system fonts, no external assets. */
export const style = `
:root { --green: #07c160; --green-dark: #06ad56; --ink: #191919; --soft: #6b6b6b; --line: #e7e7e7; --page: #ededed;
  --red: #d9363e; --amber: #b26a00; --card: #fff; color-scheme: light; }
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink);
  font: 15px/1.5 -apple-system, BlinkMacSystemFont, "Segoe UI", "PingFang SC", "Noto Sans SC", "Microsoft YaHei", sans-serif; }
button, select, input { font: inherit; color: inherit; }
button { cursor: pointer; border: 0; border-radius: 8px; padding: .45em .9em; background: #f2f2f2; }
button:hover { background: #e6e6e6; }
button.primary { background: var(--green); color: #fff; font-weight: 600; }
button.primary:hover { background: var(--green-dark); }
button:disabled { opacity: .5; cursor: default; }
:focus-visible { outline: 3px solid #07c16066; outline-offset: 2px; }
[hidden] { display: none !important; }
`;

/** Client-side code of both pages: amounts from integers, and the control API. */
export const script = `
const money = (units, currency) => {
  const sign = currency === 'CNY' ? '¥' : currency + ' ';
  // These have no smaller unit.
  if (currency === 'JPY' || currency === 'KRW') return sign + units;
  return sign + Math.trunc(units / 100) + '.' + String(units % 100).padStart(2, '0');
};
async function control(method, path, body) {
  const answer = await fetch('/_simulator' + path, {
    method, body: body && JSON.stringify(body), headers: body && { 'content-type': 'application/json' },
  });
  const value = answer.status === 204 ? undefined : await answer.json();
  if (!answer.ok) throw new Error(value.error);
  return value;
}
function element(name, attributes = {}, ...children) {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (value !== undefined && value !== false) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== undefined && child !== null));
  return node;
}
`;
