import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { WechatPay, WechatPayGlobal, WechatPayPartner } from '../../wechatpay/index.ts';
import { credentials } from './credentials.ts';

/** The examples, with their arguments. */
const EXAMPLES: Record<string, string> = {
  native: '',
  jsapi: 'OPENID',
  app: '',
  h5: '',
  codepay: 'AUTH_CODE',
  combined: 'MCHID',
  settle: 'OUT_TRADE_NO',
  refund: 'OUT_TRADE_NO',
  bills: 'yyyy-MM-dd',
  partner: 'SUB_MCHID',
  complaints: 'MCHID BEGIN_DATE END_DATE',
  overseas: '',
  v2: '',
};
const USAGE = `usage: node --import=tsx examples/wechatpay/run.ts [--credentials DIR] EXAMPLE [ARGUMENT …]

Runs one example and prints what it gives back. DIR (default ./credentials) is what the simulator writes, or your own.

${Object.entries(EXAMPLES)
  .map(([name, args]) => `  ${name} ${args}`.trimEnd())
  .join('\n')}`;

const { values, positionals } = parseArgs({
  options: {
    credentials: { type: 'string', default: './credentials' },
    help: { type: 'boolean', short: 'h', default: false },
  },
  allowPositionals: true,
});
const [name = '', ...args] = positionals;
const folder = values.credentials;
const expected = EXAMPLES[name];
if (values.help || expected === undefined || args.length < expected.split(' ').filter(Boolean).length) {
  console.error(USAGE);
  process.exit(values.help ? 0 : 2);
}
if (!existsSync(join(folder, 'merchant.json'))) {
  console.error(`${folder} has no merchant.json: start the simulator with --credentials ${folder}`);
  process.exit(2);
}
const pay =
  name === 'partner'
    ? new WechatPayPartner(credentials(folder, 'provider'))
    : name === 'overseas'
      ? new WechatPayGlobal(credentials(folder, 'overseas'))
      : new WechatPay(credentials(folder));
try {
  const { default: example } = await import(`./${name}.ts`);
  console.log(await example(pay, ...args));
} catch (error) {
  console.error((error as Error).message);
  process.exitCode = 1;
} finally {
  await pay.close();
}
