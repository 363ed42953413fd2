import { MODES, type Mode, ROLES, type Role } from './settings.ts';

/** What has to be seen to work: one client, in one mode, in one role. */
export interface Part {
  sdk: string;
  /** How it verifies, or with v2 how it signs. */
  mode: string;
  role: Role;
  /** Whose credentials it uses. */
  merchant: Mode;
  steps: readonly string[];
}

/** Which part runs in which program; `--only` names them. */
export const PROGRAMS = ['npm', 'go', 'java'] as const;
export type Program = (typeof PROGRAMS)[number];

const PRODUCTS = ['jsapi', 'app', 'h5', 'native'];

/** What every client does. */
const PAYMENTS = [
  ...PRODUCTS,
  'query-by-out-trade-no',
  'notify-payment',
  'query-by-transaction-id',
  'close',
  'refund',
  'notify-refund',
  'refund-query',
  'trade-bill',
  'trade-bill-gzip',
  'fund-flow-bill',
  'error',
];
const SENSITIVE = 'sensitive-fields';
const COMBINED = [
  ...PRODUCTS.map((product) => `combine-${product}`),
  'combine-notify',
  'combine-query',
  'combine-close',
];

/** Certificates are downloaded only by those who have them. */
const certificates = (mode: Mode) => (mode === 'certificate' ? ['certificates'] : []);

const parts = (sdk: string, roles: readonly Role[], steps: readonly string[]): Part[] =>
  MODES.flatMap((mode) =>
    roles.map((role) => ({
      sdk,
      mode,
      role,
      merchant: mode,
      steps: [...steps, ...certificates(mode)],
    })),
  );

const v2Parts = (sdk: string, steps: readonly string[]): Part[] =>
  (
    [
      ['md5', 'public-key'],
      ['hmac-sha256', 'certificate'],
    ] as const
  ).flatMap(([mode, merchant]) =>
    ROLES.map((role) => ({
      sdk,
      mode,
      role,
      merchant,
      // The money of a sub-merchant's orders is not on the service provider's account, and v2 has no bill of the other one.
      steps: role === 'direct' ? steps : steps.filter((step) => step !== 'fund-flow-bill'),
    })),
  );

/** Everything that must work, and without which a run has failed. */
export const PLAN: Record<Program, readonly Part[]> = {
  npm: [
    ...parts('wechatpay-axios-plugin', ROLES, [
      ...PAYMENTS,
      SENSITIVE,
      'codepay',
      'reverse',
      ...COMBINED,
      'complaint',
      'complaint-image',
    ]),
    ...v2Parts('wechatpay-axios-plugin-v2', [...PAYMENTS, 'micropay', 'reverse']),
    ...parts('wechatpay-node-v3', ['direct'], [...PAYMENTS, SENSITIVE, ...COMBINED]),
  ],
  go: parts('wechatpay-go', ROLES, [...PAYMENTS, SENSITIVE]),
  java: parts('wechatpay-java', ROLES, [...PAYMENTS, SENSITIVE, 'complaint-image']),
};
