import assert from 'node:assert/strict';
import { ConfigurationError, readEnvironment } from '../../../process/environment.ts';

describe('environment', () => {
  it('names every problem at once', () => {
    const read = () =>
      readEnvironment(['DATABASE_URL', 'TEMPORAL_ADDRESS', 'PAYSAGA_MASTER_KEY', 'API_PORT', 'PUBLIC_URL'], {
        DATABASE_URL: 'mysql://localhost',
        TEMPORAL_ADDRESS: 'http://localhost:7233',
        PAYSAGA_MASTER_KEY: 'c2hvcnQ=',
        API_PORT: '99999',
        PUBLIC_URL: '',
      });
    assert.throws(read, (error: unknown) => {
      assert.ok(error instanceof ConfigurationError);
      assert.equal(error.problems.length, 5);
      for (const name of [
        'DATABASE_URL',
        'TEMPORAL_ADDRESS',
        'PAYSAGA_MASTER_KEY',
        'API_PORT',
        'PUBLIC_URL',
      ]) {
        assert.match(error.message, new RegExp(name));
      }
      assert.match(error.message, /openssl rand -base64 32/);
      return true;
    });
  });

  it('an error never shows a secret', () => {
    assert.throws(
      () => readEnvironment(['PAYSAGA_MASTER_KEY'], { PAYSAGA_MASTER_KEY: 'c2VjcmV0c2VjcmV0' }),
      (error: Error) => !error.message.includes('c2VjcmV0'),
    );
  });

  it('fills in defaults and trims the public URL', () => {
    const environment = readEnvironment(['API_PORT', 'LOG_LEVEL', 'PUBLIC_URL', 'TEMPORAL_TLS'], {
      PUBLIC_URL: 'https://pay.example.com/',
      TEMPORAL_TLS: 'true',
    });
    assert.deepEqual(environment, {
      API_PORT: 8080,
      LOG_LEVEL: 'info',
      PUBLIC_URL: 'https://pay.example.com',
      TEMPORAL_TLS: true,
    });
  });

  describe('keys of the payload codec', () => {
    const base64 = (byte: number, length = 32) => Buffer.alloc(length, byte).toString('base64');
    const read = (value: string) =>
      readEnvironment(['PAYSAGA_CODEC_KEYS'], { PAYSAGA_CODEC_KEYS: value }).PAYSAGA_CODEC_KEYS;
    const problems = (value: string): string => {
      try {
        read(value);
      } catch (error) {
        assert.ok(error instanceof ConfigurationError);
        return error.problems.join();
      }
      return '';
    };

    it('come in the order in which they are written, or not at all', () => {
      assert.deepEqual(read(`b:${base64(2)}, a:${base64(1)}`), [
        { id: 'b', key: Buffer.alloc(32, 2) },
        { id: 'a', key: Buffer.alloc(32, 1) },
      ]);
      assert.equal(read(''), undefined);
    });

    it('that cannot work are all named at once', () => {
      const said = problems(`a:${base64(1, 31)},b:${base64(2)},b:${base64(3)},c d:${base64(4)},`);
      assert.match(said, /^PAYSAGA_CODEC_KEYS key "a" must be base64 of 32 bytes; .*openssl rand -base64 32/);
      assert.match(said, /has the id "b" twice/);
      assert.match(said, /entry 4 must be id:base64/);
      assert.match(said, /entry 5 must be id:base64/);
    });

    it('are never shown, not even one that was written without its id', () => {
      for (const value of [
        base64(1),
        Buffer.alloc(32, 1).toString('hex'),
        `a:${base64(1, 20)}`,
        `a:${base64(1)}:x`,
      ]) {
        const said = problems(value);
        assert.notEqual(said, '');
        assert.ok(!said.includes(base64(1, 20).slice(0, 12)) && !said.includes('0101'), said);
      }
    });
  });
});
