import type { Command } from 'commander';

const EXAMPLES = `
Examples:
  paysaga ledger balances --at 2026-03-31
  paysaga ledger statement --account gateway_fees --from 2026-03-01 --to 2026-03-31
  paysaga export journal --from 2026-03-01 --to 2026-03-31 --encoding gb18030 --output journal.csv
  paysaga export break-ageing --format xlsx --output breaks.xlsx
  paysaga export reconciliation rec_… --output 2026-03-01.xlsx
  paysaga export camt.053 --merchant 1900000001 --from 2026-03-01 --to 2026-03-01
Days are those of Asia/Shanghai; a period has its last day in it.`;

/** Every command about the ledger names a merchant the same way. */
const ofMerchant = (command: Command) =>
  command.option('--merchant <id>', 'its mch_… or its mchid; not needed when there is only one');

const dated = (command: Command) =>
  command.option(
    '--by <time>',
    'posted_at, when we knew, or effective_at, when it happened (default: posted_at)',
  );

const asFile = (command: Command) =>
  command.option('--output <file>', 'file to write; must not exist (default: standard output)');

const asTable = (command: Command) =>
  asFile(command)
    .option('--format <name>', 'csv or xlsx (default: csv)')
    .option('--encoding <name>', 'of CSV: utf-8, utf-8-bom or gb18030 (default: utf-8)');

const ofPeriod = (command: Command) =>
  dated(ofMerchant(command))
    .requiredOption('--from <day>', 'first day')
    .requiredOption('--to <day>', 'last day');

const JSON_OPTION = ['--json', 'print what the API answers'] as const;

/** `paysaga ledger …` and `paysaga export …` */
export function addLedgerCommands(program: Command): void {
  const ledger = program
    .command('ledger')
    .description('read the books, take a mistake back, look for tampering');
  const load = () => import('./ledger.ts');

  ofMerchant(ledger.command('accounts'))
    .description('list the accounts of a merchant')
    .option(...JSON_OPTION)
    .action(async (options) => (await load()).printAccounts(options));
  dated(ofMerchant(ledger.command('balances')))
    .description('what the accounts hold, or held')
    .option('--at <moment>', 'the end of this day, or this RFC 3339 time (default: now)')
    .option(...JSON_OPTION)
    .action(async (options) => (await load()).printBalances(options));
  ledger
    .command('alarms')
    .description('late money and money in suspense that has been there for too long')
    .option('--merchant <id>', 'its mch_… or its mchid (default: all)')
    .option(...JSON_OPTION)
    .action(async (options) => (await load()).printAlarms(options));
  dated(ofMerchant(ledger.command('transactions')))
    .description('list transactions, newest first')
    .option('--account <code>', 'with an entry in this account')
    .option('--payment <id>', 'of this payment, pay_…, and its refunds')
    .option('--refund <id>', 'of this refund, ref_…')
    .option('--from <moment>', 'from this day or RFC 3339 time on')
    .option('--to <moment>', 'to the end of this day, or before this RFC 3339 time')
    .option('--limit <number>', 'how many, 1 to 100 (default: 20)')
    .option('--starting-after <id>', 'older than this one, txn_…')
    .option('--ending-before <id>', 'newer than this one, txn_…')
    .option(...JSON_OPTION)
    .action(async (options) => (await load()).printTransactions(options));
  asTable(ofPeriod(ledger.command('statement')))
    .description('the statement of an account: opening balance, every entry, closing balance')
    .option('--account <code>', 'which account (default: wechat_receivable)')
    .option('--currency <code>', 'of the account (default: CNY)')
    .action(async (options) => (await import('./export.ts')).writeStatement(options));
  ledger
    .command('reverse')
    .description('take a fee, settlement or suspense posting back by a transaction that mirrors it')
    .argument('<id>', 'the transaction, txn_…')
    .requiredOption('--reason <text>', 'why; it stays in the books')
    .option('--actor <name>', 'who wants it (default: the user of this machine)')
    .option(...JSON_OPTION)
    .action(async (id, options) => (await load()).reverseTransaction(id, options));
  ledger
    .command('verify')
    .description(
      'calculate the chain of hashes anew; fails and names each transaction that was tampered with',
    )
    .option('--merchant <id>', 'its mch_… or its mchid (default: all)')
    .option('--contains <hash>', 'a head that was noted earlier; fails when it is in no chain')
    .action(async (options) => (await load()).verifyLedger(options));

  const exporting = program.command('export').description('write files for finance');
  const journal = asTable(ofPeriod(exporting.command('journal')));
  journal.description('every entry of a period, for the accounting system');
  const summary = asTable(ofPeriod(exporting.command('settlement-summary')));
  summary.description('each day: what the accounts held, what each step did, a total that balances');
  const fees = asTable(ofPeriod(exporting.command('fees')));
  fees.description(
    'every fee of WeChat Pay with its order and its bill, and totals that are those of the ledger',
  );
  const camt = asFile(ofPeriod(exporting.command('camt.053')));
  camt
    .description("ISO 20022 statement of the merchant's account at WeChat Pay, XML")
    .option('--currency <code>', 'of the account (default: the one in which the merchant took money)')
    .action(async (options) => (await import('./export.ts')).writeCamt053(options));
  for (const command of [journal, summary, fees]) {
    command.action(async (options) => (await import('./export.ts')).writeExport(command.name(), options));
  }
  asTable(exporting.command('break-ageing'))
    .description('every open break of the reconciliations with its age and owner, and totals by age')
    .option('--merchant <id>', 'its mch_… or its mchid (default: all of them)')
    .action(async (options) => (await import('./export.ts')).writeBreakAgeing(options));
  asFile(exporting.command('reconciliation'))
    .description('workbook (XLSX) of a reconciliation: what it comes to, every line, the breaks')
    .argument('<id>', 'rec_…')
    .action(async (id, options) => (await import('./export.ts')).writeReconciliation(id, options));
  for (const group of [ledger, exporting]) group.addHelpText('after', EXAMPLES);
}
