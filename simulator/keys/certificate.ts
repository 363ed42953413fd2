import { createPrivateKey, createPublicKey, type KeyObject, webcrypto } from 'node:crypto';
import type { SimulatedMerchant } from '../merchants/merchant.ts';
import type { SeededRandom } from '../random.ts';
import { seededRsaKey } from './rsa-key.ts';

const SIGNING = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** A certificate with which WeChat Pay signs for merchants that do not use its public key. */
export interface PlatformCertificate {
  /** 40 upper-case hex digits, the first 1-7. */
  serialNo: string;
  /** Milliseconds since 1970, as the next. */
  effectiveTime: number;
  expireTime: number;
  privateKey: KeyObject;
  pem: string;
}

/** Makes a platform certificate; the same stream gives the same bytes. Times in milliseconds since 1970. */
export async function platformCertificate(
  random: SeededRandom,
  { from, to }: { from: number; to: number },
): Promise<PlatformCertificate> {
  const serialNo = random.text(1, '1234567') + random.text(39, '0123456789ABCDEF');
  const privateKey = seededRsaKey(random.fork('key'));
  const pem = await selfSigned({
    serialNo,
    privateKey,
    name: 'CN=Tenpay.com, OU=paysaga simulator, C=CN',
    from,
    to,
  });
  return { serialNo, effectiveTime: from, expireTime: to, privateKey, pem };
}

/** The merchant API certificate; its X.509 serial is the merchant's `serial_no`. The same merchant gives the same bytes. */
export function merchantCertificate(merchant: SimulatedMerchant): Promise<string> {
  return selfSigned({
    serialNo: merchant.serialNo,
    privateKey: createPrivateKey(merchant.privateKeyPem),
    name: `CN=${merchant.mchid}, OU=paysaga simulator, O=simulated merchant, C=CN`,
    from: Date.parse('2025-01-01T00:00:00Z'),
    to: Date.parse('2045-01-01T00:00:00Z'),
  });
}

async function selfSigned({
  serialNo,
  privateKey,
  name,
  from,
  to,
}: {
  serialNo: string;
  privateKey: KeyObject;
  name: string;
  from: number;
  to: number;
}): Promise<string> {
  await import('reflect-metadata');
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const der = (key: KeyObject, type: 'pkcs8' | 'spki') =>
    key.export({ type: type as 'pkcs8', format: 'der' });
  const [signingKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', der(privateKey, 'pkcs8'), SIGNING, true, ['sign']),
    webcrypto.subtle.importKey('spki', der(createPublicKey(privateKey), 'spki'), SIGNING, true, ['verify']),
  ]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNo,
    name,
    notBefore: new Date(from),
    notAfter: new Date(to),
    signingAlgorithm: SIGNING,
    keys: { privateKey: signingKey, publicKey },
  });
  return `${certificate.toString('pem')}\n`;
}
