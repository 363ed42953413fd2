import { createPrivateKey, createPublicKey, webcrypto } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { SimulatedMerchant } from './merchant.ts';

const SIGNING = { name: 'RSASSA-PKCS1-v1_5', hash: 'SHA-256' };

/**
 * Writes what a merchant downloads from the merchant platform: `apiclient_key.pem`, `apiclient_cert.pem`, `pub_key.pem` (official page
 * 4013038816), and `merchant.json` with the identifiers and the simulator's addresses. The key file is readable by its owner only.
 */
export async function writeCredentials(
  directory: string,
  merchant: SimulatedMerchant,
  addresses: { baseUrl: string; controlUrl: string },
): Promise<void> {
  await mkdir(directory, { recursive: true });
  const settings = {
    base_url: addresses.baseUrl,
    mchid: merchant.mchid,
    appid: merchant.appid,
    merchant_serial_no: merchant.serialNo,
    api_v3_key: merchant.apiV3Key,
    public_key_id: merchant.publicKeyId,
    control_url: addresses.controlUrl,
  };
  await Promise.all([
    writeFile(join(directory, 'apiclient_key.pem'), merchant.privateKeyPem, { mode: 0o600 }),
    writeFile(join(directory, 'apiclient_cert.pem'), await merchantCertificate(merchant)),
    writeFile(join(directory, 'pub_key.pem'), merchant.publicKeyPem),
  ]);
  // Written last: a process that waits for this file finds the others complete.
  await writeFile(join(directory, 'merchant.json'), `${JSON.stringify(settings, null, 2)}\n`, {
    mode: 0o600,
  });
}

/** The merchant API certificate, self-signed; its X.509 serial is the merchant's `serial_no`. The same merchant gives the same bytes. */
export async function merchantCertificate(merchant: SimulatedMerchant): Promise<string> {
  // Loaded here because only starts that write credentials pay for it.
  await import('reflect-metadata');
  const { X509CertificateGenerator } = await import('@peculiar/x509');
  const privateKey = createPrivateKey(merchant.privateKeyPem);
  const [signingKey, publicKey] = await Promise.all([
    webcrypto.subtle.importKey('pkcs8', privateKey.export({ type: 'pkcs8', format: 'der' }), SIGNING, true, [
      'sign',
    ]),
    webcrypto.subtle.importKey(
      'spki',
      createPublicKey(privateKey).export({ type: 'spki', format: 'der' }),
      SIGNING,
      true,
      ['verify'],
    ),
  ]);
  const certificate = await X509CertificateGenerator.createSelfSigned({
    serialNumber: merchant.serialNo,
    name: `CN=${merchant.mchid}, OU=paysaga simulator, O=simulated merchant, C=CN`,
    notBefore: new Date('2025-01-01T00:00:00Z'),
    notAfter: new Date('2045-01-01T00:00:00Z'),
    signingAlgorithm: SIGNING,
    keys: { privateKey: signingKey, publicKey },
  });
  return `${certificate.toString('pem')}\n`;
}
