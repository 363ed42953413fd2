import { createPublicKey, type KeyObject, webcrypto } from 'node:crypto';
import { isIP } from 'node:net';
import { SeededRandom } from '../random.ts';
import { seededRsaKey } from './rsa-key.ts';

const SIGNING = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };
const VALIDITY = { notBefore: new Date('2025-01-01T00:00:00Z'), notAfter: new Date('2045-01-01T00:00:00Z') };

/** WeChat Pay's hosts: programs whose address is fixed can be sent here by name. */
const HOSTS = [
  'localhost',
  'api.mch.weixin.qq.com',
  'api2.mch.weixin.qq.com',
  'apihk.mch.weixin.qq.com',
  'api.wechatpay.cn',
  'api2.wechatpay.cn',
  'payapp.weixin.qq.com',
  '127.0.0.1',
  '::1',
];

/** What an HTTPS server needs, as PEM, and what its clients have to trust. */
export interface TlsIdentity {
  key: string;
  cert: string;
  ca: string;
}

/** The certificate of the simulator, issued by an authority of its own for this machine and WeChat Pay's hosts. The same seed gives the same keys. */
export async function tlsIdentity(seed: number, host: string): Promise<TlsIdentity> {
  await import('reflect-metadata');
  const x509 = await import('@peculiar/x509');
  const random = new SeededRandom(`tls/${seed}`);
  const authorityKey = seededRsaKey(random.fork('authority'));
  const serverKey = seededRsaKey(random.fork('server'));
  const authority = await keyPair(authorityKey);
  const server = await keyPair(serverKey);
  const name = `CN=paysaga simulator ${seed}, O=paysaga simulator`;
  const ca = await x509.X509CertificateGenerator.createSelfSigned({
    ...VALIDITY,
    serialNumber: `1${random.text(39, '0123456789ABCDEF')}`,
    name,
    signingAlgorithm: SIGNING,
    keys: authority,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
    ],
  });
  const names = [...new Set([...HOSTS, host])].map((value) => ({
    type: isIP(value) ? ('ip' as const) : ('dns' as const),
    value,
  }));
  const certificate = await x509.X509CertificateGenerator.create({
    ...VALIDITY,
    serialNumber: `1${random.text(39, '0123456789ABCDEF')}`,
    subject: 'CN=api.mch.weixin.qq.com, O=paysaga simulator',
    issuer: name,
    signingAlgorithm: SIGNING,
    signingKey: authority.privateKey,
    publicKey: server.publicKey,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.ExtendedKeyUsageExtension(['1.3.6.1.5.5.7.3.1']),
      new x509.SubjectAlternativeNameExtension(names),
    ],
  });
  return {
    key: serverKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    cert: `${certificate.toString('pem')}\n`,
    ca: `${ca.toString('pem')}\n`,
  };
}

async function keyPair(key: KeyObject): Promise<webcrypto.CryptoKeyPair> {
  const der = (one: KeyObject, type: 'pkcs8' | 'spki') =>
    one.export({ type: type as 'pkcs8', format: 'der' });
  const [privateKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', der(key, 'pkcs8'), SIGNING, true, ['sign']),
    webcrypto.subtle.importKey('spki', der(createPublicKey(key), 'spki'), SIGNING, true, ['verify']),
  ]);
  return { privateKey, publicKey };
}
