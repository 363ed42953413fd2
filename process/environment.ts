import { z } from 'zod';
import { codecKeys } from './codec-keys.ts';

/**
 * Configuration comes from environment variables only. Every problem is reported at once, so that a deployment is mended in one go.
 */

const url = (protocols: string[], what: string) =>
  z.string().refine(
    (value) => {
      try {
        return protocols.includes(new URL(value).protocol);
      } catch {
        return false;
      }
    },
    { message: `must be ${what}` },
  );

const port = z.coerce.number().int().min(0).max(65_535);

const VARIABLES = {
  /** PostgreSQL connection string. */
  DATABASE_URL: url(
    ['postgres:', 'postgresql:'],
    'a PostgreSQL URL, e.g. postgresql://user:password@host:5432/paysaga',
  ),
  /** Most connections this process opens to PostgreSQL; a worker keeps one of them for LISTEN. */
  DATABASE_POOL_MAX: z.coerce.number().int().min(2).max(500).default(10),
  /** host:port of the Temporal frontend. */
  TEMPORAL_ADDRESS: z.string().regex(/^[^\s/]+:\d+$/, 'must be host:port, e.g. localhost:7233'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default'),
  /** API key of Temporal Cloud; implies TLS. */
  TEMPORAL_API_KEY: z.string().min(1).optional(),
  /** `true` connects to Temporal with TLS. */
  TEMPORAL_TLS: z.stringbool().default(false),
  TEMPORAL_TASK_QUEUE: z.string().min(1).default('paysaga'),
  /** Base64 of 32 bytes; seals the merchants' secrets in the database. */
  PAYSAGA_MASTER_KEY: z
    .string()
    .refine((value) => Buffer.from(value, 'base64').length === 32, {
      message: 'must be base64 of 32 bytes; make one with: openssl rand -base64 32',
    })
    .transform((value) => Buffer.from(value, 'base64')),
  /** `id:base64,…`: keys that encrypt what Temporal stores; the first encrypts, all decrypt. Not set: nothing is encrypted. */
  PAYSAGA_CODEC_KEYS: codecKeys.optional(),
  /** What the Temporal UI's proxy and the command line bring to `paysaga codec-server`. */
  PAYSAGA_CODEC_SERVER_TOKEN: z
    .string()
    .min(32, 'must have at least 32 characters; make one with: openssl rand -hex 32')
    .optional(),
  API_HOST: z.string().min(1).default('0.0.0.0'),
  API_PORT: port.default(8080),
  /** Where WeChat Pay reaches the API; base of every notify_url. */
  PUBLIC_URL: url(['https:', 'http:'], 'an absolute URL, e.g. https://pay.example.com')
    .refine((value) => !/[?#]/.test(value), { message: 'must have no query: a notify_url may not have one' })
    .transform((value) => value.replace(/\/+$/, '')),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']).default('info'),
  /** Divides the waits before WeChat Pay is asked after a payment or refund: for development and tests. */
  POLLING_SPEED: z.coerce.number().min(1).max(1000).default(1),
  /** When a merchant's night begins, in Asia/Shanghai: after ten, when WeChat Pay has made the bills. `off`: nothing is reconciled by itself. */
  RECONCILIATION_CRON: z
    .string()
    .regex(/^(off|\S+( \S+){4})$/, 'must be a cron expression of five fields, or off')
    .default('30 10 * * *'),
  /** A line that is carried becomes a break after so many days. */
  RECONCILIATION_CARRY_DAYS: z.coerce.number().int().min(0).max(90).default(3),
  /** Late money that nobody has decided on, and money in suspense, raises an alarm after so many days. */
  MONEY_ALARM_DAYS: z.coerce.number().int().min(0).max(365).default(3),
  /** `true` makes the worker take part in versioned deployments: it gets no work until an operator makes its version current. */
  PAYSAGA_WORKER_VERSIONING: z.stringbool().default(false),
  /** Workflow tasks and activities one worker runs at a time. */
  WORKER_MAX_WORKFLOW_TASKS: z.coerce.number().int().min(2).default(40),
  WORKER_MAX_ACTIVITIES: z.coerce.number().int().min(1).default(100),
  /** Workflows one worker keeps in memory, about 1 MB each. */
  WORKER_MAX_CACHED_WORKFLOWS: z.coerce.number().int().min(0).default(500),
  /** Days after which a notification's bytes and decrypted content, with the customer's openid in it, are forgotten. */
  NOTIFICATION_RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(90),
  /** Days after which an Idempotency-Key is forgotten: its request would be a new one then. */
  IDEMPOTENCY_RETENTION_DAYS: z.coerce.number().int().min(1).max(36_500).default(30),
} as const;

/** Name of a variable this service reads. */
export type Variable = keyof typeof VARIABLES;
/** The values of the variables a process asked for. */
export type Environment<Names extends Variable> = {
  [Name in Names]: z.output<(typeof VARIABLES)[Name]>;
};

/** What it takes to reach Temporal. */
export const TEMPORAL_VARIABLES = [
  'TEMPORAL_ADDRESS',
  'TEMPORAL_NAMESPACE',
  'TEMPORAL_TLS',
  'TEMPORAL_API_KEY',
] as const satisfies Variable[];

/** Options of a connection to Temporal, for the client's and the worker's kind alike. */
export function temporalConnection(
  environment: Environment<'TEMPORAL_ADDRESS' | 'TEMPORAL_TLS' | 'TEMPORAL_API_KEY'>,
): { address: string; tls?: true; apiKey?: string } {
  return {
    address: environment.TEMPORAL_ADDRESS,
    ...(environment.TEMPORAL_TLS && { tls: true }),
    ...(environment.TEMPORAL_API_KEY && { apiKey: environment.TEMPORAL_API_KEY }),
  };
}

/** Names of every variable, for the documentation's test. */
export const VARIABLE_NAMES = Object.keys(VARIABLES) as Variable[];

/** The configuration cannot work; the message names every problem. */
export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: string[];

  constructor(problems: string[]) {
    super(
      `the configuration has ${problems.length} problem${problems.length === 1 ? '' : 's'}:\n` +
        problems.map((problem) => `  - ${problem}`).join('\n') +
        '\nSee .env.example for what each variable means.',
    );
    this.problems = problems;
  }
}

/**
 * Reads the named variables.
 * @throws ConfigurationError listing every missing and every wrong one.
 */
export function readEnvironment<const Names extends Variable>(
  names: Names[],
  source: NodeJS.ProcessEnv = process.env,
): Environment<Names> {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const name of names) {
    const raw = source[name] === '' ? undefined : source[name];
    const parsed = VARIABLES[name].safeParse(raw);
    if (parsed.success) values[name] = parsed.data;
    else if (raw === undefined) problems.push(`${name} is not set`);
    else problems.push(`${name} ${parsed.error.issues.map((issue) => issue.message).join('; ')}`);
  }
  if (problems.length > 0) throw new ConfigurationError(problems);
  return values as Environment<Names>;
}
