import assert from 'node:assert/strict';
import fc from 'fast-check';
import { WechatPay } from '../../../wechatpay/index.ts';
import { ranges } from '../../../wechatpay/v3/complaint-pages.ts';
import { COMPLAINT_ID } from './cases/complaints.ts';
import { options, SigningGateway, signed } from './signing-gateway.ts';

const RANGE = { begin_date: '2026-03-01', end_date: '2026-03-30' };

describe('wechatpay lists of complaints', () => {
  const gateway = new SigningGateway();
  let pay: WechatPay;

  before(async () => {
    pay = new WechatPay(options(await gateway.listen()));
  });
  after(async () => {
    await pay.close();
    await gateway.close();
  });
  beforeEach(() => {
    gateway.received.length = 0;
  });

  /** Answers pages of what `list` holds at the moment of each request. */
  function serve(
    list: (query: URLSearchParams) => string[],
    { id = 'complaint_id', total = true }: { id?: string; total?: boolean } = {},
  ) {
    gateway.answer = (response, received) => {
      const query = new URL(received.target, 'http://gateway').searchParams;
      const offset = Number(query.get('offset'));
      const limit = Number(query.get('limit'));
      const all = list(query);
      const data = all.slice(offset, offset + limit).map((value) => ({ [id]: value }));
      const total_count = total && offset === 0 ? all.length : undefined;
      signed(200, { data, limit, offset, total_count })(response, received);
    };
  }

  const numbered = (count: number, prefix = '') => Array.from({ length: count }, (_, i) => `${prefix}${i}`);
  const ids = async (list: AsyncIterable<{ complaint_id: string }>) => {
    const read: string[] = [];
    for await (const { complaint_id } of list) read.push(complaint_id);
    return read;
  };
  const asked = () => gateway.received.map(({ target }) => new URL(target, 'http://gateway').search);

  for (const count of [0, 1, 49, 50, 51, 120]) {
    it(`all of ${count} complaints are read, fifty at a time`, async () => {
      serve(() => numbered(count));
      assert.deepEqual(await ids(pay.complaints.listAll(RANGE)), numbered(count));
      assert.ok(gateway.received.length <= Math.floor(count / 50) + 1);
      assert.ok(gateway.received.every(({ signed: isSigned }) => isSigned));
    });
  }

  it('what a range longer than thirty days holds is asked for in parts, oldest first', async () => {
    serve((query) => [
      `${query.get('begin_date')}…${query.get('end_date')} ${query.get('complainted_mchid')}`,
    ]);
    const range = { begin_date: '2026-01-01', end_date: '2026-03-05', complainted_mchid: '1900031111' };
    assert.deepEqual(await ids(pay.complaints.listAll(range)), [
      '2026-01-01…2026-01-30 1900031111',
      '2026-01-31…2026-03-01 1900031111',
      '2026-03-02…2026-03-05 1900031111',
    ]);
    assert.equal(
      asked()[0],
      '?limit=50&offset=0&begin_date=2026-01-01&end_date=2026-01-30&complainted_mchid=1900031111',
    );
  });

  it('the parts of any range cover each of its days once and are at most thirty days long', () => {
    const date = fc
      .date({
        min: new Date('2020-01-01T00:00:00Z'),
        max: new Date('2030-12-31T00:00:00Z'),
        noInvalidDate: true,
      })
      .map((day) => day.toISOString().slice(0, 10));
    const day = (text: string) => Date.parse(`${text}T00:00:00Z`) / 86_400_000;
    fc.assert(
      fc.property(date, date, (a, b) => {
        const [begin_date, end_date] = a < b ? [a, b] : [b, a];
        const parts = [...ranges({ begin_date, end_date })];
        assert.equal(parts[0]?.begin_date, begin_date);
        assert.equal(parts.at(-1)?.end_date, end_date);
        for (const [i, part] of parts.entries()) {
          const length = day(part.end_date) - day(part.begin_date) + 1;
          assert.ok(length >= 1 && length <= 30);
          const next = parts[i + 1];
          if (next) assert.equal(day(next.begin_date), day(part.end_date) + 1);
        }
      }),
    );
  });

  it('complaints that are filed while the list is read push none out and bring none twice', async () => {
    let filed = numbered(120);
    serve(() => {
      const now = filed;
      filed = [`new ${filed.length}`, ...filed];
      return now;
    });
    const read = await ids(pay.complaints.listAll(RANGE));
    assert.deepEqual(read, numbered(120));
  });

  it('a list is read to its end when the gateway answers shorter pages than it was asked for', async () => {
    gateway.answer = (response, received) => {
      const offset = Number(new URL(received.target, 'http://gateway').searchParams.get('offset'));
      const data = numbered(60)
        .slice(offset, offset + 20)
        .map((complaint_id) => ({ complaint_id }));
      signed(200, { data, limit: 20, offset, total_count: 60 })(response, received);
    };
    assert.deepEqual(await ids(pay.complaints.listAll(RANGE)), numbered(60));
  });

  it('a list that has shrunk ends', async () => {
    let filed = numbered(60);
    serve(() => {
      const now = filed;
      filed = filed.slice(0, 40);
      return now;
    });
    assert.equal((await ids(pay.complaints.listAll(RANGE))).length, 50);
  });

  it('nothing more is asked for once the caller has seen enough', async () => {
    serve(() => numbered(500));
    for await (const { complaint_id } of pay.complaints.listAll(RANGE)) if (complaint_id === '51') break;
    assert.equal(gateway.received.length, 2);
  });

  it('a date that is none is refused before anything is sent', async () => {
    await assert.rejects(ids(pay.complaints.listAll({ ...RANGE, end_date: 'today' })), {
      code: 'PARAM_ERROR',
      field: 'end_date',
    });
    assert.equal(gateway.received.length, 0);
  });

  it('all of a long negotiation is read, three hundred entries at a time, repeated ids included', async () => {
    gateway.answer = (response, received) => {
      const offset = Number(new URL(received.target, 'http://gateway').searchParams.get('offset'));
      const data = numbered(301)
        .slice(offset, offset + 300)
        .map((number) => ({ log_id: '3002', operate_details: number }));
      signed(200, { data, limit: 300, offset, total_count: 301 })(response, received);
    };
    const read: (string | undefined)[] = [];
    for await (const entry of pay.complaints.negotiationHistoryAll(COMPLAINT_ID))
      read.push(entry.operate_details);
    assert.deepEqual(read, numbered(301));
    assert.deepEqual(asked(), ['?limit=300&offset=0', '?limit=300&offset=300']);
  });

  it('a list that does not count itself is read to its end', async () => {
    serve(() => numbered(120), { total: false });
    assert.deepEqual(await ids(pay.complaints.listAll(RANGE)), numbered(120));
  });

  describe('that lie', () => {
    const endless = { outcome: 'unknown', code: 'UNEXPECTED_ANSWER', httpStatus: 200 };

    it('a list that goes on after its end is an error', async () => {
      let count = 60;
      serve(() => {
        const now = numbered(count);
        count = 5000;
        return now;
      });
      await assert.rejects(ids(pay.complaints.listAll(RANGE)), endless);
      assert.ok(gateway.received.length < 30);
    });

    it('a list that does not count itself and never ends is an error', async () => {
      serve(() => numbered(20_000), { id: 'log_id', total: false });
      await assert.rejects(async () => {
        for await (const entry of pay.complaints.negotiationHistoryAll(COMPLAINT_ID)) assert.ok(entry);
      }, endless);
      assert.ok(gateway.received.length < 40);
    });

    it('a list that claims more than anybody has is an error', async () => {
      gateway.answer = signed(200, {
        data: [{ complaint_id: '1' }],
        limit: 50,
        offset: 0,
        total_count: 1e12,
      });
      await assert.rejects(ids(pay.complaints.listAll(RANGE)), endless);
      assert.equal(gateway.received.length, 1);
    });

    it('the same page again and again is an error', async () => {
      const data = numbered(50).map((complaint_id) => ({ complaint_id }));
      gateway.answer = signed(200, { data, limit: 50, offset: 0, total_count: 5000 });
      const read: string[] = [];
      await assert.rejects(async () => {
        for await (const { complaint_id } of pay.complaints.listAll(RANGE)) read.push(complaint_id);
      }, endless);
      assert.deepEqual(read, numbered(50));
      assert.ok(gateway.received.length < 10);
    });

    const page = { limit: 10, offset: 0, total_count: 1 };
    for (const [name, answer] of [
      ['no data', page],
      ['nothing at all', {}],
      ['no data and no count', { limit: 10, offset: 0 }],
      ['data that is null', { ...page, data: null }],
      ['data that is a text', { ...page, data: '[]' }],
      ['data that is an object', { ...page, data: { 0: {} } }],
      ['an entry that is null', { ...page, data: [null] }],
      ['an entry that is a text', { ...page, data: ['x'] }],
      ['an entry without its number', { ...page, data: [{}] }],
      ['an entry whose number is a number', { ...page, data: [{ complaint_id: 1, log_id: 1 }] }],
      ['a total_count that is a text', { ...page, data: [], total_count: '60' }],
      ['a total_count below zero', { ...page, data: [], total_count: -1 }],
      ['half a total_count', { ...page, data: [], total_count: 0.5 }],
      ['a total_count that is null', { ...page, data: [], total_count: null }],
    ] as const) {
      it(`a page with ${name} is an error that says where`, async () => {
        gateway.answer = signed(200, answer);
        const error = { ...endless, name: 'OutcomeUnknownError' };
        await assert.rejects(pay.complaints.list(RANGE), error);
        await assert.rejects(pay.complaints.negotiationHistory(COMPLAINT_ID), ({ request, message }) => {
          assert.ok(request.url.endsWith(`/complaints-v2/${COMPLAINT_ID}/negotiation-historys`));
          assert.ok(message.includes(request.url));
          return true;
        });
        await assert.rejects(ids(pay.complaints.listAll(RANGE)), error);
      });
    }

    it('a list answered with 204, HTML or an array is an error', async () => {
      for (const answer of [signed(204, undefined), signed(200, [1]), signed(200, '<html>')]) {
        gateway.answer = answer;
        await assert.rejects(pay.complaints.list(RANGE), { outcome: 'unknown', code: 'UNEXPECTED_ANSWER' });
      }
    });
  });
});
