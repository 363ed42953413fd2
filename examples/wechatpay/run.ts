import { parseArgs } from 'node:util';
import { WechatPay, WechatPayGlobal, WechatPayPartner } from '../../wechatpay/index.ts';
import { credentials } from './credentials.ts';

/** `node --import=tsx examples/wechatpay/run.ts --credentials DIR native` runs one example and prints what it gives back. */
const { values, positionals } = parseArgs({
  options: { credentials: { type: 'string', default: './credentials' } },
  allowPositionals: true,
});
const [name, ...args] = positionals;
if (!name || !/^[a-z0-9]+$/.test(name)) {
  console.error('usage: run.ts [--credentials DIR] EXAMPLE [ARGUMENT …]');
  process.exit(2);
}
const folder = values.credentials;
const pay =
  name === 'partner'
    ? new WechatPayPartner(credentials(folder, 'provider'))
    : name === 'overseas'
      ? new WechatPayGlobal(credentials(folder, 'overseas'))
      : new WechatPay(credentials(folder));
const { default: example } = await import(`./${name}.ts`);
console.log(await example(pay, ...args));
await pay.close();
