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
});
