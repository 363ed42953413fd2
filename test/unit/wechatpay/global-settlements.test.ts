import assert from 'node:assert/strict';
import { WechatPayGlobal } from '../../../wechatpay/index.ts';
import { SETTLEMENT } from './cases/global-orders.ts';
import { options, SigningGateway, signed } from './signing-gateway.ts';

describe('wechatpay overseas settlements', () => {
  const gateway = new SigningGateway();
  let baseUrl: string;
  let pay: WechatPayGlobal;

  before(async () => {
    baseUrl = await gateway.listen();
    pay = new WechatPayGlobal(options(baseUrl));
  });
  after(async () => {
    await pay.close();
    await gateway.close();
  });
  beforeEach(() => {
    gateway.received.length = 0;
  });

  const FILTER = { settle_state: 'UNSETTLE' as const };
  const rows = (from: number, to: number) =>
    Array.from({ length: to - from }, (_, i) => ({ ...SETTLEMENT, batch_id: `B${from + i}` }));

  /** A list of so many settlements, as the gateway pages it. */
  const listOf = (total: number) => {
    gateway.answer = (response, received) => {
      const query = new URL(received.target, baseUrl).searchParams;
      const offset = Number(query.get('offset'));
      const data = rows(offset, Math.min(total, offset + Number(query.get('limit'))));
      const count = offset === 0 ? { total_count: total } : {};
      signed(200, { ...(data.length > 0 && { data }), ...count, offset, limit: data.length })(
        response,
        received,
      );
    };
  };
  async function all(limit?: number): Promise<(string | undefined)[]> {
    const batches = [];
    for await (const { batch_id } of pay.settlements.all(FILTER, limit === undefined ? {} : { limit })) {
      batches.push(batch_id);
    }
    return batches;
  }

  for (const [total, requests] of [
    [0, 1],
    [1, 1],
    [30, 1],
    [31, 2],
    [75, 3],
  ] as const) {
    it(`${total} are read with ${requests} requests`, async () => {
      listOf(total);
      assert.deepEqual(
        await all(),
        rows(0, total).map(({ batch_id }) => batch_id),
      );
      assert.equal(gateway.received.length, requests);
      assert.ok(gateway.received.every(({ signed }) => signed));
    });
  }

  it('pages are asked for only when they are needed', async () => {
    listOf(75);
    for await (const { batch_id } of pay.settlements.all(FILTER, { limit: 5 })) {
      if (batch_id === 'B6') break;
    }
    assert.deepEqual(
      gateway.received.map(({ target }) => target.split('?')[1]),
      ['settle_state=UNSETTLE&limit=5&offset=0', 'settle_state=UNSETTLE&limit=5&offset=5'],
    );
  });

  it('a list that shrinks while it is read ends', async () => {
    gateway.answer = (response, received) => {
      const first = received.target.endsWith('offset=0');
      signed(200, first ? { data: rows(0, 5), total_count: 20 } : { total_count: 5 })(response, received);
    };
    assert.equal((await all(5)).length, 5);
    assert.equal(gateway.received.length, 2);
  });

  it('a list that is never counted ends with the page that is not full', async () => {
    gateway.answer = (response, received) => {
      const first = received.target.endsWith('offset=0');
      signed(200, { data: first ? rows(0, 5) : rows(5, 7) })(response, received);
    };
    assert.equal((await all(5)).length, 7);
  });

  it('a page that fails ends the loop with its error', async () => {
    gateway.answer = (response, received) => {
      const first = received.target.endsWith('offset=0');
      (first
        ? signed(200, { data: rows(0, 5), total_count: 20 })
        : signed(500, { code: 'SYSTEM_ERROR', message: 'x' }))(response, received);
    };
    await assert.rejects(all(5), { code: 'SYSTEM_ERROR' });
  });
});
