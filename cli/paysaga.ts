#!/usr/bin/env node
import { Command, InvalidArgumentError, Option } from 'commander';
import { DUPLICATE_PAYMENT_POLICIES, LATE_PAYMENT_DECISIONS } from '../domain/late-payment.ts';
import { REGION_NAMES } from '../domain/region.ts';
import { ConfigurationError } from '../process/environment.ts';
import { addLatePaymentCommands } from './late-payment-commands.ts';
import { addLedgerCommands } from './ledger-commands.ts';
import { addOperatorCommands } from './operator-commands.ts';
import { addReconciliationCommands } from './reconcile-commands.ts';
import { addRefundCommands } from './refund-commands.ts';
import { SIMULATOR_EXAMPLES } from './simulator-help.ts';
import { UsageError } from './usage-error.ts';
import { version } from './version.ts';

// Each command loads its own code only: `--help` and `migrate` need no Temporal worker.

const integer = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < 0) throw new InvalidArgumentError('must be a whole number.');
  return value;
};
const port = (text: string): number => {
  const value = integer(text);
  if (value > 65_535) throw new InvalidArgumentError('must be a port, 0 to 65535.');
  return value;
};
const factor = (text: string): number => {
  const value = Number(text);
  if (!(value > 0 && value <= 1_000_000)) throw new InvalidArgumentError('must be a number above 0.');
  return value;
};

const program = new Command('paysaga')
  .description('WeChat Pay payments as durable sagas on Temporal')
  .version(version())
  .showHelpAfterError('(paysaga --help tells what there is)');

program
  .command('api')
  .description('serve the HTTP API; configured by environment variables, see .env.example')
  .action(async () => (await import('./api.ts')).runApi());
program
  .command('worker')
  .description('host workflows, activities and relays; configured by environment variables')
  .action(async () => (await import('./worker.ts')).runWorker());
program
  .command('build-id')
  .description('print the name of this build for `temporal worker deployment set-current-version`')
  .action(async () => (await import('./build-id.ts')).printBuildId());
program
  .command('migrate')
  .description('bring the database schema and the Temporal search attributes up to date')
  .action(async () => (await import('./migrate.ts')).runMigrate());

program
  .command('codec-server')
  .description("let Temporal's web UI and command line read encrypted histories; needs PAYSAGA_CODEC_KEYS")
  .option('--port <number>', 'port to listen on; 0 takes a free one', port, 8234)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--ui-origin <url...>', 'where the Temporal UI is; no other page may ask', [
    'http://127.0.0.1:8233',
    'http://localhost:8233',
  ])
  .option(
    '--no-authentication',
    'ask for no token although others reach the port: because a proxy asks, or nobody else is in the network',
  )
  .action(async (options) => (await import('./codec-server.ts')).runCodecServer(options));

program
  .command('simulator')
  .description('run a stand-in for the WeChat Pay gateway, for development and tests')
  .option('--port <number>', 'port to listen on; 0 takes a free one', port, 9080)
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--seed <number>', 'same seed, same keys and ids', integer, 1)
  .option('--credentials <directory>', 'where to write merchant.json and the PEM files')
  .option('--data <directory>', 'keep orders and refunds here over restarts')
  .option('--scenario <file>', 'JSON: merchants, settings and faults to start with')
  .option(
    '--time-scale <factor>',
    'notification retries and refunds run this many times faster; 1 unless told, here or by the scenario',
    factor,
  )
  .option('--rate-limits', 'answer 429 to calls beyond the documented figures')
  .option(
    '--tls',
    'serve HTTPS too, which asks for the merchant certificate; its ca.pem is among the credentials',
  )
  .option('--tls-port <number>', 'port for HTTPS; a free one unless told', port)
  .addHelpText('after', SIMULATOR_EXAMPLES)
  .action(async (options) => (await import('./simulator.ts')).runSimulator(options));

const merchant = program.command('merchant').description('manage merchants');
merchant
  .command('upsert')
  .description('create a merchant, or replace its credentials; prints its id')
  .requiredOption('--tenant <name>', 'the tenant it belongs to; created if there is none')
  .requiredOption(
    '--credentials <directory>',
    'holds merchant.json (mchid, appid, merchant_serial_no, api_v3_key, public_key_id, base_url, optionally other_appids), apiclient_key.pem and pub_key.pem',
  )
  .addOption(
    new Option(
      '--role <role>',
      'whether it takes money for itself or, as a service provider, for sub-merchants (default: what it is already, else merchant)',
    ).choices(['merchant', 'partner']),
  )
  .addOption(
    new Option(
      '--region <region>',
      'where it is enrolled; of an overseas merchant, statements are reconciled (default: what it is already, else mainland)',
    ).choices(REGION_NAMES),
  )
  .action(async (options) => (await import('./merchant.ts')).upsertMerchant(options));
merchant
  .command('policy')
  .description('say what becomes of money that was not expected; prints what is set')
  .argument('<mchid>', 'whose')
  .addOption(
    new Option(
      '--late-payment <what>',
      'money for a payment that had ended: refund it, or accept it as the payment',
    ).choices(LATE_PAYMENT_DECISIONS),
  )
  .addOption(
    new Option(
      '--duplicate-payment <what>',
      'a second payment for the same order_reference: refund it, or keep it',
    ).choices(DUPLICATE_PAYMENT_POLICIES),
  )
  .action(async (mchid, options) => (await import('./merchant.ts')).merchantPolicy(mchid, options));

const apiKey = program.command('api-key').description('manage API keys');
apiKey
  .command('create')
  .description('create an API key; prints it, the only time it is shown')
  .requiredOption('--tenant <name>', 'the tenant it acts for; created if there is none')
  .requiredOption('--name <text>', 'what it is for')
  .action(async (options) => (await import('./api-key.ts')).createApiKey(options));
apiKey
  .command('revoke')
  .description('revoke an API key')
  .argument('<id>', 'its id, key_…')
  .action(async (id) => (await import('./api-key.ts')).revokeApiKey(id));

addLedgerCommands(program);
addReconciliationCommands(program);
addOperatorCommands(program);
addRefundCommands(program);
addLatePaymentCommands(program);

try {
  await program.parseAsync();
} catch (error) {
  // A configuration that cannot work is the operator's to mend: the list of problems, no stack.
  const mendable = error instanceof ConfigurationError || error instanceof UsageError;
  console.error(mendable ? `paysaga: ${error.message}` : error);
  process.exit(1);
}
