import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { answerQuestions } from './protocol-child.ts';
import type { RsaDone, RsaLoad } from './simulator-wire.ts';

/**
 * The baseline: the RSA operations of an order and nothing else. The merchant signs the order and the simulator verifies it; the simulator signs
 * the answer and the merchant verifies it; the simulator signs the notification, which the receiver only counts.
 */

const SIGNATURES = 3;
const VERIFICATIONS = 2;

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
/** As long as an order with its headers. */
const message = Buffer.alloc(500, 'x');
const signature = sign('sha256', message, privateKey);

answerQuestions<RsaLoad>(async ({ orders }) => {
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  for (let order = 0; order < orders; order += 1) {
    for (let each = 0; each < SIGNATURES; each += 1) sign('sha256', message, privateKey);
    for (let each = 0; each < VERIFICATIONS; each += 1) {
      if (!verify('sha256', message, publicKey, signature)) throw new Error('RSA is broken');
    }
  }
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  return { seconds, cpuMs: (user + system) / 1000 } satisfies RsaDone;
});
