import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { freePort, preferredOrFreePort, releasePort } from '../../../dev/ports.ts';

describe('ports of the development stack', () => {
  it('a preferred port that nobody listens on is used', async () => {
    const wanted = await freePort();
    releasePort(wanted);
    assert.deepEqual(await preferredOrFreePort(wanted), { port: wanted, preferred: true });
    releasePort(wanted);
  });

  it('a taken port is replaced by a free one', async () => {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port: taken } = server.address() as { port: number };
    try {
      const { port, preferred } = await preferredOrFreePort(taken);
      assert.equal(preferred, false);
      assert.notEqual(port, taken);
    } finally {
      server.close();
    }
  });

  it('two parts that ask before either listens get two ports', async () => {
    const wanted = await freePort();
    releasePort(wanted);
    const first = await preferredOrFreePort(wanted);
    const second = await preferredOrFreePort(wanted);
    assert.notEqual(first.port, second.port);
  });
});
