import { z } from 'zod';
import type { PlatformCertificate } from '../keys/certificate.ts';
import type { SimulatedMerchant } from '../merchants/merchant.ts';
import { platformUrl } from '../merchants/platform-url.ts';
import { balanceRequest } from '../money/balance.ts';
import { chinaTime } from '../time/china-time.ts';
import { dateTime } from '../v3/request-body.ts';
import { type AnyRoute, route } from './route.ts';

const balanceAnswer = z.strictObject({
  limited: z.boolean(),
  AVAILABLE: z.int(),
  UNSETTLED: z.int(),
  UNAVAILABLE: z.int(),
  day: z.string(),
});
const exampleBalance = { limited: true, AVAILABLE: 1000, UNSETTLED: 0, UNAVAILABLE: 0, day: '20260301' };

const merchantAnswer = z.strictObject({
  mchid: z.string(),
  appid: z.string(),
  role: z.enum(['merchant', 'partner']),
  region: z.enum(['mainland', 'overseas']),
  sub_merchants: z.array(z.strictObject({ mchid: z.string(), appid: z.string() })),
  merchant_serial_no: z.string(),
  public_key_id: z.string(),
  /** Which kind of key signs its notifications. */
  notified_with: z.enum(['public_key', 'certificate']),
  /** Whether it may download platform certificates. */
  platform_certificates: z.boolean(),
});

const exampleMerchant: z.infer<typeof merchantAnswer> = {
  mchid: '1900012345',
  appid: 'wx0f1e2d3c4b5a6978',
  role: 'merchant',
  region: 'mainland',
  sub_merchants: [],
  merchant_serial_no: '3A7C0D1E2F3A4B5C6D7E8F901A2B3C4D5E6F7081',
  public_key_id: 'PUB_KEY_ID_0119000123452025010100000000000001',
  notified_with: 'public_key',
  platform_certificates: true,
};

const merchantView = (merchant: SimulatedMerchant): z.infer<typeof merchantAnswer> => ({
  mchid: merchant.mchid,
  appid: merchant.appid,
  role: merchant.role,
  region: merchant.region,
  sub_merchants: merchant.subMerchants,
  merchant_serial_no: merchant.serialNo,
  public_key_id: merchant.publicKeyId,
  notified_with: merchant.notifiedWith,
  platform_certificates: merchant.platformCertificates,
});

const certificateAnswer = z.strictObject({
  serial_no: z.string(),
  effective_time: z.string(),
  expire_time: z.string(),
  pem: z.string(),
});

const exampleCertificate = {
  serial_no: '5A1BC0D1E2F3A4B5C6D7E8F901A2B3C4D5E6F708',
  effective_time: '2026-03-01T12:00:00+08:00',
  expire_time: '2031-02-28T12:00:00+08:00',
  pem: '-----BEGIN CERTIFICATE-----\n…\n-----END CERTIFICATE-----\n',
};

const certificateView = (certificate: PlatformCertificate): z.infer<typeof certificateAnswer> => ({
  serial_no: certificate.serialNo,
  effective_time: chinaTime(certificate.effectiveTime),
  expire_time: chinaTime(certificate.expireTime),
  pem: certificate.pem,
});

/** What belongs to merchants, and with which keys they are answered. */
export const merchantControls: readonly AnyRoute[] = [
  route({
    method: 'GET',
    path: '/merchants',
    summary: 'Everybody who is enrolled.',
    answer: {
      schema: z.strictObject({ merchants: z.array(merchantAnswer) }),
      example: { merchants: [exampleMerchant] },
    },
    run: ({ gateway }) => ({ merchants: gateway.world.merchants().map(merchantView) }),
  }),
  route({
    method: 'PUT',
    path: '/merchants/{mchid}',
    summary: 'Changes how a merchant is treated; what is not named stays.',
    body: {
      schema: merchantAnswer.pick({ notified_with: true, platform_certificates: true }).partial(),
      example: { notified_with: 'certificate' },
    },
    answer: { schema: merchantAnswer, example: { ...exampleMerchant, notified_with: 'certificate' } },
    run: ({ gateway, parameters, body: { notified_with, platform_certificates } }) =>
      merchantView(
        gateway.world.change(parameters.mchid ?? '', {
          ...(notified_with && { notifiedWith: notified_with }),
          ...(platform_certificates !== undefined && { platformCertificates: platform_certificates }),
        }),
      ),
  }),
  route({
    method: 'POST',
    path: '/merchants/{mchid}/public-key',
    summary: "WeChat Pay's public key of a merchant is another one from now on; the old id is unknown.",
    answer: {
      schema: z.strictObject({
        public_key_id: z.string(),
        /** SPKI, as in `pub_key.pem`. */
        public_key_pem: z.string(),
      }),
      example: {
        public_key_id: exampleMerchant.public_key_id,
        public_key_pem: '-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\n',
      },
    },
    run: ({ gateway, parameters }) => {
      const { publicKeyId, publicKeyPem } = gateway.world.changePublicKey(parameters.mchid ?? '');
      return { public_key_id: publicKeyId, public_key_pem: publicKeyPem };
    },
  }),
  route({
    method: 'GET',
    path: '/certificates',
    summary: 'Platform certificates, by the time from which they sign.',
    answer: {
      schema: z.strictObject({ certificates: z.array(certificateAnswer) }),
      example: { certificates: [exampleCertificate] },
    },
    run: ({ gateway }) => ({ certificates: gateway.world.certificates().map(certificateView) }),
  }),
  route({
    method: 'POST',
    path: '/certificates',
    summary:
      'Adds a platform certificate, which merchants can download at once and which signs from a time on.',
    body: {
      schema: z.strictObject({
        /** RFC 3339; at once unless told. */
        effective_time: dateTime.optional(),
      }),
      example: { effective_time: '2026-03-01T12:00:00+08:00' },
    },
    answer: { schema: certificateAnswer, example: exampleCertificate },
    run: async ({ gateway, body: { effective_time } }) => {
      const from = effective_time ? Date.parse(effective_time) : gateway.clock();
      return certificateView(await gateway.world.rotateCertificate(from));
    },
  }),
  route({
    method: 'GET',
    path: '/merchants/{mchid}/balance',
    summary: 'What a merchant or sub-merchant has on its accounts, in fen.',
    answer: { schema: balanceAnswer, example: exampleBalance },
    run: ({ gateway, parameters }) => gateway.balance(parameters.mchid ?? ''),
  }),
  route({
    method: 'PUT',
    path: '/merchants/{mchid}/balance',
    summary: 'Sets accounts, and whether refunds need money on them.',
    body: { schema: balanceRequest, example: { limited: true, AVAILABLE: 1000 } },
    answer: { schema: balanceAnswer, example: exampleBalance },
    run: ({ gateway, parameters, body }) => gateway.setBalance(parameters.mchid ?? '', body),
  }),
  route({
    method: 'POST',
    path: '/merchants/{mchid}/refund-notify-url',
    summary: 'Where a merchant hears of refunds that name no address; null for nowhere.',
    body: {
      schema: z.strictObject({ url: platformUrl.nullable() }),
      example: { url: 'https://pay.example.com/refunds' },
    },
    run: ({ gateway, parameters, body }) =>
      gateway.settings.setRefundNotifyUrl(parameters.mchid ?? '', body.url),
  }),
];
