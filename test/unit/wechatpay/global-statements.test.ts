import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { BillError, readGlobalStatement } from '../../../wechatpay/bills/index.ts';
import { minorUnitsOf, RequestRejectedError, WechatPayGlobal } from '../../../wechatpay/index.ts';
import { ORDER, STATEMENT } from './cases/global-orders.ts';
import { options, PROBE, SigningGateway, signatureHeaders, unsigned } from './signing-gateway.ts';
import { STATEMENT_SHA1, statement, statementHeaders } from './statement-answer.ts';

describe('wechatpay overseas statements', () => {
  const gateway = new SigningGateway();
  let pay: WechatPayGlobal;

  before(async () => {
    pay = new WechatPayGlobal(options(await gateway.listen()));
  });
  after(async () => {
    await pay.close();
    await gateway.close();
  });

  const download = () => pay.statements.download({ date: '20260301' });
  async function read(): Promise<string> {
    const chunks: Buffer[] = [];
    for await (const chunk of await download()) chunks.push(chunk as Buffer);
    return Buffer.concat(chunks).toString();
  }

  it('are read as rows', async () => {
    gateway.answer = statement(STATEMENT);
    const reader = readGlobalStatement(await download());
    const rows = [];
    for await (const row of reader) rows.push(row);
    assert.equal(rows.length, 1);
    assert.equal(rows[0]?.out_trade_no, ORDER.out_trade_no);
    assert.equal(rows[0]?.currency, 'HKD');
    assert.equal(rows[0]?.order_amount, 2590);
    assert.equal(reader.summary?.total_count, 1);
  });

  it('begin before their end has arrived', async () => {
    let rest = () => {};
    gateway.answer = (response) => {
      response.writeHead(200, statementHeaders());
      response.write(STATEMENT.slice(0, 300));
      rest = () => response.end(STATEMENT.slice(300));
    };
    let seen = '';
    for await (const chunk of await download()) {
      if (seen === '') rest();
      seen += chunk.toString();
    }
    assert.equal(seen, STATEMENT);
  });

  it('may come compressed; the hash is that of the CSV', async () => {
    gateway.answer = statement(gzipSync(STATEMENT), { 'Content-Encoding': 'gzip' });
    assert.equal(await read(), STATEMENT);
  });

  it('may be kept as they arrive, and opened later', async () => {
    const packed = gzipSync(STATEMENT);
    gateway.answer = statement(packed, { 'Content-Encoding': 'gzip' });
    const { hash, bytes } = await pay.statements.fetch({ date: '20260301' });
    const kept: Buffer[] = [];
    for await (const chunk of bytes) kept.push(chunk as Buffer);
    assert.deepEqual(Buffer.concat(kept), packed);
    assert.deepEqual(hash, { hash_type: 'SHA1', hash_value: STATEMENT_SHA1 });
    const text: Buffer[] = [];
    for await (const chunk of pay.statements.open(Readable.from(kept), hash)) text.push(chunk as Buffer);
    assert.equal(Buffer.concat(text).toString(), STATEMENT);
    const other = { ...hash, hash_value: '0'.repeat(40) };
    const opened = pay.statements.open(Readable.from(kept), other);
    await assert.rejects(
      (async () => {
        for await (const _ of opened);
      })(),
      { code: 'BILL_HASH_MISMATCH' },
    );
  });

  it('have two decimals in every currency: what has none is never rounded', () => {
    assert.equal(minorUnitsOf(259_000, 'JPY'), 2590);
    assert.equal(minorUnitsOf(259_050, 'JPY'), undefined);
    assert.equal(minorUnitsOf(2590, 'HKD'), 2590);
  });

  it('may tell their hash in capitals', async () => {
    gateway.answer = statement(STATEMENT, statementHeaders(STATEMENT_SHA1.toUpperCase()));
    assert.equal(await read(), STATEMENT);
  });

  it('that were changed or cut short fail at their end', async () => {
    for (const csv of [STATEMENT.replace('25.90', '95.90'), STATEMENT.slice(0, -9), '']) {
      gateway.answer = statement(csv);
      await assert.rejects(read(), (error) => {
        assert.ok(error instanceof BillError);
        return error.code === 'BILL_HASH_MISMATCH';
      });
    }
  });

  const forged: [string, Record<string, string>][] = [
    ['whose hash was changed', { 'Wechatpay-Statement-Sha1': '0'.repeat(40) }],
    ['that a probe signs', { 'Wechatpay-Signature': PROBE }],
    ['signed with a key that is not known', { 'Wechatpay-Serial': 'PUB_KEY_ID_OTHER' }],
    ['signed ten minutes ago', signatureHeaders('x', { at: Date.now() - 600_000 })],
  ];
  for (const [what, headers] of forged) {
    it(`${what} are not believed`, async () => {
      gateway.answer = statement(STATEMENT, headers);
      await assert.rejects(download(), { code: 'BAD_SIGNATURE', outcome: 'unknown' });
    });
  }

  it('without a hash are not believed, though their signature covers an empty body', async () => {
    gateway.answer = (response) => {
      response.writeHead(200, signatureHeaders(''));
      response.end(STATEMENT);
    };
    await assert.rejects(download(), { code: 'UNEXPECTED_ANSWER', outcome: 'unknown' });
  });

  it('that are not believed do not hold their connection', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    gateway.answer = (response) => {
      closed = once(response, 'close');
      response.writeHead(200, { 'Wechatpay-Statement-Sha1': '0'.repeat(40), ...signatureHeaders('') });
      // Never ended: only the client can close it.
      response.write(STATEMENT);
    };
    await assert.rejects(download(), { code: 'BAD_SIGNATURE' });
    await closed;
  });

  it('that nobody reads on do not hold their connection', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    gateway.answer = (response) => {
      closed = once(response, 'close');
      response.writeHead(200, statementHeaders());
      response.write(STATEMENT);
    };
    (await download()).destroy();
    await closed;
  });

  it('whose connection breaks before anybody reads them say so to who reads', async () => {
    let closed: Promise<unknown> = Promise.resolve();
    gateway.answer = (response) => {
      closed = once(response, 'close');
      response.writeHead(200, statementHeaders());
      response.write(STATEMENT.slice(0, 300), () => response.destroy());
    };
    const file = await download();
    await closed;
    await assert.rejects(file.toArray(), { code: 'CONNECTION', outcome: 'unknown' });
  });

  it('of an empty day are refused, with what it means', async () => {
    gateway.answer = unsigned(400, '{"code":"NO_STATEMENT_EXIST","message":"账单不存在"}');
    await assert.rejects(download(), (error) => {
      assert.ok(error instanceof RequestRejectedError);
      assert.equal(error.code, 'NO_STATEMENT_EXIST');
      return error.message.includes('账单不存在');
    });
  });
});
