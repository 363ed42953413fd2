import { CHARGE_SETTINGS } from './charge-paths.ts';
import { COMBINED_SETTINGS } from './combined-paths.ts';
import { LATE_MONEY_SETTINGS } from './late-money-paths.ts';
import { OPERATOR_SETTINGS } from './operator-paths.ts';
import type { Path, Setting } from './path.ts';
import { PAYMENT_SETTINGS } from './payment-paths.ts';
import { RECONCILIATION_SETTINGS } from './reconciliation-paths.ts';
import { REFUND_DECISION_SETTINGS } from './refund-decision-paths.ts';
import { REFUND_SETTINGS } from './refund-paths.ts';

/** Every path that a saga can take, grouped by how the stack is set up for it. */
export const SETTINGS: readonly Setting[] = [
  ...PAYMENT_SETTINGS,
  ...CHARGE_SETTINGS,
  ...COMBINED_SETTINGS,
  ...REFUND_SETTINGS,
  ...REFUND_DECISION_SETTINGS,
  ...OPERATOR_SETTINGS,
  ...LATE_MONEY_SETTINGS,
  ...RECONCILIATION_SETTINGS,
];

/** The same by name. */
export const PATHS: Readonly<Record<string, Path>> = Object.assign({}, ...SETTINGS.map(({ paths }) => paths));
