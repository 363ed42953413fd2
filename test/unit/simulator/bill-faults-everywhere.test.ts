import assert from 'node:assert/strict';
import { BILL_FAULT_KINDS, isBillFault } from '../../../simulator/faults/fault.ts';
import {
  FAULT_KINDS,
  type SimulatedMerchant,
  type Simulator,
  startSimulator,
} from '../../../simulator/index.ts';
import { type RawAnswer, RawClient } from './client.ts';
import { RawV2Client } from './v2-client.ts';

const DATE = '2026-03-01';
const ENCRYPTED = `bill_date=${DATE}&algorithm=AEAD_AES_256_GCM&account_type=BASIC`;

/** What a merchant gets: the hash that it is told, where there is one, and how long the file is. */
interface Got {
  hash?: string | undefined;
  /** Of a file that is not encrypted. */
  text?: string;
  length: number;
}

/** Every fault of bills at every endpoint that has bills: the next bill is wrong, and the one after it as it was before. */
describe('simulator: each endpoint of bills has each fault of them', () => {
  let simulator: Simulator;
  let v2: RawV2Client;
  const clients: RawClient[] = [];
  const now = Date.parse('2026-03-02T10:00:00+08:00');

  before(async () => {
    simulator = await startSimulator({ clock: () => now });
    v2 = new RawV2Client(simulator);
    const { gateway, merchant, world } = simulator;
    const [sub] = world.provider.subMerchants;
    const trade = { date: DATE, rows: 5 };
    gateway.bills.addSynthetic({ ...trade, mchid: merchant.mchid });
    gateway.bills.addSynthetic({ ...trade, mchid: world.provider.mchid, sub_mchid: sub?.mchid });
    gateway.bills.addSynthetic({ ...trade, mchid: overseas().mchid });
  });
  after(async () => {
    await Promise.all([v2.close(), ...clients.map((client) => client.close())]);
    await simulator.close();
  });

  function overseas(): SimulatedMerchant {
    const found = simulator.world.merchants().find(({ region }) => region === 'overseas');
    assert.ok(found);
    return found;
  }
  async function get(path: string, merchant = simulator.merchant): Promise<RawAnswer> {
    const client = new RawClient(simulator, { merchant, clock: () => now });
    clients.push(client);
    const answer = await client.get(path);
    assert.equal(answer.status, 200, answer.text);
    return answer;
  }
  async function offered(path: string): Promise<Got> {
    const { json } = await get(path);
    const { pathname, search } = new URL(json.download_url);
    const { bytes } = await get(pathname + search);
    return { hash: json.hash_value, text: bytes.toString('utf8'), length: bytes.length };
  }
  async function offeredInParts(path: string): Promise<Got> {
    const { provider } = simulator.world;
    const { json } = await get(path, provider);
    const [part] = json.download_bill_list;
    const { pathname, search } = new URL(part.download_url);
    const { bytes } = await get(pathname + search, provider);
    return { hash: part.hash_value, length: bytes.length };
  }

  const BILLS: Record<string, () => Promise<Got>> = {
    'bill.trade': () => offered(`/v3/bill/tradebill?bill_date=${DATE}`),
    'bill.fund_flow': () => offered(`/v3/bill/fundflowbill?bill_date=${DATE}`),
    'bill.sub_merchant_fund_flow': () => {
      const [sub] = simulator.world.provider.subMerchants;
      return offeredInParts(`/v3/bill/sub-merchant-fundflowbill?${ENCRYPTED}&sub_mchid=${sub?.mchid}`);
    },
    'bill.ecommerce_fund_flow': () => offeredInParts(`/v3/ecommerce/bill/fundflowbill?${ENCRYPTED}`),
    'statement.download': async () => {
      const merchant = overseas();
      const path = `/v3/global/statements?date=20260301&mchid=${merchant.mchid}`;
      const { headers, text, bytes } = await get(path, merchant);
      return { hash: headers['Wechatpay-Statement-Sha1'], text, length: bytes.length };
    },
    'v2.downloadBill': async () => {
      const { text } = await v2.post('/pay/downloadbill', { bill_date: '20260301' });
      return { text, length: text.length };
    },
    'v2.downloadFundFlow': async () => {
      const elements = { bill_date: '20260301', account_type: 'Basic' };
      const { text, digest } = await v2.post('/pay/downloadfundflow', elements, { signType: 'HMAC-SHA256' });
      return { hash: digest, text, length: text.length };
    },
  };

  it('no other endpoint has any', () => {
    const having = Object.keys(FAULT_KINDS).filter((name) => FAULT_KINDS[name]?.some(isBillFault));
    assert.deepEqual(having.sort(), Object.keys(BILLS).sort());
  });

  for (const [operation, bill] of Object.entries(BILLS)) {
    for (const kind of BILL_FAULT_KINDS) {
      // A row of another day is that of an order: see bill-faults.test.ts.
      if (!FAULT_KINDS[operation]?.includes(kind) || kind === 'stray_row') continue;
      it(`${operation}: ${kind}`, async () => {
        const right = await bill();
        simulator.gateway.addFault({ operation, kind, bill_date: DATE });
        const wrong = await bill();
        const fired = simulator.gateway.state().fault_log.at(-1);
        assert.deepEqual([fired?.operation, fired?.kind, fired?.bill_date], [operation, kind, DATE]);
        assert.deepEqual(simulator.gateway.faults(), []);
        if (kind === 'truncated') {
          assert.ok(wrong.length < right.length, `${wrong.length} of ${right.length}`);
          assert.equal(wrong.hash, right.hash);
        } else {
          assert.ok(wrong.hash !== right.hash || wrong.text !== right.text);
        }
        if (kind === 'missing_row') assert.ok(wrong.length < right.length);
        if (['extra_row', 'repeated_row', 'extra_movement'].includes(kind))
          assert.ok(wrong.length > right.length);
        if (kind === 'bad_hash') assert.deepEqual([wrong.text, wrong.length], [right.text, right.length]);
        // Only another version is there to stay.
        assert.deepEqual(await bill(), kind === 'restated' ? wrong : right);
      });
    }
  }
});
