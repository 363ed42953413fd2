import 'reflect-metadata';
import { generateKeyPairSync, type KeyObject, webcrypto } from 'node:crypto';
import { X509CertificateGenerator } from '@peculiar/x509';
import { encryptResource } from '../../../wechatpay/v3/aead.ts';
import { API_V3_KEY } from './signing-gateway.ts';

const SIGNING = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/** A platform certificate with the private key that WeChat Pay keeps to itself. */
export interface PlatformCertificate {
  /** 40 upper-case hexadecimal digits, the serial number of the X.509 certificate. */
  serial: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  pem: string;
  effective: Date;
  expires: Date;
}

/** A real X.509 certificate, self-signed, for five years. */
export async function platformCertificate(
  serial: string,
  effective = new Date('2026-01-05T10:00:00+08:00'),
  expires = new Date(effective.getTime() + 5 * 365 * 86_400_000),
): Promise<PlatformCertificate> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const { subtle } = webcrypto;
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  const spki = publicKey.export({ type: 'spki', format: 'der' });
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: serial,
    name: 'CN=Tenpay.com sign, OU=Tenpay.com CA Center, O=Tenpay.com, C=CN',
    notBefore: effective,
    notAfter: expires,
    signingAlgorithm: SIGNING,
    keys: {
      privateKey: await subtle.importKey('pkcs8', pkcs8, SIGNING, true, ['sign']),
      publicKey: await subtle.importKey('spki', spki, SIGNING, true, ['verify']),
    },
  });
  return { serial, privateKey, publicKey, pem: `${certificate.toString('pem')}\n`, effective, expires };
}

/** The answer of `GET /v3/certificates`. */
export function certificateList(
  certificates: Pick<PlatformCertificate, 'serial' | 'pem' | 'effective' | 'expires'>[],
  { apiV3Key = API_V3_KEY }: { apiV3Key?: string } = {},
) {
  return {
    data: certificates.map(({ serial, pem, effective, expires }) => ({
      serial_no: serial,
      effective_time: beijing(effective),
      expire_time: beijing(expires),
      encrypt_certificate: encryptResource(pem, {
        apiV3Key,
        nonce: '61f0a719728a',
        associatedData: 'certificate',
      }),
    })),
  };
}

/** RFC 3339 with the offset of WeChat Pay. */
function beijing(time: Date): string {
  return new Date(time.getTime() + 8 * 3600_000).toISOString().replace(/\.\d+Z$/, '+08:00');
}
