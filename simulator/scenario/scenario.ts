import { z } from 'zod';
import { billSettings } from '../bills/settings.ts';
import { faultRequest } from '../faults/fault.ts';
import { recording } from '../faults/replay.ts';
import { platformUrl } from '../merchants/platform-url.ts';
import { dateTime } from '../v3/request-body.ts';

const mchid = z.string().regex(/^\d{8,10}$/, 'a mchid has 8 to 10 digits');
const appid = z.string().regex(/^wx[0-9a-f]{16}$/, 'an appid is wx and 16 hexadecimal digits');

/**
 * What a scenario file may say: who is enrolled besides the merchants of the seed, how bills and payment codes are, how the simulator behaves, and
 * what goes wrong.
 */
export const scenarioSchema = z.strictObject({
  merchants: z
    .array(
      z.strictObject({
        mchid: mchid.optional(),
        appid: appid.optional(),
        other_appids: z.array(appid).optional(),
        role: z.enum(['merchant', 'partner']).optional(),
        region: z.enum(['mainland', 'overseas']).optional(),
        sub_merchants: z.array(z.strictObject({ mchid, appid })).optional(),
        platform_certificates: z.boolean().optional(),
        notified_with: z.enum(['public_key', 'certificate']).optional(),
        refund_notify_url: platformUrl.optional(),
        bills: billSettings.optional(),
        balance: z.int().nonnegative().optional(),
      }),
    )
    .optional(),
  /** How everybody's bills are. */
  bills: billSettings.optional(),
  /** Where everybody hears of refunds that name no address, unless they have one of their own. */
  refund_notify_url: platformUrl.optional(),
  payment_codes: z
    .strictObject({
      /** From which amount on, in fen, a password is needed; null for never. */
      password_from: z.int().nonnegative().nullable().optional(),
      /** How a pending password is answered. */
      user_paying_status: z.union([z.literal(200), z.literal(202)]).optional(),
    })
    .optional(),
  /** How the simulator behaves; options of its start go before these. */
  settings: z
    .strictObject({
      /** Divides the waits of notification retries and refund processing. */
      time_scale: z.number().positive().max(1_000_000).optional(),
      /** From an event to the first attempt to notify. */
      notify_delay_ms: z.int().nonnegative().optional(),
      /** Real milliseconds a merchant has to answer a notification. */
      notify_timeout_ms: z.int().positive().optional(),
      /** From the acceptance of a refund to its success, before scaling; null for never by itself. */
      refund_delay_ms: z.int().nonnegative().nullable().optional(),
      /** Whether partial refunds of one order must be a minute apart. */
      refund_interval: z.boolean().optional(),
      /** Whether orders of v2 must be five minutes old to be closed. */
      close_delay: z.boolean().optional(),
      /** Whether calls beyond the documented figures are answered 429. */
      rate_limits: z.boolean().optional(),
      /** Of the faults' draws; the simulator's seed unless told. */
      fault_seed: z.int().optional(),
      /** What the simulator's clock shows at the start. */
      clock: dateTime.optional(),
    })
    .optional(),
  /** Faults that are arranged from the start. */
  faults: z.array(faultRequest).optional(),
  /** The faults of an earlier run, which fire at the same calls again; arranged ones rest then. */
  replay: z.array(recording).optional(),
});

/** A scenario: who is enrolled, how the simulator behaves, and what goes wrong. */
export type Scenario = z.input<typeof scenarioSchema>;
