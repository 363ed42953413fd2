import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { defaultPayloadConverter, type Payload } from '@temporalio/common';
import { CodecError, encryptingCodec } from '../../../codec/payload-codec.ts';

const key = (id: string) => ({ id, key: randomBytes(32) });
const payload = (value: unknown) => defaultPayloadConverter.toPayload(value) as Payload;
const value = (of: Payload | undefined) => defaultPayloadConverter.fromPayload(of as Payload);
const text = (bytes: Uint8Array | null | undefined) => Buffer.from(bytes ?? []).toString();

describe('payload codec', () => {
  const june = key('2026-06');
  const july = key('2026-07');

  it('what was encrypted comes back as it was, of whatever kind', async () => {
    const codec = encryptingCodec([june]);
    const values = [
      { amount: 2590, text: '茶 🍵' },
      null,
      undefined,
      'x'.repeat(100_000),
      new Uint8Array([1, 0, 255]),
    ];
    const stored = await codec.encode(values.map(payload));
    assert.deepEqual((await codec.decode(stored)).map(value), values);
    assert.deepEqual(await codec.encode([]), []);
    assert.deepEqual(await codec.decode([]), []);
  });

  it('what is stored shows the cipher and the id of the key, and nothing of the content', async () => {
    const [stored] = await encryptingCodec([june]).encode([payload('twenty-five yuan')]);
    assert.equal(text(stored?.metadata?.encoding), 'binary/encrypted');
    assert.equal(text(stored?.metadata?.['encryption-cipher']), 'AES-256-GCM');
    assert.equal(text(stored?.metadata?.['encryption-key-id']), '2026-06');
    assert.ok(!text(stored?.data).includes('yuan'));
    assert.ok(!text(stored?.data).includes('json'), 'not even the encoding of the content');
  });

  it('the same payload never looks the same twice', async () => {
    const codec = encryptingCodec([june]);
    const stored = await codec.encode(Array.from({ length: 1_000 }, () => payload(1)));
    assert.equal(new Set(stored.map(({ data }) => text(data?.subarray(0, 12)))).size, 1_000, 'nonces');
    assert.equal(new Set(stored.map(({ data }) => text(data?.subarray(12)))).size, 1_000, 'ciphertexts');
  });

  it('the first key encrypts, and all of them decrypt', async () => {
    const before = await encryptingCodec([june]).encode([payload('old')]);
    const rotated = encryptingCodec([july, june]);
    const after = await rotated.encode([payload('new')]);
    assert.equal(text(after[0]?.metadata?.['encryption-key-id']), '2026-07');
    assert.deepEqual((await rotated.decode([...before, ...after])).map(value), ['old', 'new']);
    // A process that is not there yet reads both, too.
    assert.deepEqual((await encryptingCodec([june, july]).decode(after)).map(value), ['new']);
  });

  it('a payload that is not encrypted passes, so that histories from before go on', async () => {
    const plain = payload({ paymentId: 'pay_1' });
    assert.deepEqual(await encryptingCodec([june]).decode([plain]), [plain]);
  });

  it('a key that is missing is named, with those that are there', async () => {
    const stored = await encryptingCodec([july]).encode([payload(1)]);
    await assert.rejects(encryptingCodec([june]).decode(stored), (error: Error) => {
      assert.ok(error instanceof CodecError);
      assert.match(
        error.message,
        /encrypted with the key "2026-07", which this process does not have \(it has 2026-06\)/,
      );
      assert.match(error.message, /PAYSAGA_CODEC_KEYS/);
      return true;
    });
  });

  it('a key with another value under the same id is told apart from a missing one', async () => {
    const stored = await encryptingCodec([june]).encode([payload(1)]);
    const wrong = encryptingCodec([key('2026-06')]);
    await assert.rejects(
      wrong.decode(stored),
      /"2026-06" cannot be opened: the key .* has another value, or the payload was changed/,
    );
  });

  it('a payload that somebody changed, cut or gave another key id is refused', async () => {
    const codec = encryptingCodec([june, { ...june, id: 'alias' }]);
    const [stored] = await codec.encode([payload('amount 1')]);
    const data = Buffer.from(stored?.data ?? []);
    const refused = (change: Payload) => assert.rejects(codec.decode([change]), CodecError);
    for (const at of [0, 11, 12, data.length - 17, data.length - 1]) {
      const changed = Buffer.from(data);
      changed[at] = (changed[at] ?? 0) ^ 1;
      await refused({ ...stored, data: changed });
    }
    for (const length of [0, 12, 27, data.length - 1])
      await refused({ ...stored, data: data.subarray(0, length) });
    await refused({ metadata: stored?.metadata ?? {} });
    await refused({
      ...stored,
      metadata: { ...stored?.metadata, 'encryption-key-id': Buffer.from('alias') },
    });
  });

  it('without a key there is no codec', () => {
    assert.throws(() => encryptingCodec([]), TypeError);
  });
});
