import { readFile, writeFile } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import { COMPLAINT_CASES, GLOBAL_COMPLAINT_CASES } from '../test/unit/wechatpay/cases/complaints.ts';
import { GLOBAL_CASES } from '../test/unit/wechatpay/cases/global.ts';
import { GLOBAL_PARTNER_CASES } from '../test/unit/wechatpay/cases/global-partner.ts';
import { MERCHANT_CASES } from '../test/unit/wechatpay/cases/merchant.ts';
import { PARTNER_CASES } from '../test/unit/wechatpay/cases/partner.ts';
import { V2_CASES } from '../test/unit/wechatpay/v2/cases.ts';
import type { RateLimit } from '../wechatpay/endpoint.ts';
import { ENDPOINTS, type EndpointName } from '../wechatpay/endpoints.ts';

/** What this document needs of a case, whichever API it is about. */
export interface NamedCase {
  /** Name of the endpoint. */
  call: string;
  name: string;
  /** What arrives, where the case says so. */
  method?: string;
  target?: string;
  /** There when the case is about a refusal. */
  fails?: unknown;
}

/** A table of cases. */
export interface CaseTable {
  /** As whom the calls are made. */
  role: string;
  /** The test that runs the cases, below `test/unit/wechatpay/`. */
  runBy: string;
  cases: readonly NamedCase[];
}

/** Every table of cases that a test runs. */
export const CASE_TABLES: readonly CaseTable[] = [
  { role: 'merchant', runBy: 'endpoints.test.ts', cases: MERCHANT_CASES },
  { role: 'service provider', runBy: 'endpoints.test.ts', cases: PARTNER_CASES },
  { role: 'merchant', runBy: 'complaints.test.ts', cases: COMPLAINT_CASES },
  { role: 'overseas merchant', runBy: 'global.test.ts', cases: GLOBAL_CASES },
  { role: 'overseas institution', runBy: 'global.test.ts', cases: GLOBAL_PARTNER_CASES },
  { role: 'overseas merchant', runBy: 'complaints.test.ts', cases: GLOBAL_COMPLAINT_CASES },
  { role: 'merchant', runBy: 'v2/endpoints.test.ts', cases: V2_CASES },
];

/** Where the document lies. */
export const COVERAGE_FILE = new URL('../docs/wechatpay-coverage.md', import.meta.url);

const SECTIONS: { title: string; has: (name: string) => boolean }[] = [
  { title: 'Mainland China, v3', has: (name) => !/^(global|v2)\./.test(name) },
  { title: 'Overseas, v3', has: (name) => name.startsWith('global.') },
  { title: 'Mainland China, v2', has: (name) => name.startsWith('v2.') },
];

/** The document as the endpoint tables and the tables of cases give it. */
export function coverage(): string {
  const sections = SECTIONS.flatMap(({ title, has }) => [
    `## ${title}`,
    '',
    '| call | method | path | path for service providers | limit | proven by |',
    '|---|---|---|---|---|---|',
    ...(Object.keys(ENDPOINTS) as EndpointName[]).filter(has).map(row),
    '',
  ]);
  return `${[
    '# WeChat Pay calls and what proves them',
    '',
    'Made from the endpoint tables in `wechatpay/` and the tables of cases that the tests in `test/unit/wechatpay/` run, by',
    '`node --import=tsx dev/wechatpay-coverage.ts`; a test fails when it is out of date. The name of a call is where it is on the client.',
    'Limits are those documented for one merchant number; where there is none, none is documented.',
    '',
    ...sections,
  ]
    .join('\n')
    .trimEnd()}\n`;
}

function row(name: EndpointName): string {
  const { method, path, partnerPath, host = '', rateLimit, clientCertificate } = ENDPOINTS[name];
  const cells = [
    `\`${name}\``,
    method,
    `\`${host}${path}\`${clientCertificate ? ', with the client certificate' : ''}`,
    partnerPath ? `\`${partnerPath}\`` : '',
    rateLimit ? limit(rateLimit) : '',
    proofs(name),
  ];
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function limit({ requests, perSeconds, failing }: RateLimit): string {
  const per = perSeconds === 1 ? 's' : perSeconds === 60 ? 'min' : `${perSeconds} s`;
  return `${requests}/${per}${failing === undefined ? '' : `, ${failing}/${per} failing`}`;
}

/** The cases of a call; refusals are the same for many calls and only counted. */
function proofs(call: EndpointName): string {
  return CASE_TABLES.flatMap(({ role, runBy, cases }) => {
    const own = cases.filter((one) => one.call === call);
    const refusals = own.filter(({ fails }) => fails !== undefined).length;
    const names = own.filter(({ fails }) => fails === undefined).map(({ name }) => name);
    if (refusals > 0) names.push(`${refusals} ways of failing`);
    return names.length === 0 ? [] : [`\`${runBy}\`, ${role}: ${names.join('; ')}`];
  }).join('<br>');
}

async function main(): Promise<void> {
  const wanted = coverage();
  if (!process.argv.includes('--check')) return await writeFile(COVERAGE_FILE, wanted);
  if ((await readFile(COVERAGE_FILE, 'utf8').catch(() => '')) === wanted) return;
  console.error('docs/wechatpay-coverage.md is out of date: run node --import=tsx dev/wechatpay-coverage.ts');
  process.exitCode = 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) await main();
