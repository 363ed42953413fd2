import assert from 'node:assert/strict';
import { buildId, deploymentName } from '../../../worker/version.ts';

describe('build id', () => {
  const code = 'exports.payment = 1;\n';
  const map = (text: string) => `\n//# sourceMappingURL=data:application/json;base64,${text}`;

  it('begins with the version and follows the workflow code', () => {
    assert.match(buildId('0.1.0', code), /^0\.1\.0-[0-9a-f]{12}$/);
    assert.notEqual(buildId('0.1.0', code), buildId('0.1.0', code.replace('1', '2')));
    assert.notEqual(buildId('0.1.0', code), buildId('0.1.1', code));
  });

  it('is the same wherever the bundle was made', () => {
    assert.equal(buildId('0.1.0', code + map('L29wdA==')), buildId('0.1.0', code + map('L2hvbWU=')));
  });

  it('belongs to a deployment whose name Temporal takes', () => {
    assert.equal(deploymentName('paysaga'), 'paysaga');
    assert.equal(deploymentName('pay.eu:1'), 'pay-eu-1');
  });
});
