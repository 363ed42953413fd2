import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { requestApproval } from '../database/approvals.ts';
import { recordOperatorAction } from '../database/operator-actions.ts';
import { inTransaction, isUniqueViolation } from '../database/pool.ts';
import { payoutFailure } from '../database/refund-payouts.ts';
import { lockSource } from '../database/refund-source.ts';
import { type Refund, retryRefund as retry } from '../database/refunds.ts';
import { openVault } from '../database/secrets.ts';
import { merchantNumber, publicId } from '../domain/identity.ts';
import { APPROVAL_HOURS } from '../domain/operator.ts';
import { APPROVED_CHOICES, type PayoutType, type REFUND_CHOICES } from '../domain/refund.ts';
import { openMerchants } from '../gateway/merchants.ts';
import { type BankCard, bankCardProblem } from '../gateway/payment-gateway.ts';
import { storePayout } from '../gateway/payouts.ts';
import { readEnvironment } from '../process/environment.ts';
import type { RefundResolution, ResolveResult, RetryAnswer } from '../workflows/messages.ts';
import { actingOperator } from './operator-key.ts';
import { type ActionOptions, UNCHANGED } from './payment-action.ts';
import { onlyRefund, sagaOf } from './refund.ts';
import { type SagaClient, withSagas } from './saga-client.ts';
import { UsageError } from './usage-error.ts';

/** `paysaga refund recheck` */
export async function recheckRefund(name: string, options: ActionOptions): Promise<void> {
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const refund = await onlyRefund(sagas.pool, name, operator.tenantId);
    if (refund.attention === 'none') {
      console.log(options.json ? 'null' : `${refund.id} is ${refund.status}: nothing waits`);
      process.exitCode = UNCHANGED;
      return;
    }
    await sagas.update<null>(sagaOf(refund), 'recheck', { actor: operator.name, reason: options.reason });
    console.log(options.json ? 'null' : 'WeChat Pay is being asked again');
  });
}

/** `paysaga refund retry-step` */
export async function retryStep(name: string, options: ActionOptions): Promise<void> {
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const refund = await onlyRefund(sagas.pool, name, operator.tenantId);
    const request = { actor: operator.name, reason: options.reason };
    const answer = await sagas.update<RetryAnswer>(sagaOf(refund), 'retryStep', request);
    const { repeated } = answer;
    if (options.json) console.log(JSON.stringify(answer));
    else
      console.log(
        repeated.length > 0 ? `repeated: ${repeated.join(', ')}` : 'no step waits for its next attempt',
      );
    if (repeated.length === 0) process.exitCode = UNCHANGED;
  });
}

/** `paysaga refund retry`: another attempt, which the worker's relay would start if this command died. */
export async function retryRefund(name: string, options: ActionOptions): Promise<void> {
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const refund = await onlyRefund(sagas.pool, name, operator.tenantId);
    const outRefundNo = merchantNumber('R', publicId('ref', randomUUID()));
    await inTransaction(sagas.pool, async (db) => {
      await lockSource(db, refund);
      if (!(await retry(db, refund.id, { outRefundNo })))
        throw new UsageError(
          `only a refund that failed, of money that still waits for one, can be retried, and ${refund.id} is ${standing(refund)}`,
        );
      await recordOperatorAction(db, {
        tenantId: refund.tenantId,
        paymentId: refund.paymentId,
        refundId: refund.id,
        action: 'retry_refund',
        actor: operator.name,
        reason: options.reason,
        result: outRefundNo,
      });
    }).catch((error: unknown) => {
      if (isUniqueViolation(error)) throw new UsageError('the number was taken just now: repeat the command');
      throw error;
    });
    await sagas.update(sagaOf(await onlyRefund(sagas.pool, refund.id)), 'submit', {});
    const now = await onlyRefund(sagas.pool, refund.id);
    if (options.json) console.log(JSON.stringify({ status: now.status, out_refund_no: outRefundNo }));
    else console.log(`${now.id} is ${standing(now)}, as ${outRefundNo}`);
    if (now.status === 'FAILED') process.exitCode = UNCHANGED;
  });
}

function standing({ status, attentionReason, failureCode }: Refund): string {
  return `${status}${failureCode ? ` (${failureCode})` : ''}${attentionReason ? `, and needs an operator (${attentionReason})` : ''}`;
}

/** What `paysaga refund resolve` is told. */
export interface ResolveRefundOptions extends ActionOptions {
  choice: (typeof REFUND_CHOICES)[number];
  bankCardFile?: string;
}

/** `paysaga refund resolve`: where the money goes; what takes a second operator is asked for. */
export async function resolveRefund(name: string, options: ResolveRefundOptions): Promise<void> {
  const { choice, reason, json } = options;
  if ((choice === 'USER_BANK_CARD') !== (options.bankCardFile !== undefined))
    throw new UsageError('--bank-card-file says which card, for USER_BANK_CARD and nothing else');
  await withSagas(async (sagas) => {
    const operator = await actingOperator(sagas.pool, options);
    const refund = await onlyRefund(sagas.pool, name, operator.tenantId);
    if (choice === 'ACCEPT') {
      if (refund.attentionReason !== 'gateway_contradicts')
        throw new UsageError(`WeChat Pay has not contradicted itself about ${refund.id}`);
    } else if (refund.status !== 'ABNORMAL')
      throw new UsageError(`${refund.id} is ${refund.status}, not ABNORMAL`);
    const request = { actor: operator.name, reason };
    if (choice === 'OFFLINE' || choice === 'ACCEPT') {
      const action = APPROVED_CHOICES[choice];
      const id = await requestApproval(sagas.pool, operator, {
        action,
        subjectId: refund.id,
        payload: {},
        reason,
      });
      if (json) console.log(JSON.stringify({ kind: 'requested', approval: id }));
      else
        console.log(`${id} waits for another operator, for ${APPROVAL_HOURS} hours: paysaga approve ${id}`);
      return;
    }
    const decision: RefundResolution =
      choice === 'WAIT'
        ? { ...request, choice }
        : { ...request, choice, payoutId: await store(sagas, refund, choice, options.bankCardFile) };
    tellDecision(await decide(sagas, refund, decision), options);
  });
}

/** Stores the request to WeChat Pay, and leaves its id. */
async function store(
  { pool }: SagaClient,
  refund: Refund,
  type: PayoutType,
  file: string | undefined,
): Promise<string> {
  const card = file === undefined ? {} : await readCard(file);
  const { PAYSAGA_MASTER_KEY } = readEnvironment(['PAYSAGA_MASTER_KEY']);
  const merchants = openMerchants({ pool, vault: openVault(PAYSAGA_MASTER_KEY) });
  try {
    return await storePayout({ pool, merchants }, refund, { type, ...card });
  } finally {
    await merchants.close();
  }
}

async function readCard(file: string): Promise<BankCard> {
  const card: unknown = await readFile(file, 'utf8')
    .then(JSON.parse)
    // The parser's own words would show what is in the file.
    .catch(() => undefined);
  const problem = bankCardProblem(card);
  if (problem) throw new UsageError(`the bank card cannot be used: ${problem}`);
  return card as BankCard;
}

/** What became of a decision, and WeChat Pay's words when it refused. */
export interface Decided {
  result: ResolveResult;
  message?: string | undefined;
}

/** Has the refund's workflow carry a decision out. */
export async function decide(
  { pool, update }: SagaClient,
  refund: Refund,
  decision: RefundResolution,
): Promise<Decided> {
  const result = await update<ResolveResult>(sagaOf(refund), 'resolveRefund', decision);
  const message = 'payoutId' in decision ? await payoutFailure(pool, decision.payoutId) : undefined;
  return { result, message };
}

/** Says what became of a decision. */
export function tellDecision({ result, message }: Decided, { json }: { json?: boolean }): void {
  if (result.kind !== 'accepted') process.exitCode = UNCHANGED;
  if (json) console.log(JSON.stringify(result));
  else if (result.kind === 'accepted') console.log(`the refund is ${result.status}`);
  else if (result.kind === 'refused')
    console.log(`nothing was changed: ${result.code}${message ? `: ${message}` : ''}`);
  else
    console.log(
      'WeChat Pay has not answered in time: see paysaga refund show, and decide again if it is as before',
    );
}
