import { z } from 'zod';
import { billSettings } from './bills/settings.ts';

const mchid = z.string().regex(/^\d{8,10}$/, 'a mchid has 8 to 10 digits');
const appid = z.string().regex(/^wx[0-9a-f]{16}$/, 'an appid is wx and 16 hexadecimal digits');

/** What a scenario file may say: who is enrolled besides the merchants of the seed, and how bills and payment codes are. */
export const scenarioSchema = z.strictObject({
  merchants: z
    .array(
      z.strictObject({
        mchid: mchid.optional(),
        appid: appid.optional(),
        role: z.enum(['merchant', 'partner']).optional(),
        region: z.enum(['mainland', 'overseas']).optional(),
        sub_merchants: z.array(z.strictObject({ mchid, appid })).optional(),
        platform_certificates: z.boolean().optional(),
        notified_with: z.enum(['public_key', 'certificate']).optional(),
        refund_notify_url: z.url().optional(),
        bills: billSettings.optional(),
        balance: z.int().nonnegative().optional(),
      }),
    )
    .optional(),
  /** How everybody's bills are. */
  bills: billSettings.optional(),
  /** Where everybody hears of refunds that name no address, unless they have one of their own. */
  refund_notify_url: z.url().optional(),
  payment_codes: z
    .strictObject({
      /** From which amount on, in fen, a password is needed; null for never. */
      password_from: z.int().nonnegative().nullable().optional(),
      /** How a pending password is answered. */
      user_paying_status: z.union([z.literal(200), z.literal(202)]).optional(),
    })
    .optional(),
});

/** A scenario: who is enrolled, and how. */
export type Scenario = z.infer<typeof scenarioSchema>;
