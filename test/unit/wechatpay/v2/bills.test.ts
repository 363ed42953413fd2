import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { buffer, text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { V2 } from '../../../../wechatpay/v2/client.ts';
import { type Pair, selfSigned, V2Gateway, v2Options } from './v2-gateway.ts';

const CSV = `\u{feff}交易时间,公众账号ID\r\n${'`2026-03-01 12:03:11,`wx0f\r\n'.repeat(5000)}`;
const BYTES = Buffer.from(CSV);
const DAY = { bill_date: '20260301' };
const FLOW = { ...DAY, account_type: 'Basic' } as const;
const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');

describe('v2 bills', () => {
  const gateway = new V2Gateway();
  let v2: V2;

  before(async () => {
    const client: Pair = await selfSigned('merchant');
    v2 = new V2({ ...v2Options(await gateway.listen()), clientCertificate: client, timeoutMs: 2000 });
  });
  after(async () => {
    await v2.close();
    await gateway.close();
  });

  const unexpected = (call: Promise<unknown>, message: RegExp) =>
    assert.rejects(call, { name: 'OutcomeUnknownError', code: 'UNEXPECTED_ANSWER', message });

  const unsound = (call: Promise<unknown>, code: 'BILL_CORRUPT' | 'BILL_HASH_MISMATCH') =>
    assert.rejects(call, { name: 'BillError', code });

  it('arrive byte for byte, plain and compressed', async () => {
    gateway.says(BYTES);
    assert.deepEqual(await buffer(await v2.downloadBill(DAY)), BYTES);
    gateway.says(gzipSync(BYTES));
    assert.deepEqual(await buffer(await v2.downloadBill({ ...DAY, tar_type: 'GZIP' })), BYTES);
  });

  it('arrive whatever the pieces they come in', async () => {
    for (const [bytes, plain] of [
      [BYTES, BYTES],
      [gzipSync(BYTES), BYTES],
    ] as const) {
      gateway.answer = (response) => {
        response.write(bytes.subarray(0, 1));
        setImmediate(() => {
          response.write(bytes.subarray(1, 2));
          setImmediate(() => response.end(bytes.subarray(2)));
        });
      };
      assert.deepEqual(await buffer(await v2.downloadBill(DAY)), plain);
    }
    gateway.says('a');
    assert.equal(await text(await v2.downloadBill(DAY)), 'a');
  });

  it('of the fund flow fit their Digest, whichever bytes it is made of, or end in an error', async () => {
    const packed = gzipSync(BYTES);
    for (const digest of [`SHA=${sha1(BYTES)}`, `SHA=${sha1(packed).toUpperCase()}`]) {
      gateway.says(packed, { headers: { Digest: digest } });
      assert.deepEqual(await buffer(await v2.downloadFundFlow(FLOW)), BYTES);
    }
    gateway.says(packed, { headers: { Digest: `SHA=${'0'.repeat(40)}` } });
    await unsound(buffer(await v2.downloadFundFlow(FLOW)), 'BILL_HASH_MISMATCH');
  });

  it('that are truncated or damaged end in an error', async () => {
    const packed = gzipSync(randomBytes(100_000));
    gateway.says(packed.subarray(0, -100));
    await unsound(buffer(await v2.downloadBill(DAY)), 'BILL_CORRUPT');
    const damaged = Buffer.from(packed);
    damaged.fill(0, 50_000, 50_100);
    gateway.says(damaged);
    await unsound(buffer(await v2.downloadBill(DAY)), 'BILL_CORRUPT');
    gateway.says(Buffer.from([0x1f, 0x8b, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]));
    const late = await v2.downloadBill(DAY);
    // Nobody reads while it breaks.
    await new Promise((resolve) => setImmediate(resolve));
    await unsound(buffer(late), 'BILL_CORRUPT');
    gateway.says(Buffer.concat([gzipSync(BYTES), Buffer.from('more')]));
    await unsound(buffer(await v2.downloadBill(DAY)), 'BILL_CORRUPT');
  });

  it('that break off end in a connection error', async () => {
    gateway.answer = (response) => {
      response.writeHead(200, { 'Content-Length': '1000000' });
      response.write(BYTES.subarray(0, 1000), () => response.destroy());
    };
    await assert.rejects(buffer(await v2.downloadBill(DAY)), { code: 'CONNECTION', outcome: 'unknown' });
  });

  it('larger than allowed end in an error, a bomb long before it is unpacked', async () => {
    gateway.says(BYTES);
    await unsound(buffer(await v2.downloadBill(DAY, { maxBytes: BYTES.length - 1 })), 'BILL_CORRUPT');
    gateway.says(BYTES);
    assert.equal((await buffer(await v2.downloadBill(DAY, { maxBytes: BYTES.length }))).length, BYTES.length);
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    assert.ok(bomb.length < 100_000);
    gateway.says(bomb);
    let seen = 0;
    await assert.rejects(
      async () => {
        for await (const chunk of await v2.downloadBill(DAY, { maxBytes: 1024 * 1024 })) seen += chunk.length;
      },
      { code: 'BILL_CORRUPT' },
    );
    assert.ok(seen <= 1024 * 1024);
  });

  it('are not what else may come', async () => {
    gateway.says('');
    await unexpected(v2.downloadBill(DAY), /empty/);
    gateway.says('<html><body>404</body></html>');
    await unexpected(v2.downloadBill(DAY), /root element/);
    gateway.says(`<xml>${'x'.repeat(100_000)}`);
    await unexpected(v2.downloadBill(DAY), /does not end/);
    gateway.says('<!DOCTYPE xml [<!ENTITY a "b">]><xml><return_code>&a;</return_code></xml>');
    await unexpected(v2.downloadBill(DAY), /declaration/);
    gateway.says('<xml><return_code>SUCCESS</return_code></xml>');
    await unexpected(v2.downloadBill(DAY), /XML instead of a bill/);
    gateway.says('Not Found', { status: 404 });
    await unexpected(v2.downloadBill(DAY), /404/);
    gateway.says(BYTES, { status: 503 });
    await assert.rejects(v2.downloadBill(DAY), { code: 'SERVICE_UNAVAILABLE', outcome: 'unknown' });
  });

  it('are refused in XML after blanks and a byte order mark too', async () => {
    for (const lead of ['', '\u{feff}', '\n  ', '\u{feff}\r\n']) {
      gateway.says(
        `${lead}<xml>\n<return_code><![CDATA[FAIL]]></return_code><return_msg><![CDATA[No Bill Exist]]></return_msg></xml>`,
      );
      await assert.rejects(v2.downloadBill(DAY), { code: 'NO_STATEMENT_EXIST', retryable: false });
    }
  });

  it('that nobody reads free their connection', async () => {
    for (const body of [BYTES, gzipSync(randomBytes(200_000))]) {
      let closed: Promise<unknown> = Promise.resolve();
      gateway.answer = (response) => {
        closed = once(response, 'close');
        response.write(body);
      };
      const bill = await v2.downloadBill(DAY);
      bill.destroy();
      await closed;
    }
  });

  it('that stop coming end in a time-out', async () => {
    const hurried = new V2({ ...v2Options(gateway.url), timeoutMs: 100 });
    gateway.answer = (response) => {
      response.write(BYTES.subarray(0, 1000));
    };
    await assert.rejects(buffer(await hurried.downloadBill(DAY)), { code: 'TIMEOUT', outcome: 'unknown' });
    await hurried.close();
  });
});
