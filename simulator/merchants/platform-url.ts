import { z } from 'zod';

/** An address that merchants set on the merchant platform. */
export const platformUrl = z.url({ protocol: /^https?$/ });
