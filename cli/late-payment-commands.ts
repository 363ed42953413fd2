import { type Command, Option } from 'commander';
import { LATE_PAYMENT_DECISIONS } from '../domain/late-payment.ts';
import { actionsOn } from './operator-options.ts';

/** The commands of operators about money that came after its payment had ended without it. */
export function addLatePaymentCommands(program: Command): void {
  const late = program
    .command('late-payment')
    .description('look at money that came too late, and decide what becomes of it');
  late
    .command('list')
    .description('list the late money that needs an operator, what waits longest first')
    .option('--payment <payment>', 'all that came for this payment, by its id or order number')
    .option('--json', 'for programs')
    .action(async (options) => (await import('./late-payment.ts')).listLate(options));
  actionsOn(late, ['<late-payment>', 'its id, late_…, or WeChat Pay’s transaction id'])(
    'decide',
    'refund it, or accept it as the payment; where WeChat Pay’s refund has failed, refund it again',
  )
    .addOption(
      new Option('--as <decision>', 'what becomes of it')
        .choices(LATE_PAYMENT_DECISIONS)
        .makeOptionMandatory(),
    )
    .action(async (name, options) => (await import('./late-payment.ts')).decideLate(name, options));
}
