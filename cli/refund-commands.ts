import { type Command, Option } from 'commander';
import { REFUND_CHOICES } from '../domain/refund.ts';
import { actionsOn } from './operator-options.ts';

/** The commands of operators about refunds. */
export function addRefundCommands(program: Command): void {
  const refund = program.command('refund').description('look at refunds, and act on those that are stuck');
  refund
    .command('show')
    .description('show a refund: what it waits for, its attempts')
    .argument('<refund>', 'its id, ref_…, or the out_refund_no of any of its attempts')
    .option('--json', 'for programs')
    .action(async (name, options) => (await import('./refund.ts')).showRefund(name, options));
  refund
    .command('list')
    .description('list the refunds that need an operator, the one that waits longest first')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./refund.ts')).listAttention(options));

  const action = actionsOn(refund, ['<refund>', 'its id, ref_…, or an out_refund_no']);
  action(
    'recheck',
    'ask WeChat Pay again, once the cause is mended for which the refund needs an operator',
  ).action(async (name, options) => (await import('./refund-action.ts')).recheckRefund(name, options));
  action('retry-step', 'repeat at once the step that waits for its next attempt').action(
    async (name, options) => (await import('./refund-action.ts')).retryStep(name, options),
  );
  action('retry', 'try a refund that failed once more, with another number under the same id').action(
    async (name, options) => (await import('./refund-action.ts')).retryRefund(name, options),
  );
  action('resolve', 'say where the money of an abnormal refund goes')
    .addOption(
      new Option(
        '--choice <choice>',
        'a card of the customer’s or the merchant; OFFLINE: paid back by other means; ACCEPT what WeChat Pay did although it had said otherwise (both take another operator); or WAIT',
      )
        .choices(REFUND_CHOICES)
        .makeOptionMandatory(),
    )
    .option(
      '--bank-card-file <file>',
      'for USER_BANK_CARD: JSON with bank_type, bank_account and real_name. Delete it afterwards',
    )
    .action(async (name, options) => (await import('./refund-action.ts')).resolveRefund(name, options));
}
