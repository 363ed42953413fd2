import { type Command, InvalidArgumentError, Option } from 'commander';
import { PAYMENT_STATUSES } from '../domain/payment.ts';
import { actionsOn, keyed } from './operator-options.ts';
import type { SubOrderClaim } from './payment-action.ts';

const fen = (text: string): number => {
  const value = Number(text);
  if (!/^\d+$/.test(text) || !Number.isSafeInteger(value) || value < 1)
    throw new InvalidArgumentError('must be a whole number of fen, 2590 for ¥25.90.');
  return value;
};
const pageSize = (text: string): number => {
  if (!/^([1-9]\d?|100)$/.test(text)) throw new InvalidArgumentError('must be a number from 1 to 100.');
  return Number(text);
};
const transactionId = (text: string): string => {
  if (!/^[0-9A-Za-z_-]{1,32}$/.test(text))
    throw new InvalidArgumentError(
      'must be the number that WeChat Pay gave, e.g. 4200001234202603010000000000.',
    );
  return text;
};
const subOrder = (text: string, before: SubOrderClaim[] = []): SubOrderClaim[] => {
  const [number, transaction, amount, ...rest] = text.split('=');
  if (!number || transaction === undefined || amount === undefined || rest.length > 0)
    throw new InvalidArgumentError('must be an order number, = its transaction id, = how many fen arrived.');
  return [...before, { outTradeNo: number, transactionId: transactionId(transaction), amount: fen(amount) }];
};
/** The commands of operators: who they are, and what they may do to a payment. */
export function addOperatorCommands(program: Command): void {
  const operator = program.command('operator').description('manage operators: people who act on payments');
  operator
    .command('add')
    .description(
      'add an operator, or give a revoked one a new key; prints the key, the only time it is shown',
    )
    .argument('<name>', 'who it is; the name stays on record')
    .requiredOption('--tenant <name>', 'the tenant whose payments it is about')
    .action(async (name, options) => (await import('./operator.ts')).addOperator(name, options));
  operator
    .command('list')
    .description('list operators')
    .requiredOption('--tenant <name>', 'the tenant')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./operator.ts')).listOperators(options));
  operator
    .command('revoke')
    .description('revoke an operator’s key; what she asked for and was not carried out is void')
    .argument('<name>', 'who')
    .requiredOption('--tenant <name>', 'the tenant')
    .action(async (name, options) => (await import('./operator.ts')).revokeOperator(name, options));

  const payment = program.command('payment').description('look at payments, and act on those that are stuck');
  payment
    .command('show')
    .description('show a payment: what it waits for, what happened, what operators did')
    .argument('<payment>', 'its id, pay_… or cmb_…, or its order number')
    .option('--json', 'for programs')
    .action(async (name, options) => (await import('./payment.ts')).showPayment(name, options));
  payment
    .command('list')
    .description('list payments, newest first')
    .option('--combined', 'combined payments instead')
    .option('--attention', 'only those that need an operator')
    .addOption(new Option('--status <status>', 'only those in this status').choices(PAYMENT_STATUSES))
    .option('--tenant <name>', 'only those of this tenant')
    .option('--merchant <id>', 'only those of this merchant, by its mch_… or its mchid')
    .option('--limit <number>', 'as many at a time, 1 to 100', pageSize, 20)
    .option('--starting-after <id>', 'go on behind this payment')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./payment-list.ts')).listThem(options));

  const action = actionsOn(payment, ['<payment>', 'its id, pay_… or cmb_…, or its order number']);
  action('close', 'close the order at WeChat Pay, unless it turns out to be paid').action(
    async (name, options) => (await import('./payment-action.ts')).closePayment(name, options),
  );
  action('sync', 'ask WeChat Pay at once whether it is paid, and settle what it says').action(
    async (name, options) => (await import('./payment-action.ts')).syncPayment(name, options),
  );
  action(
    'recheck',
    'ask WeChat Pay again, once the cause is mended for which the payment needs an operator',
  ).action(async (name, options) => (await import('./payment-action.ts')).recheckPayment(name, options));
  action('retry', 'repeat at once the step that waits for its next attempt, or was given up').action(
    async (name, options) => (await import('./payment-action.ts')).retryPayment(name, options),
  );
  action('restart', 'begin its workflow anew, after somebody has terminated it').action(
    async (name, options) => (await import('./payment-action.ts')).restartPayment(name, options),
  );
  action('acknowledge', 'say that you have seen to what an ended payment is shown for').action(
    async (name, options) => (await import('./payment-action.ts')).acknowledgePayment(name, options),
  );
  action('resolve', 'settle by evidence: WeChat Pay’s own word, or what two operators have agreed on')
    .addOption(
      new Option('--as <ending>', 'how it has ended').choices(['paid', 'closed']).makeOptionMandatory(),
    )
    .option('--request-approval', 'if WeChat Pay does not say so itself, ask another operator to approve it')
    .option(
      '--transaction-id <id>',
      'to be approved as paid: WeChat Pay’s number of the money',
      transactionId,
    )
    .option('--amount <fen>', 'to be approved as paid: how much arrived', fen)
    .option(
      '--sub-order <number=transaction=fen>',
      'to have a combined payment approved as paid: what arrived for one of its orders; once for each',
      subOrder,
    )
    .action(async (name, options) => (await import('./payment-action.ts')).resolvePayment(name, options));

  keyed(program.command('approvals').description('list what waits for a second operator')).action(
    async (options) => (await import('./approvals.ts')).listApprovals(options),
  );
  keyed(
    program
      .command('approve')
      .description('approve what another operator has asked for; it is carried out at once')
      .argument('<id>', 'its id, apr_…'),
  ).action(async (id, options) => (await import('./approvals.ts')).approveRequest(id, options));
}
