import assert from 'node:assert/strict';
import { compare, medianRound, type ProtocolPart } from '../../../bench/protocol.ts';
import type { ClientName } from '../../../bench/protocol-clients.ts';

function part(name: ClientName, requestsPerSecond: number, cpuMsPerRequest: number): ProtocolPart {
  return {
    name,
    requestsPerSecond,
    cpuMsPerRequest,
    refusesForgery: true,
    serverBusyPercent: 10,
    rounds: [requestsPerSecond],
    failed: 0,
  };
}

const measured = () => [
  part('paysaga', 2000, 0.5),
  part('wechatpay-axios-plugin', 1000, 1),
  part('wechatpay-node-v3', 500, 2),
  part('HTTP alone', 10_000, 0.1),
  part('RSA alone', 3000, 0.3),
];

const changed = (name: ClientName, change: Partial<ProtocolPart>) =>
  compare(measured().map((each) => (each.name === name ? { ...each, ...change } : each)));

describe('comparison of bench protocol', () => {
  it('the round with the median rate counts, with all its figures', () => {
    const rounds = [
      { requestsPerSecond: 30, cpuMsPerRequest: 1 },
      { requestsPerSecond: 10, cpuMsPerRequest: 2 },
      { requestsPerSecond: 20, cpuMsPerRequest: 3 },
    ];
    assert.deepEqual(medianRound(rounds), { requestsPerSecond: 20, cpuMsPerRequest: 3 });
    assert.throws(() => medianRound([]), RangeError);
  });

  it('a ratio above 1 means that paysaga does more, or needs less', () => {
    const { ratios, addedCpuUs, failed, passed } = compare(measured());
    assert.deepEqual(ratios, {
      'wechatpay-axios-plugin': { byRate: 2, byCpu: 2 },
      'wechatpay-node-v3': { byRate: 4, byCpu: 4 },
    });
    assert.equal(Math.round(addedCpuUs), 100);
    assert.deepEqual([failed, passed], [0, true]);
  });

  it('fails when a peer is ahead, a request failed, or a forged answer was believed', () => {
    assert.equal(changed('wechatpay-node-v3', { requestsPerSecond: 2000 }).passed, false);
    assert.equal(changed('paysaga', { failed: 1 }).passed, false);
    assert.equal(changed('paysaga', { refusesForgery: false }).passed, false);
    assert.equal(changed('wechatpay-axios-plugin', { refusesForgery: false }).passed, false);
  });

  it('a comparison without one of its clients is none', () => {
    assert.throws(() => compare(measured().slice(1)), /paysaga was not measured/);
  });
});
