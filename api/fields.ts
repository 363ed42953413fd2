import { isIP } from 'node:net';
import { z } from 'zod';
import { MAX_ORDER_FEN } from '../domain/money.ts';
import { OUT_REFUND_NO } from '../domain/refund.ts';

/** Characters of one to three UTF-8 bytes only: WeChat Pay refuses the others, emoji for instance, and NUL cannot be stored. */
export const text = (max: number) =>
  z
    .string()
    .min(1, { message: 'must not be empty' })
    .refine((value) => [...value].length <= max, { message: `must have at most ${max} characters` })
    .refine((value) => !/[\u{10000}-\u{10FFFF}]/u.test(value), {
      message: 'must not contain emoji or other characters of four UTF-8 bytes: WeChat Pay refuses them',
    })
    .refine((value) => !/[\p{Cc}\p{Cs}]/u.test(value), {
      message: 'must not contain control characters or halves of characters',
    });

/** A positive amount. */
export const fen = z
  .int({ message: 'must be an integer number of fen (2590 is ¥25.90)' })
  .min(1, { message: 'must be at least 1 fen' })
  .max(MAX_ORDER_FEN, { message: `must be at most ${MAX_ORDER_FEN} fen` });

/** Numbers and ids that WeChat Pay gives. */
export const identifier = (max: number) =>
  z.string().regex(new RegExp(`^[0-9A-Za-z_-]{1,${max}}$`), {
    message: `must be 1 to ${max} of the characters 0-9 A-Z a-z _ -`,
  });

/** IPv4 or IPv6. */
export const ip = z
  .string()
  .refine((value) => isIP(value) !== 0, { message: 'must be an IPv4 or IPv6 address' });

/** Of a device that is not this machine. */
export const clientIp = ip.refine((value) => !/^(127\.|::1$)/.test(value), {
  message: "must be the address of the customer's device, not of this machine",
});

/** The merchant's own number of a refund. */
export const outRefundNo = z
  .string()
  .regex(OUT_REFUND_NO, { message: 'must be 1 to 64 of the characters 0-9 A-Z a-z _ - | * @' });
