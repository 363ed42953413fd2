import assert from 'node:assert/strict';
import { upsertMerchant } from '../../database/merchants.ts';
import { openVault } from '../../database/secrets.ts';
import { type BillDate, daysAfter, daysFrom } from '../../domain/bill-day.ts';
import { enrolProvider, subMerchant } from '../provider.ts';
import { type Books, MORNING, type Sold, startBooks } from '../reconciliation.ts';

const FIRST_DAY = '2031-03-01';

/** A week unless told; `RECONCILED_DAYS=30` is a month. */
const DAYS = Number(process.env.RECONCILED_DAYS ?? 7);
/** Of every choice below. */
const SEED = Number(process.env.RECONCILED_SEED ?? 1);

/** What was made wrong, or is to be found: state and reason by the number of the payment or refund. */
type Expected = Map<string, string>;

/** One account and what it sells. */
interface Shop {
  merchantId: string;
  mchid: string;
  subMchid: string | null;
  /** Fields that its orders have beside the amount. */
  fields: (drawn: number) => Record<string, unknown>;
}

/**
 * Several merchants, products, coupons and partial refunds for days on end, with bills that are wrong in every way the simulator knows. Each morning exactly what
 * was made wrong is found, and nothing else.
 */
describe(`${DAYS} days of several merchants, reconciled each morning`, function () {
  this.timeout(DAYS * 60_000);
  let books: Books;
  let shops: Shop[];
  before(async () => {
    books = await startBooks(FIRST_DAY, {
      simulator: { scenario: { merchants: [{ mchid: '1800000001', role: 'merchant' }] } },
    });
    shops = await enrolled(books);
  });
  after(() => books.paysaga.stop());

  const random = sequence(SEED);
  const pick = (below: number) => Math.floor(random() * below);
  let total = 0;
  let wrong = 0;

  for (const day of daysFrom(FIRST_DAY, daysAfter(FIRST_DAY, DAYS - 1))) {
    it(`${day}: exactly what is wrong is found (seed ${SEED})`, async () => {
      const expected = new Map(shops.map((shop) => [shop, new Map() as Expected]));
      for (const shop of shops) await trade(day, shop, expected.get(shop) ?? new Map());
      const late = await overMidnight(day, expected);
      await books.at(MORNING, daysAfter(day, 1));
      await books.paysaga.until(`/v1/refunds/${late.id}`, 'SUCCEEDED');
      if (pick(3) === 0) {
        await books.paysaga.stopWorker();
        await books.paysaga.startWorker();
      }
      for (const shop of shops) {
        const result = await reconciledInterrupted(shop, day);
        assert.ok(result.kind === 'done', JSON.stringify(result));
        assert.deepEqual(result.checks, { rows: true, sums: true, ledger: true }, JSON.stringify(result));
        const found = new Map(
          (await books.lines(result.runId)).map(({ state, reason, out_refund_no, out_trade_no }) => [
            out_refund_no && out_refund_no !== '0' ? out_refund_no : (out_trade_no ?? ''),
            `${state} ${reason}`,
          ]),
        );
        assert.deepEqual(
          sorted(found),
          sorted(expected.get(shop) ?? new Map()),
          `${shop.mchid} ${shop.subMchid}`,
        );
        total += result.lines.all;
        wrong += found.size;
      }
    });
  }

  it('some lines were wrong, most were right, and a second run of all days changes nothing', async () => {
    assert.ok(wrong >= DAYS * shops.length && total > 2 * wrong, `${wrong} of ${total}`);
    for (const day of daysFrom(FIRST_DAY, daysAfter(FIRST_DAY, DAYS - 1))) {
      for (const shop of shops) {
        const result = await books.reconcile(day, shop);
        assert.ok(result.kind === 'done');
        assert.equal(result.changed, false, `${day} of ${shop.mchid}`);
      }
    }
    const { rows } = await books.paysaga.pool.query(
      `select sum(case side when 'debit' then amount else -amount end)::bigint difference from ledger_entries`,
    );
    assert.deepEqual(rows, [{ difference: 0 }]);
  });

  /** A day of one shop: some sales, some refunds, and some of them wrong in its bills. */
  async function trade(day: BillDate, shop: Shop, expected: Expected): Promise<void> {
    const sales = await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        books.sell({
          fen: 1_000 + pick(90_000),
          ...(index === 3 && {
            coupon: {
              amount: 100 + pick(300),
              type: pick(2) === 0 ? ('CASH' as const) : ('NOCASH' as const),
            },
          }),
          fields: shop.fields(pick(3)),
        }),
      ),
    );
    const [refunded = {}, again] = [sales[0], sales[3]];
    const refunds: Sold[] = [];
    for (const part of [100, 200]) refunds.push(await books.giveBack(refunded, part + pick(50)));
    refunds.push(await books.giveBack(again, 50 + pick(50)));

    const wrongOnes = [sales[1], sales[2]];
    const bills = [
      { bill: 'all', reason: 'not_at_wechat' },
      { bill: 'trade', reason: 'not_in_trade_bill' },
      { bill: 'fund_flow', reason: 'not_in_fund_flow' },
    ] as const;
    for (const sold of wrongOnes) {
      const { bill, reason } = bills[pick(bills.length)] ?? bills[0];
      const owner = { date: day, mchid: shop.mchid, bill };
      if (pick(2) === 0) {
        await books.alter({ ...owner, kind: 'missing_row', out_trade_no: sold.out_trade_no });
        expected.set(sold.out_trade_no, `missing_at_wechat ${reason}`);
      } else {
        await books.alter({ ...owner, kind: 'altered_row', out_trade_no: sold.out_trade_no });
        expected.set(
          sold.out_trade_no,
          bill === 'fund_flow' ? 'amount_differs other_amount_in_fund_flow' : 'amount_differs other_amount',
        );
      }
    }
    if (pick(3) === 0) {
      const extra = await books.alter({ date: day, mchid: shop.mchid, kind: 'extra_row', bill: 'trade' });
      expected.set(extra.inventedNumber, 'missing_here unknown_order');
    }
    const lost = refunds[pick(refunds.length)];
    if (pick(2) === 0) {
      await books.alter({
        date: day,
        mchid: shop.mchid,
        kind: 'missing_row',
        out_refund_no: lost.out_refund_no,
        bill: 'all',
      });
      expected.set(lost.out_refund_no, 'missing_at_wechat not_at_wechat');
    }
  }

  /** A refund that is accepted today and arrives tomorrow: carried today, and closed by tomorrow's run. */
  async function overMidnight(day: BillDate, expected: Map<Shop, Expected>): Promise<Sold> {
    const [shop] = shops;
    await books.at('23:50:00', day);
    const sold = await books.sell({ fen: 5_000, ...(shop && { fields: shop.fields(0) }) });
    const refund = await books.giveBack(sold, 700, 'PROCESSING');
    if (shop) expected.get(shop)?.set(refund.out_refund_no, 'carried refund_in_flight');
    return refund;
  }

  /** Reconciles, with connections that break on the way now and then. */
  async function reconciledInterrupted(shop: Shop, day: BillDate) {
    const running = books.reconcile(day, shop);
    if (pick(4) === 0) {
      await books.paysaga.pool
        .query(
          `select pg_terminate_backend(pid) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query like '%reconciliation%'`,
        )
        .catch(() => {});
    }
    return await running;
  }
});

/** The merchant of the fixture, another one, and two sub-merchants of service providers. */
async function enrolled({ paysaga }: Books): Promise<Shop[]> {
  const { simulator, pool, masterKey, tenantId, merchantId, mchid } = paysaga;
  const other = simulator.world.find('1800000001')?.merchant;
  if (!other) throw new Error('the second merchant is not enrolled');
  const { id } = await upsertMerchant(pool, openVault(masterKey), tenantId, {
    mchid: other.mchid,
    appid: other.appid,
    serialNo: other.serialNo,
    privateKey: other.privateKeyPem,
    apiV3Key: other.apiV3Key,
    publicKeys: { [other.publicKeyId]: other.publicKeyPem },
    apiBaseUrl: simulator.baseUrl,
  });
  const providerId = await enrolProvider(paysaga);
  const sub = subMerchant(paysaga);
  const products = (merchant_id: string) => (drawn: number) =>
    [
      { merchant_id },
      { merchant_id, product: 'JSAPI', payer: { openid: 'oUpF8uMuAJO_M2pxb1Q9zNjWeS6o' } },
      { merchant_id, product: 'APP' },
    ][drawn] ?? { merchant_id };
  return [
    { merchantId, mchid, subMchid: null, fields: products(merchantId) },
    { merchantId: id, mchid: other.mchid, subMchid: null, fields: products(id) },
    {
      merchantId: providerId,
      mchid: simulator.world.provider.mchid,
      subMchid: sub.mchid,
      fields: () => ({ merchant_id: providerId, sub_merchant: { mchid: sub.mchid } }),
    },
  ];
}

function sorted(found: Expected): [string, string][] {
  return [...found].sort(([one], [other]) => (one < other ? -1 : 1));
}

/** Numbers from 0 to 1, the same for the same seed (mulberry32). */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4294967296;
  };
}
