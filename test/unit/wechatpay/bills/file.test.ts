import assert from 'node:assert/strict';
import { createCipheriv, createHash } from 'node:crypto';
import { once } from 'node:events';
import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import {
  BillError,
  type BillFileOptions,
  openBillFile,
  readTradeBill,
} from '../../../../wechatpay/bills/index.ts';
import { pieces, readAll, TWO_ROWS } from './gateway-bill.ts';

const TEXT = Buffer.from(TWO_ROWS);
const GZIP = gzipSync(TEXT);
const sha1 = (bytes: Buffer) => createHash('sha1').update(bytes).digest('hex');

const KEY = Buffer.from('0123456789abcdef0123456789abcdef');
const NONCE = 'a8607ef79034c49c';
function encrypt(bytes: Buffer): Buffer {
  const cipher = createCipheriv('aes-256-gcm', KEY, Buffer.from(NONCE));
  return Buffer.concat([cipher.update(bytes), cipher.final(), cipher.getAuthTag()]);
}

/** What the stream gives before it ends or fails. */
async function open(
  bytes: Buffer,
  options: BillFileOptions,
  size = 64 * 1024,
): Promise<{ bytes: Buffer; error: unknown }> {
  const chunks: Buffer[] = [];
  let error: unknown;
  try {
    for await (const chunk of openBillFile(Readable.from(pieces(bytes, size)), options)) chunks.push(chunk);
  } catch (thrown) {
    error = thrown;
  }
  return { bytes: Buffer.concat(chunks), error };
}

function assertBillError(error: unknown, code: string, expected: RegExp): void {
  assert.ok(error instanceof BillError, String(error));
  assert.equal(error.code, code);
  assert.match(error.message, expected);
  assert.equal(error.outcome, 'rejected');
  assert.equal(error.line, undefined);
}

describe('bill files', () => {
  for (const size of [1, 2, 3, 100, 64 * 1024]) {
    it(`plain, compressed and encrypted files open to the same bytes, in chunks of ${size}`, async () => {
      const hash = sha1(TEXT);
      const decrypt = { key: KEY, nonce: NONCE };
      for (const [bytes, options] of [
        [TEXT, { gzip: false }],
        [TEXT, { gzip: 'detect' }],
        [GZIP, { gzip: true }],
        [GZIP, { gzip: 'detect' }],
        [encrypt(TEXT), { gzip: 'detect', decrypt }],
        [encrypt(GZIP), { gzip: true, decrypt }],
        [encrypt(GZIP), { gzip: 'detect', decrypt }],
      ] as const) {
        assert.deepEqual(await open(bytes, { ...options, sha1: hash }, size), {
          bytes: TEXT,
          error: undefined,
        });
      }
    });
  }

  it('the hash is that of the decompressed bytes, in either case', async () => {
    for (const hash of [sha1(TEXT), sha1(TEXT).toUpperCase()]) {
      assert.equal((await open(GZIP, { gzip: true, sha1: hash })).error, undefined);
    }
    const { error, bytes } = await open(GZIP, { gzip: true, sha1: sha1(GZIP) });
    assertBillError(error, 'BILL_HASH_MISMATCH', new RegExp(sha1(TEXT)));
    assert.ok((error as BillError).retryable);
    assert.deepEqual(bytes, TEXT);
  });

  it('one changed byte of a plain file is found at its end', async () => {
    const changed = Buffer.from(TEXT);
    changed[300] = (changed[300] ?? 0) ^ 1;
    assertBillError(
      (await open(changed, { gzip: false, sha1: sha1(TEXT) })).error,
      'BILL_HASH_MISMATCH',
      /SHA-1/,
    );
    assertBillError(
      (await open(Buffer.alloc(0), { gzip: false, sha1: sha1(TEXT) })).error,
      'BILL_HASH_MISMATCH',
      /SHA-1/,
    );
  });

  it('a file without a hash is not compared', async () => {
    assert.deepEqual(await open(Buffer.from('x'), { gzip: 'detect' }), {
      bytes: Buffer.from('x'),
      error: undefined,
    });
    assert.deepEqual(await open(Buffer.alloc(0), { gzip: 'detect' }), {
      bytes: Buffer.alloc(0),
      error: undefined,
    });
  });

  it('gzip that is cut off after any of its bytes is refused', async () => {
    for (let length = 0; length < GZIP.length; length++) {
      const { error } = await open(GZIP.subarray(0, length), { gzip: true });
      assertBillError(error, 'BILL_CORRUPT', /does not decompress|is empty/);
    }
  });

  it('gzip with any byte of its data or checksum changed is refused', async () => {
    // The ten bytes before hold flags, time and system, which change nothing.
    for (let at = 10; at < GZIP.length; at++) {
      const changed = Buffer.from(GZIP);
      changed[at] = (changed[at] ?? 0) ^ 0x10;
      assertBillError((await open(changed, { gzip: true })).error, 'BILL_CORRUPT', /./);
    }
  });

  it('anything behind the end of gzip is refused, wherever the chunks end', async () => {
    for (const garbage of [
      Buffer.from('x'),
      Buffer.alloc(1),
      Buffer.alloc(1_000),
      Buffer.alloc(100_000, 7),
      GZIP.subarray(0, 5),
    ]) {
      const bytes = Buffer.concat([GZIP, garbage]);
      for (const size of [1, GZIP.length, GZIP.length + 1, 64 * 1024]) {
        const { error } = await open(bytes, { gzip: true, sha1: sha1(TEXT) }, size);
        assertBillError(error, 'BILL_CORRUPT', /follows the end|does not decompress/);
      }
    }
  });

  it('two gzip members are one file, as the format says', async () => {
    const half = TEXT.length >> 1;
    const bytes = Buffer.concat([gzipSync(TEXT.subarray(0, half)), gzipSync(TEXT.subarray(half))]);
    for (const size of [1, 64 * 1024]) {
      assert.deepEqual(await open(bytes, { gzip: true, sha1: sha1(TEXT) }, size), {
        bytes: TEXT,
        error: undefined,
      });
    }
  });

  it('a plain file where gzip was asked for is refused', async () => {
    assertBillError((await open(TEXT, { gzip: true })).error, 'BILL_CORRUPT', /does not decompress/);
  });

  it('a gzip bomb is stopped at maxBytes, long before it is unpacked', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    assert.ok(bomb.length < 100_000);
    const { error, bytes } = await open(bomb, { gzip: 'detect', maxBytes: 200_000 }, 1_000);
    assertBillError(error, 'BILL_CORRUPT', /more than 200000 bytes/);
    assert.ok(bytes.length <= 200_000);
  });

  it('maxBytes bounds plain files, too, and a file of just that size is read', async () => {
    const limit = { gzip: 'detect', maxBytes: TEXT.length } as const;
    assert.equal((await open(TEXT, limit, 10)).error, undefined);
    assert.equal((await open(GZIP, limit)).error, undefined);
    const { error } = await open(Buffer.concat([TEXT, Buffer.from('x')]), limit, 10);
    assertBillError(error, 'BILL_CORRUPT', /more than/);
  });

  it('the source is asked for more only as fast as its bytes are unpacked and taken', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    let given = 0;
    const source = Readable.from(
      (async function* () {
        for await (const piece of pieces(bomb, 100)) {
          given += piece.length;
          yield piece;
        }
      })(),
      { objectMode: false, highWaterMark: 100 },
    );
    const file = openBillFile(source, { gzip: true });
    let taken = 0;
    for await (const chunk of file) {
      taken += chunk.length;
      // One byte of this file unpacks to some 1,000; 16 KiB may wait in front of gunzip.
      assert.ok(given * 1_000 < taken + 20_000_000, `${given} bytes were asked for after ${taken}`);
    }
    assert.equal(taken, 50_000_000);
  });

  it('any change of an encrypted file, another key or another nonce is refused', async () => {
    const encrypted = encrypt(TEXT);
    const decrypt = { key: KEY, nonce: NONCE };
    const options = { gzip: false, decrypt } as const;
    for (const at of [0, 1, 700, TEXT.length - 1, TEXT.length, encrypted.length - 1]) {
      const changed = Buffer.from(encrypted);
      changed[at] = (changed[at] ?? 0) ^ 0x80;
      assertBillError((await open(changed, options)).error, 'BILL_CORRUPT', /does not decrypt/);
    }
    for (const other of [
      { key: Buffer.alloc(32), nonce: NONCE },
      { key: KEY, nonce: 'b8607ef79034c49c' },
    ]) {
      assertBillError(
        (await open(encrypted, { gzip: false, decrypt: other })).error,
        'BILL_CORRUPT',
        /decrypt/,
      );
      assertBillError((await open(encrypt(GZIP), { gzip: true, decrypt: other })).error, 'BILL_CORRUPT', /./);
    }
    for (const length of [0, 1, 15]) {
      const { error } = await open(encrypted.subarray(0, length), options);
      assertBillError(error, 'BILL_CORRUPT', /shorter than the tag/);
    }
    for (const length of [16, 17, 700, encrypted.length - 1]) {
      const { error } = await open(encrypted.subarray(0, length), options, 7);
      assertBillError(error, 'BILL_CORRUPT', /does not decrypt/);
    }
  });

  it('a key of another length and an empty nonce are refused at once', () => {
    const source = Readable.from([]);
    for (const decrypt of [
      { key: KEY.subarray(1), nonce: NONCE },
      { key: KEY, nonce: '' },
    ]) {
      assert.throws(() => openBillFile(source, { gzip: false, decrypt }), RangeError);
    }
  });

  for (const [what, options, start] of [
    ['plain', { gzip: false }, TEXT],
    ['detected', { gzip: 'detect' }, GZIP],
    ['compressed', { gzip: true }, GZIP],
    ['encrypted', { gzip: true, decrypt: { key: KEY, nonce: NONCE } }, encrypt(GZIP)],
  ] as const) {
    it(`errors of the source of a ${what} file pass through unchanged`, async () => {
      for (const kept of [0, 1, 200]) {
        // Even one that looks like zlib's.
        const broken = Object.assign(new Error('connection reset'), { code: 'Z_DATA_ERROR' });
        const source = Readable.from(
          (async function* () {
            if (kept > 0) yield start.subarray(0, kept);
            throw broken;
          })(),
        );
        await assert.rejects(
          async () => {
            for await (const _ of openBillFile(source, options));
          },
          (error) => error === broken,
        );
      }
    });

    it(`leaving a ${what} file early, or never reading it, closes its source`, async () => {
      for (const read of [true, false]) {
        const source = new Readable({ read() {} });
        source.push(start.subarray(0, 200));
        const closed = once(source, 'close');
        const file = openBillFile(source, options);
        if (read) {
          file.on('data', () => {});
          await new Promise(setImmediate);
        }
        file.destroy();
        await closed;
        assert.ok(source.destroyed);
      }
    });
  }

  it('a source that fails before anybody reads fails the file, not the process', async () => {
    const source = new Readable({ read() {} });
    const file = openBillFile(source, { gzip: true });
    const failed = once(file, 'error');
    const broken = new Error('connection reset');
    source.destroy(broken);
    assert.deepEqual(await failed, [broken]);
  });

  it('a source of text is refused: its bytes are gone', async () => {
    const source = Readable.from(pieces(TEXT), { objectMode: false }).setEncoding('utf8');
    await assert.rejects(async () => {
      for await (const _ of openBillFile(source, { gzip: false }));
    }, TypeError);
  });

  it('a source that is closed before its end is not a complete file', async () => {
    const source = new Readable({ read() {} });
    source.push(TEXT);
    const file = openBillFile(source, { gzip: false });
    file.once('data', () => source.destroy());
    await assert.rejects(async () => {
      for await (const _ of file);
    });
  });

  it('a bill is not believed when its file is not: no summary, although all its rows are there', async () => {
    const file = openBillFile(Readable.from(pieces(GZIP)), { gzip: true, sha1: sha1(GZIP) });
    const { rows, summary, error } = await readAll(readTradeBill(file));
    assert.equal(rows.length, 2);
    assertBillError(error, 'BILL_HASH_MISMATCH', /SHA-1/);
    assert.equal(summary, undefined);
  });

  it('a malformed bill closes the file and its source', async () => {
    const source = Readable.from(pieces('<html>'));
    const file = openBillFile(source, { gzip: 'detect' });
    const closed = once(source, 'close');
    const { error } = await readAll(readTradeBill(file));
    assert.equal((error as BillError).code, 'BILL_MALFORMED');
    await closed;
  });
});
