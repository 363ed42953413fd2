import { acknowledge } from '../database/acknowledgement.ts';
import { requestApproval } from '../database/approvals.ts';
import { clearAttention, ensureLater } from '../database/attention.ts';
import type { CombinedPayment } from '../database/combined-payments.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import { inTransaction } from '../database/pool.ts';
import { APPROVAL_HOURS, type CombinedClaim, type PaidClaim } from '../domain/operator.ts';
import type {
  OperatorRequest,
  PaymentOutcome,
  ResolveAnswer,
  RetryAnswer,
  SyncResult,
} from '../workflows/messages.ts';
import { actingOperator, type KeySource } from './operator-key.ts';
import { withPool } from './query.ts';
import { withSagas } from './saga-client.ts';
import { sagaNamed, type Target, targetNamed } from './target.ts';
import { UsageError } from './usage-error.ts';

/** Exit code of a command that was understood and has changed nothing. */
export const UNCHANGED = 2;

/** What every action of an operator is told. */
export interface ActionOptions extends KeySource {
  reason: string;
  json?: boolean;
}

/** Sends an operator's update and tells the answer: in words, or as it is. @param words says it, and whether anything has changed. */
async function act<Answer>(
  name: string,
  update: string,
  options: ActionOptions,
  words: (answer: Answer) => { text: string; changed: boolean },
): Promise<void> {
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const target = await sagaNamed(sagas.pool, name, operator.tenantId);
    const request: OperatorRequest = { actor: operator.name, reason: options.reason };
    const answer = await sagas.update<Answer>(target, update, request);
    const { text, changed } = words(answer);
    console.log(options.json ? JSON.stringify(answer) : text);
    if (!changed) process.exitCode = UNCHANGED;
  });
}

/** `paysaga payment close` */
export const closePayment = (name: string, options: ActionOptions) =>
  act<PaymentOutcome | { status: 'UNDECIDED' }>(name, 'close', options, ({ status }) => ({
    text:
      status === 'UNDECIDED'
        ? 'the close is noted; the payment waits for an operator first'
        : `the payment is ${status}`,
    changed: status === 'CLOSED',
  }));

/** `paysaga payment sync` */
export const syncPayment = (name: string, options: ActionOptions) =>
  act<SyncResult>(name, 'syncNow', options, (answer) => ({
    text: wordsOf(answer),
    changed: answer.kind === 'final',
  }));

function wordsOf(answer: SyncResult): string {
  switch (answer.kind) {
    case 'final':
      return `the payment is ${answer.status}`;
    case 'unpaid':
      return 'WeChat Pay knows of no money (yet)';
    case 'undecided':
      return `WeChat Pay contradicts our row: ${answer.reason}`;
    default:
      return 'WeChat Pay has not answered in time';
  }
}

/** `paysaga payment recheck` */
export const recheckPayment = (name: string, options: ActionOptions) =>
  act<null>(name, 'recheck', options, () => ({ text: 'WeChat Pay is being asked again', changed: true }));

/** `paysaga payment retry` */
export const retryPayment = (name: string, options: ActionOptions) =>
  act<RetryAnswer>(name, 'retryStep', options, ({ repeated }) => ({
    text: repeated.length > 0 ? `repeated: ${repeated.join(', ')}` : 'no step waits for its next attempt',
    changed: repeated.length > 0,
  }));

/** `paysaga payment restart`: for a workflow that was terminated by hand. It takes up the payment where its row stands. */
export async function restartPayment(name: string, options: ActionOptions): Promise<void> {
  await withSagas(async ({ pool, restart }) => {
    const operator = await actingOperator(pool, options);
    const target = await sagaNamed(pool, name, operator.tenantId);
    if (target.status !== 'CREATED' && target.status !== 'PENDING')
      throw new UsageError(`the payment is ${target.status}: it needs no workflow`);
    await restart(target);
    await inTransaction(pool, async (db) => {
      await ensureLater(db, subjectOf(target));
      await clearAttention(db, subjectOf(target), 'workflow_ended');
      await recordOperatorAction(db, {
        tenantId: target.tenantId,
        ...subjectOf(target),
        action: 'restart',
        actor: operator.name,
        reason: options.reason,
        result: 'begun anew',
      });
    });
    console.log(options.json ? JSON.stringify({ kind: 'restarted' }) : 'its workflow was begun anew');
  });
}

/** `paysaga payment acknowledge`: a payment that has ended, a sub-order too, has no workflow to ask. */
export async function acknowledgePayment(name: string, options: ActionOptions): Promise<void> {
  await withPool(async (pool) => {
    const { tenantId, name: actor } = await actingOperator(pool, options);
    const target = await targetNamed(pool, name, tenantId);
    const answer = await inTransaction(pool, (db) =>
      acknowledge(db, subjectOf(target), { tenantId, actor, reason: options.reason }),
    );
    if (answer.kind === 'refused') process.exitCode = UNCHANGED;
    if (options.json) console.log(JSON.stringify(answer));
    else if (answer.kind === 'acknowledged') console.log(`acknowledged: ${answer.reason}`);
    else console.log(`nothing was changed: ${answer.why}`);
  });
}

function subjectOf({ id, combined }: Target) {
  return combined ? { combinedId: id } : { paymentId: id };
}

/** What `paysaga payment resolve` is told. */
export interface ResolveOptions extends ActionOptions {
  as: 'paid' | 'closed';
  requestApproval?: boolean;
  transactionId?: string;
  amount?: number;
  /** Of a combined payment: what arrived for each of its orders. */
  subOrder?: SubOrderClaim[];
}

/** What arrived for one order of a combined payment. */
export interface SubOrderClaim {
  outTradeNo: string;
  transactionId: string;
  amount: number;
}

/**
 * `paysaga payment resolve`: WeChat Pay's own word first. Where that is not enough, and the operator asks for it, what she wants is stored
 * until another one approves it.
 */
export async function resolvePayment(name: string, options: ResolveOptions): Promise<void> {
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const target = await sagaNamed(sagas.pool, name, operator.tenantId);
    const payload = options.requestApproval ? claimOf(target, options) : {};
    const update = options.as === 'paid' ? 'resolveAsPaid' : 'resolveAsClosed';
    const answer = await sagas.update<ResolveAnswer>(target, update, {
      actor: operator.name,
      reason: options.reason,
    });
    if (answer.kind === 'unchanged' && options.requestApproval) {
      const id = await requestApproval(sagas.pool, operator, {
        action: `resolve_as_${options.as}`,
        subjectId: target.id,
        payload,
        reason: options.reason,
      });
      console.log(
        options.json
          ? JSON.stringify({ kind: 'requested', approval: id, gateway: answer.gateway })
          : `WeChat Pay: ${answer.gateway}\n${id} waits for another operator, for ${APPROVAL_HOURS} hours: paysaga approve ${id}`,
      );
      return;
    }
    tell(answer, options);
  });
}

/** Says what became of a resolution. */
export function tell(answer: ResolveAnswer, { json }: { json?: boolean }): void {
  if (answer.kind === 'unchanged') process.exitCode = UNCHANGED;
  if (json) console.log(JSON.stringify(answer));
  else if (answer.kind === 'ended') console.log(`the payment is ${answer.status}`);
  else console.log(`nothing was changed. WeChat Pay: ${answer.gateway}. ${answer.message}`);
}

/** What two people are to agree on. */
function claimOf(
  { combined }: Target,
  { as, transactionId, amount, subOrder }: ResolveOptions,
): PaidClaim | CombinedClaim | Record<string, never> {
  if (as === 'closed') return {};
  if (combined) return combinedClaim(combined, subOrder ?? []);
  if (transactionId === undefined || amount === undefined)
    throw new UsageError(
      'to have a payment approved as paid say what arrived: --transaction-id and --amount, as the merchant platform shows them',
    );
  return { transactionId, amount };
}

/** Something is said of each of its orders, and of no other. */
function combinedClaim({ subPayments }: CombinedPayment, claims: SubOrderClaim[]): CombinedClaim {
  const numbers = subPayments.map(({ outTradeNo }) => outTradeNo);
  const said = claims.map(({ outTradeNo }) => outTradeNo);
  if (said.length !== numbers.length || numbers.some((number) => !said.includes(number)))
    throw new UsageError(
      `to have a combined payment approved as paid say of each of its orders what arrived, as the merchant platform shows it: ${numbers.map((number) => `--sub-order ${number}=<transaction id>=<fen>`).join(' ')}`,
    );
  return {
    orders: subPayments.flatMap(({ id: paymentId, outTradeNo: number }) =>
      claims
        .filter(({ outTradeNo }) => outTradeNo === number)
        .map(({ transactionId, amount }) => ({ paymentId, transactionId, amount })),
    ),
  };
}
