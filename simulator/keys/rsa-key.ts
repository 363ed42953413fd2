import { checkPrimeSync, createPrivateKey, type KeyObject } from 'node:crypto';
import type { SeededRandom } from '../random.ts';

const PUBLIC_EXPONENT = 65537n;
const PRIME_BITS = 1024;

/** Odd primes below 5000: trial division by them spares nine tenths of the expensive tests. */
const SMALL_PRIMES = Array.from({ length: 4998 }, (_, index) => index + 2).filter((candidate) => {
  for (let divisor = 2; divisor * divisor <= candidate; divisor += 1)
    if (candidate % divisor === 0) return false;
  return candidate > 2;
});

/**
 * An RSA-2048 key that depends on nothing but the random stream, so that a seed always gives the same merchant. Takes about a tenth of
 * a second.
 */
export function seededRsaKey(random: SeededRandom): KeyObject {
  const p = seededPrime(random);
  const q = seededPrime(random);
  const d = inverse(PUBLIC_EXPONENT, (p - 1n) * (q - 1n));
  const key = {
    kty: 'RSA',
    n: base64Url(p * q),
    e: base64Url(PUBLIC_EXPONENT),
    d: base64Url(d),
    p: base64Url(p),
    q: base64Url(q),
    dp: base64Url(d % (p - 1n)),
    dq: base64Url(d % (q - 1n)),
    qi: base64Url(inverse(q, p)),
  };
  return createPrivateKey({ key, format: 'jwk' });
}

function seededPrime(random: SeededRandom): bigint {
  const bytes = random.bytes(PRIME_BITS / 8);
  // The two highest bits set make the product of two primes exactly 2048 bits long; the lowest makes the candidate odd.
  bytes.writeUInt8(bytes.readUInt8(0) | 0xc0, 0);
  bytes.writeUInt8(bytes.readUInt8(bytes.length - 1) | 0x01, bytes.length - 1);
  const start = BigInt(`0x${bytes.toString('hex')}`);
  const remainders = SMALL_PRIMES.map((prime) => Number(start % BigInt(prime)));
  for (let offset = 0; ; offset += 2) {
    if (SMALL_PRIMES.some((prime, index) => ((remainders[index] ?? 0) + offset) % prime === 0)) continue;
    const candidate = start + BigInt(offset);
    if (candidate % PUBLIC_EXPONENT === 1n) continue;
    if (checkPrimeSync(candidate)) return candidate;
  }
}

/** The inverse of `value` modulo `modulus`, by the extended Euclidean algorithm. */
function inverse(value: bigint, modulus: bigint): bigint {
  let [previous, current] = [modulus, value % modulus];
  let [previousFactor, factor] = [0n, 1n];
  while (current !== 0n) {
    const quotient = previous / current;
    [previous, current] = [current, previous - quotient * current];
    [previousFactor, factor] = [factor, previousFactor - quotient * factor];
  }
  return ((previousFactor % modulus) + modulus) % modulus;
}

function base64Url(value: bigint): string {
  const hex = value.toString(16);
  return Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex').toString('base64url');
}
