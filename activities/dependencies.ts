import type { Pool } from '../database/pool.ts';
import type { Merchants } from '../gateway/merchants.ts';
import type { GatewayPace } from './gateway-pace.ts';

/** What the activities need from the outside. */
export interface ActivityDependencies {
  pool: Pool;
  merchants: Merchants;
  /** Base of the notify_url, without a trailing slash, e.g. `https://pay.example.com`. */
  publicUrl: string;
  /** Unix time in milliseconds. */
  clock: () => number;
  /** Of the worker whose activities these are. */
  pace: GatewayPace;
}
