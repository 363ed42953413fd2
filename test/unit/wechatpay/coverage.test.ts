import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { CASE_TABLES, COVERAGE_FILE, coverage, type NamedCase } from '../../../dev/wechatpay-coverage.ts';
import { WechatPayGlobal } from '../../../wechatpay/global/client.ts';
import { ENDPOINTS, type Endpoint, type EndpointName, WechatPay } from '../../../wechatpay/index.ts';
import { isCallOf } from './cases/template.ts';
import { keys, options } from './signing-gateway.ts';

/** Every call of these products that is officially documented, one a line. */
const DOCUMENTED = `
Certificates and echo
GET /v3/certificates
POST /v3/security/echo

Orders
POST /v3/pay/transactions/jsapi
POST /v3/pay/transactions/app
POST /v3/pay/transactions/h5
POST /v3/pay/transactions/native
GET /v3/pay/transactions/out-trade-no/{out_trade_no}
GET /v3/pay/transactions/id/{transaction_id}
POST /v3/pay/transactions/out-trade-no/{out_trade_no}/close
POST /v3/pay/partner/transactions/jsapi
POST /v3/pay/partner/transactions/app
POST /v3/pay/partner/transactions/h5
POST /v3/pay/partner/transactions/native
GET /v3/pay/partner/transactions/out-trade-no/{out_trade_no}
GET /v3/pay/partner/transactions/id/{transaction_id}
POST /v3/pay/partner/transactions/out-trade-no/{out_trade_no}/close

Payment codes
POST /v3/pay/transactions/codepay
POST /v3/pay/transactions/out-trade-no/{out_trade_no}/reverse
POST /v3/pay/partner/transactions/codepay
POST /v3/pay/partner/transactions/out-trade-no/{out_trade_no}/reverse

Refunds
POST /v3/refund/domestic/refunds
GET /v3/refund/domestic/refunds/{out_refund_no}
POST /v3/refund/domestic/refunds/{refund_id}/apply-abnormal-refund

Combined orders
POST /v3/combine-transactions/jsapi
POST /v3/combine-transactions/app
POST /v3/combine-transactions/h5
POST /v3/combine-transactions/native
GET /v3/combine-transactions/out-trade-no/{combine_out_trade_no}
POST /v3/combine-transactions/out-trade-no/{combine_out_trade_no}/close

Bills
GET /v3/bill/tradebill
GET /v3/bill/fundflowbill
GET /v3/bill/sub-merchant-fundflowbill
GET /v3/ecommerce/bill/fundflowbill
GET /v3/billdownload/file

Complaints
GET /v3/merchant-service/complaints-v2
GET /v3/merchant-service/complaints-v2/{complaint_id}
GET /v3/merchant-service/complaints-v2/{complaint_id}/negotiation-historys
POST /v3/merchant-service/complaints-v2/{complaint_id}/response
POST /v3/merchant-service/complaints-v2/{complaint_id}/complete
POST /v3/merchant-service/complaints-v2/{complaint_id}/update-refund-progress
POST /v3/merchant-service/complaints-v2/{complaint_id}/response-immediate-service
POST /v3/merchant-service/complaint-notifications
GET /v3/merchant-service/complaint-notifications
PUT /v3/merchant-service/complaint-notifications
DELETE /v3/merchant-service/complaint-notifications
POST /v3/merchant-service/images/upload
GET /v3/merchant-service/images/{media_id}

Overseas
POST /v3/global/transactions/jsapi
POST /v3/global/transactions/app
POST /v3/global/transactions/native
POST /v3/global/transactions/mweb
GET /v3/global/transactions/id/{id}
GET /v3/global/transactions/out-trade-no/{out_trade_no}
POST /v3/global/transactions/out-trade-no/{out_trade_no}/close
POST /v3/global/micropay/transactions/pay
POST /v3/global/micropay/transactions/id/{id}/reverse
POST /v3/global/micropay/transactions/out-trade-no/{out_trade_no}/reverse
POST /v3/global/refunds
GET /v3/global/refunds/id/{id}
GET /v3/global/refunds/out-refund-no/{out_refund_no}
GET /v3/global/refunds
GET /v3/global/statements
GET /v3/global/settle/settlements
GET /v3/global/certificates

Overseas complaints, documented as the same calls below another prefix
GET /v3/global/merchant-service/complaints-v2
GET /v3/global/merchant-service/complaints-v2/{complaint_id}
GET /v3/global/merchant-service/complaints-v2/{complaint_id}/negotiation-historys
POST /v3/global/merchant-service/complaints-v2/{complaint_id}/response
POST /v3/global/merchant-service/complaints-v2/{complaint_id}/complete
POST /v3/global/merchant-service/complaints-v2/{complaint_id}/update-refund-progress
POST /v3/global/merchant-service/complaints-v2/{complaint_id}/response-immediate-service
POST /v3/global/merchant-service/complaint-notifications
GET /v3/global/merchant-service/complaint-notifications
PUT /v3/global/merchant-service/complaint-notifications
DELETE /v3/global/merchant-service/complaint-notifications
POST /v3/global/merchant-service/images/upload
GET /v3/global/merchant-service/images/{media_id}

The older XML API
POST /pay/unifiedorder
POST /pay/orderquery
POST /pay/closeorder
POST /secapi/pay/refund
POST /secapi/pay/refundv2
POST /pay/refundquery
POST /pay/refundqueryv2
POST /pay/micropay
POST /secapi/pay/reverse
POST /pay/downloadbill
POST /pay/downloadfundflow
POST /pay/facepay
POST /pay/facepayquery
POST /secapi/pay/facepayreverse
POST /face/get_wxpayface_authinfo
POST /tools/authcodetoopenid
POST /payitil/report
POST /xdc/apiv2getsignkey/sign/getsignkey
`
  .split('\n')
  .filter((line) => /^(GET|POST|PUT|DELETE) \//.test(line));

const names = Object.keys(ENDPOINTS) as EndpointName[];
const here = new URL('.', import.meta.url);
const library = new URL('../../../wechatpay/', import.meta.url);

/** A call with its placeholders unnamed, for a document and a table may name them differently. */
const anonymous = (call: string) => call.replaceAll(/\{\w+\}/g, '{}');

/** Both roles' calls of an endpoint. */
const callsOf = ({ method, path, partnerPath }: Endpoint) =>
  [path, partnerPath].flatMap((one) => (one === undefined ? [] : anonymous(`${method} ${one}`)));

async function filesBelow(folder: URL): Promise<string[]> {
  const files = await readdir(folder, { recursive: true });
  return files.filter((file) => file.endsWith('.ts')).sort();
}

describe('what the wechatpay library covers', () => {
  it('the document is what the code gives', async () => {
    assert.equal(
      await readFile(COVERAGE_FILE, 'utf8'),
      coverage(),
      'run node --import=tsx dev/wechatpay-coverage.ts',
    );
  });

  it('every documented call is in the tables', () => {
    const listed = new Set(Object.values(ENDPOINTS).flatMap(callsOf));
    assert.deepEqual(
      DOCUMENTED.filter((call) => !listed.has(anonymous(call))),
      [],
    );
  });

  it('every call of the tables is a documented one', () => {
    const documented = new Set(DOCUMENTED.map(anonymous));
    assert.deepEqual(
      Object.values(ENDPOINTS)
        .flatMap(callsOf)
        .filter((call) => !documented.has(call)),
      [],
    );
  });

  it('every table of the library is in ENDPOINTS, and no two of them share a name', async () => {
    const found: string[] = [];
    for (const file of await filesBelow(library)) {
      const text = await readFile(new URL(file, library), 'utf8');
      const tables = [...text.matchAll(/^export const (\w+_ENDPOINTS)\b/gm)].map(([, name]) => name ?? '');
      if (tables.length === 0) continue;
      const module = (await import(new URL(file, library).href)) as Record<string, Record<string, Endpoint>>;
      for (const table of tables) {
        for (const [name, endpoint] of Object.entries(module[table] ?? {})) {
          found.push(name);
          assert.equal(ENDPOINTS[name as EndpointName], endpoint, `${file}: ${name}`);
        }
      }
    }
    assert.deepEqual(found.sort(), [...names].sort());
  });

  it('every name is where the call is on a client', async () => {
    const pay = new WechatPay({
      ...options(),
      apiV2Key: '192006250b4c09247ec02edce69f6a2d',
      publicKeys: { PUB_KEY_ID_1: keys.wechatPublic },
    });
    const overseas = new WechatPayGlobal(options());
    for (const name of names) {
      const path = name.split('.');
      let at: unknown = path[0] === 'global' ? overseas : pay;
      for (const property of path[0] === 'global' ? path.slice(1) : path)
        at = (at as Record<string, unknown> | undefined)?.[property];
      assert.equal(typeof at, 'function', name);
    }
    await Promise.all([pay.close(), overseas.close()]);
  });

  it('every call has at least one case that succeeds', () => {
    const succeeding = new Set(
      CASE_TABLES.flatMap(({ cases }) => cases.filter(({ fails }) => !fails).map(({ call }) => call)),
    );
    assert.deepEqual(
      names.filter((name) => !succeeding.has(name)),
      [],
    );
  });

  it('every case names a call that exists, and what arrives is that call', () => {
    for (const { role, cases } of CASE_TABLES) {
      assert.ok(cases.length > 0, role);
      for (const { call, name, method, target } of cases) {
        const endpoint = ENDPOINTS[call as EndpointName] as Endpoint | undefined;
        assert.ok(endpoint, `${call}: ${name}`);
        if (method !== undefined && target !== undefined)
          assert.ok(isCallOf(endpoint, { method, target }), `${call}: ${name}: ${method} ${target}`);
      }
    }
  });

  it('no two cases of a call have the same name', () => {
    for (const { role, cases } of CASE_TABLES) {
      const seen = cases.map(({ call, name }) => `${role}, ${call}: ${name}`);
      assert.deepEqual(
        seen.filter((one, at) => seen.indexOf(one) !== at),
        [],
      );
    }
  });

  it('every table of cases is in the document, and is run by the test that is named', async () => {
    const known = new Set<unknown>(CASE_TABLES.map(({ cases }) => cases));
    for (const file of await filesBelow(here)) {
      if (!/(^|\/)cases(\/|\.ts$)/.test(file)) continue;
      const module = (await import(new URL(file, here).href)) as Record<string, unknown>;
      for (const [name, value] of Object.entries(module)) {
        if (isCaseTable(value)) assert.ok(known.has(value), `${file}: ${name}`);
        const table = CASE_TABLES.find(({ cases }) => cases === value);
        if (!table) continue;
        const test = await readFile(new URL(table.runBy, here), 'utf8');
        assert.match(test, new RegExp(`\\b${name}\\b`), `${table.runBy} runs ${name}`);
      }
    }
  });

  it('a call that is not the one its case names is noticed', () => {
    const close = ENDPOINTS['orders.close'];
    const target = '/v3/pay/transactions/out-trade-no/T1/close';
    assert.ok(isCallOf(close, { method: 'POST', target }));
    assert.ok(isCallOf(close, { method: 'POST', target: `${target}?x=1` }));
    assert.ok(
      isCallOf(close, { method: 'POST', target: '/v3/pay/partner/transactions/out-trade-no/T1/close' }),
    );
    for (const [method, other] of [
      ['GET', target],
      ['POST', '/v3/pay/transactions/out-trade-no//close'],
      ['POST', '/v3/pay/transactions/out-trade-no/T1/reverse'],
      ['POST', '/v3/pay/transactions/out-trade-no/T1'],
      ['POST', `${target}/x`],
      ['POST', '/v3/pay/transactions/id/T1/close'],
    ] as const) {
      assert.ok(!isCallOf(close, { method, target: other }), `${method} ${other}`);
    }
  });
});

function isCaseTable(value: unknown): value is NamedCase[] {
  return (
    Array.isArray(value) &&
    value.length > 0 &&
    value.every((one) => typeof one?.call === 'string' && typeof one?.name === 'string')
  );
}
