import assert from 'node:assert/strict';
import { GatewayPace } from '../../../activities/gateway-pace.ts';
import { OutcomeUnknownError, RequestRejectedError } from '../../../wechatpay/index.ts';

describe('the pace of the gateway', () => {
  let now: number;
  let pace: GatewayPace;
  const call = (ms: number, error?: Error) =>
    pace.timed(async () => {
      now += ms;
      if (error) throw error;
      return 'answer';
    });

  beforeEach(() => {
    now = 0;
    pace = new GatewayPace(() => now);
  });

  it('it is prompt until a call has been slow', async () => {
    assert.ok(pace.prompt);
    assert.equal(await call(1_000), 'answer');
    assert.ok(pace.prompt);
    await call(1_001);
    assert.ok(!pace.prompt);
  });

  it('a slow call is forgotten after ten seconds', async () => {
    await call(5_000);
    now += 9_999;
    assert.ok(!pace.prompt);
    now += 1;
    assert.ok(pace.prompt);
  });

  it('a call without an answer counts as slow however fast it failed, a refusal does not', async () => {
    await assert.rejects(call(1, new RequestRejectedError('no', { code: 'PARAM_ERROR' })));
    assert.ok(pace.prompt);
    await assert.rejects(call(1, new OutcomeUnknownError('lost', { code: 'CONNECTION' })));
    assert.ok(!pace.prompt);
  });
});
