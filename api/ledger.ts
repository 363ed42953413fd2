import { Router } from 'express';
import {
  type AccountBalance,
  balancesAsOf,
  findAccount,
  type LedgerAccount,
  listAccounts,
} from '../database/ledger-accounts.ts';
import { type LedgerAlarm, listLedgerAlarms } from '../database/ledger-alarms.ts';
import {
  findTransaction,
  type LedgerTransaction,
  listTransactions,
} from '../database/ledger-transactions.ts';
import type { Pool } from '../database/pool.ts';
import { takeBack } from '../database/reconciliation/decisions.ts';
import { ACCOUNTS, isReversible, ledgerSequence, ledgerTransactionId } from '../domain/ledger.ts';
import { rfc3339 } from '../domain/time.ts';
import { exportStatement } from '../exports/catalogue.ts';
import { caller } from './authentication.ts';
import type { Downloads } from './downloads.ts';
import { storeOnce } from './idempotency.ts';
import {
  AccountsQuery,
  BalancesQuery,
  ReverseTransaction,
  StatementQuery,
  TransactionsQuery,
} from './ledger-schemas.ts';
import { listResource } from './lists.ts';
import { chooseMerchant } from './payments.ts';
import { onlyMethods, Problem } from './problems.ts';
import { parseBody } from './schemas.ts';

/** `/v1/ledger` */
export function ledgerRoutes({ pool, downloads }: { pool: Pool; downloads: Downloads }): Router {
  const router = Router();

  router
    .route('/accounts')
    .get(async (request, response) => {
      const query = parseBody(AccountsQuery, request.query);
      const merchant = await chooseMerchant(pool, caller(response).tenantId, query.merchant_id);
      const accounts = await listAccounts(pool, merchant.id);
      response.json(listResource(accounts.map(accountResource), false));
    })
    .all(onlyMethods('GET'));

  router
    .route('/balances')
    .get(async (request, response) => {
      const { merchant_id, at, by } = parseBody(BalancesQuery, request.query);
      const merchant = await chooseMerchant(pool, caller(response).tenantId, merchant_id);
      const balances = await balancesAsOf(pool, merchant.id, { by, at });
      response.json({
        ...listResource(balances.map(balanceResource), false),
        by,
        before: at ? rfc3339(at) : null,
      });
    })
    .all(onlyMethods('GET'));

  router
    .route('/alarms')
    .get(async (_request, response) => {
      const alarms = await listLedgerAlarms(pool, caller(response).tenantId);
      response.json(listResource(alarms.map(alarmResource), false));
    })
    .all(onlyMethods('GET'));

  router
    .route('/transactions')
    .get(async (request, response) => {
      const query = parseBody(TransactionsQuery, request.query);
      const { transactions, hasMore } = await listTransactions(
        pool,
        {
          tenantId: caller(response).tenantId,
          merchantId: query.merchant_id,
          account: query.account,
          paymentId: query.payment_id,
          refundId: query.refund_id,
          by: query.by,
          from: query.from,
          to: query.to,
        },
        { limit: query.limit, startingAfter: query.starting_after, endingBefore: query.ending_before },
      );
      response.json(listResource(transactions.map(transactionResource), hasMore));
    })
    .all(onlyMethods('GET'));

  router
    .route('/transactions/:id')
    .get(async (request, response) => {
      const transaction = await mustFind(pool, caller(response).tenantId, String(request.params.id));
      response.json(transactionResource(transaction));
    })
    .all(onlyMethods('GET'));

  router
    .route('/transactions/:id/reverse')
    .post(async (request, response) => {
      const { reason } = parseBody(ReverseTransaction, request.body);
      const { tenantId, id: actor } = caller(response);
      const original = await mustFind(pool, tenantId, String(request.params.id));
      const id = ledgerTransactionId(original.sequence);
      const scope = { tenantId, path: `/v1/ledger/transactions/${id}/reverse`, newId: id };
      const intent = await storeOnce(pool, request, scope, async (db) => {
        if (!isReversible(original.step)) {
          throw new Problem(
            'transaction_not_reversible',
            `${id} is ${original.step}: ${whatInstead(original)}`,
          );
        }
        const reversal = await takeBack(db, { sequence: original.sequence, reason, actor });
        if (reversal === undefined) {
          throw new Problem(
            'transaction_already_reversed',
            `${id} has been taken back; read it, reversed_by says by which.`,
          );
        }
      });
      if (intent.replayed) response.set('idempotency-replayed', 'true');
      const { reversedBy } = await mustFind(pool, tenantId, id);
      const reversal = ledgerTransactionId(reversedBy as number);
      response
        .status(201)
        .location(`/v1/ledger/transactions/${reversal}`)
        .json(transactionResource(await mustFind(pool, tenantId, reversal)));
    })
    .all(onlyMethods('POST'));

  router
    .route('/statement')
    .get(async (request, response) => {
      const {
        merchant_id,
        account: code,
        currency,
        by,
        from,
        to,
        ...as
      } = parseBody(StatementQuery, request.query);
      const merchant = await chooseMerchant(pool, caller(response).tenantId, merchant_id);
      const account = await findAccount(pool, merchant.id, code, currency);
      if (!account) throw new Problem('not_found', `${merchant.id} has no account ${code} in ${currency}.`);
      const period = { merchantId: merchant.id, by, from, to };
      await downloads.send(response, () => exportStatement(pool, account, period, as));
    })
    .all(onlyMethods('GET'));

  return router;
}

/** What to do about a transaction that may not be taken back. */
export function whatInstead({ step }: LedgerTransaction): string {
  return step === 'reversal'
    ? 'if what it took back was right, post that again under another cause.'
    : 'it tells what WeChat Pay has confirmed of a payment or refund. Give money back by a refund.';
}

async function mustFind(pool: Pool, tenantId: string, id: string): Promise<LedgerTransaction> {
  const sequence = ledgerSequence(id);
  const transaction = sequence && (await findTransaction(pool, tenantId, sequence));
  if (!transaction) throw new Problem('not_found', `There is no transaction ${id}.`);
  return transaction;
}

/** An account as the API shows it. */
export function accountResource({ merchantId, mchid, code, kind, currency }: LedgerAccount) {
  return {
    object: 'ledger_account',
    merchant_id: merchantId,
    mchid,
    account: code,
    kind,
    currency,
    purpose: ACCOUNTS[code].purpose,
  };
}

/** A balance as the API shows it; amounts are fen. */
export function balanceResource({
  merchantId,
  mchid,
  code,
  kind,
  currency,
  debits,
  credits,
  balance,
}: AccountBalance) {
  return {
    object: 'ledger_balance',
    merchant_id: merchantId,
    mchid,
    account: code,
    kind,
    currency,
    debits,
    credits,
    balance,
  };
}

/** Money that has been for too long where it must not stay, as the API shows it; the amount is in fen. */
export function alarmResource({
  merchantId,
  mchid,
  account,
  currency,
  amount,
  pieces,
  since,
  raisedAt,
}: LedgerAlarm) {
  return {
    object: 'ledger_alarm',
    merchant_id: merchantId,
    mchid,
    account,
    currency,
    amount,
    pieces,
    since: rfc3339(since),
    raised_at: rfc3339(raisedAt),
  };
}

/** A transaction as the API shows it. Times are RFC 3339 in Beijing's offset; amounts are fen. */
export function transactionResource(transaction: LedgerTransaction) {
  const { reverses, reversedBy } = transaction;
  return {
    id: ledgerTransactionId(transaction.sequence),
    object: 'ledger_transaction',
    merchant_id: transaction.merchantId,
    mchid: transaction.mchid,
    step: transaction.step,
    payment_id: transaction.paymentId,
    refund_id: transaction.refundId,
    out_trade_no: transaction.outTradeNo,
    transaction_id: transaction.transactionId,
    out_refund_no: transaction.outRefundNo,
    wechat_refund_id: transaction.wechatRefundId,
    bill_reference: transaction.billReference,
    reverses: reverses && ledgerTransactionId(reverses),
    reversed_by: reversedBy && ledgerTransactionId(reversedBy),
    reason: transaction.reason,
    actor: transaction.actor,
    effective_at: rfc3339(transaction.effectiveAt),
    posted_at: rfc3339(transaction.postedAt),
    currency: transaction.currency,
    entries: transaction.entries,
  };
}
