import { createHash } from 'node:crypto';
import type { LedgerAccount } from '../database/ledger-accounts.ts';
import { type LedgerLine, ledgerLines, type Period, periodTotals } from '../database/ledger-lines.ts';
import type { Pool } from '../database/pool.ts';
import { fromSnapshot, type Snapshot } from '../database/snapshot.ts';
import { ledgerTransactionId } from '../domain/ledger.ts';
import { type Fen, formatAmount } from '../domain/money.ts';
import { beijingDay, rfc3339 } from '../domain/time.ts';
import { effectOn, openingBalance, textOf } from './statement.ts';
import { escapeXml } from './xml.ts';

/** The edition of the message: the one that accounting systems have read for longest, and banks still send. */
export const CAMT053_NAMESPACE = 'urn:iso:std:iso:20022:tech:xsd:camt.053.001.02';

/**
 * A bank-to-customer statement (ISO 20022 camt.053.001.02) of a merchant's account at WeChat Pay. WeChat Pay is in the place of the bank: what
 * it owes the merchant is a credit balance, a payment is a credit, a refund or a fee a debit.
 * @param made when the message is made.
 */
export function camt053Of(
  pool: Pool,
  account: LedgerAccount,
  period: Period,
  made: Date,
): AsyncGenerator<string> {
  return fromSnapshot(pool, (snapshot) => messageOf(snapshot, account, period, made));
}

async function* messageOf(
  snapshot: Snapshot,
  account: LedgerAccount,
  period: Period,
  made: Date,
): AsyncGenerator<string> {
  const { mchid, currency, kind } = account;
  const totals = await periodTotals(snapshot, period, account.id);
  const opening = await openingBalance(snapshot, account, period);
  const closing =
    opening +
    effectOn({ kind }, { side: 'debit', amount: totals.debits }) +
    effectOn({ kind }, { side: 'credit', amount: totals.credits });
  // The last day that belongs to it.
  const lastDay = beijingDay(new Date(period.to.getTime() - 1));
  const firstDay = beijingDay(period.from);
  const id = messageId({ account, period, firstDay, lastDay, made });
  const sums = (entries: number, sum: Fen) =>
    element('NbOfNtries', String(entries)) + element('Sum', formatAmount(sum, currency));

  yield `<?xml version="1.0" encoding="UTF-8"?>\n<Document xmlns="${CAMT053_NAMESPACE}"><BkToCstmrStmt>`;
  yield `<GrpHdr>${element('MsgId', id)}${element('CreDtTm', rfc3339(made))}</GrpHdr>\n<Stmt>${element('Id', id)}`;
  yield element('CreDtTm', rfc3339(made));
  yield `<FrToDt>${element('FrDtTm', rfc3339(period.from))}${element('ToDtTm', rfc3339(period.to))}</FrToDt>`;
  yield `<Acct><Id><Othr>${element('Id', max(34, mchid))}<SchmeNm>${element('Prtry', 'WeChat Pay mchid')}</SchmeNm></Othr></Id>`;
  yield `${element('Ccy', currency)}<Svcr><FinInstnId>${element('Nm', 'WeChat Pay')}</FinInstnId></Svcr></Acct>\n`;
  yield balance('OPBD', opening, firstDay, currency) + balance('CLBD', closing, lastDay, currency);
  // What is a debit in the merchant's books is a credit in the statement of who holds the money.
  yield `<TxsSummry><TtlNtries>${sums(totals.entries, totals.debits + totals.credits)}</TtlNtries>`;
  yield `<TtlCdtNtries>${sums(totals.debitEntries, totals.debits)}</TtlCdtNtries>`;
  yield `<TtlDbtNtries>${sums(totals.creditEntries, totals.credits)}</TtlDbtNtries></TxsSummry>\n`;
  for await (const line of ledgerLines(snapshot, period, account.id)) yield entry(line, period);
  yield `${element('AddtlStmtInf', `dated by ${period.by}`)}</Stmt></BkToCstmrStmt></Document>\n`;
}

/** A message of its own for every account, period, dating and time of making: whoever reads it may refuse an id that is known. */
function messageId({
  account,
  period,
  firstDay,
  lastDay,
  made,
}: {
  account: LedgerAccount;
  period: Period;
  firstDay: string;
  lastDay: string;
  made: Date;
}): string {
  const whole = [account.mchid, account.code, period.by, made.toISOString()].join(' ');
  const digest = createHash('sha256').update(whole).digest('hex').slice(0, 8);
  return `${account.currency}-${firstDay.replaceAll('-', '')}-${lastDay.replaceAll('-', '')}-${digest}`;
}

function balance(code: 'OPBD' | 'CLBD', fen: Fen, day: string, currency: string): string {
  return `<Bal><Tp><CdOrPrtry>${element('Cd', code)}</CdOrPrtry></Tp>${amount(Math.abs(fen), currency)}${element(
    'CdtDbtInd',
    fen < 0 ? 'DBIT' : 'CRDT',
  )}<Dt>${element('Dt', day)}</Dt></Bal>\n`;
}

function entry(line: LedgerLine, { by }: Period): string {
  const document = ledgerTransactionId(line.sequence);
  const reference = line.wechatRefundId ?? line.transactionId ?? line.billReference;
  const details =
    element('EndToEndId', max(35, line.outTradeNo ?? 'NOTPROVIDED')) +
    (line.transactionId === null ? '' : element('TxId', max(35, line.transactionId)));
  return `<Ntry>${element('NtryRef', document)}${amount(line.amount, line.currency)}${element(
    'CdtDbtInd',
    line.side === 'debit' ? 'CRDT' : 'DBIT',
  )}${line.reverses === null ? '' : element('RvslInd', 'true')}${element('Sts', 'BOOK')}<BookgDt>${element(
    'Dt',
    beijingDay(by === 'posted_at' ? line.postedAt : line.effectiveAt),
  )}</BookgDt><ValDt>${element('Dt', beijingDay(line.effectiveAt))}</ValDt>${
    reference === null ? '' : element('AcctSvcrRef', max(35, reference))
  }<BkTxCd><Prtry>${element('Cd', line.step)}${element('Issr', 'paysaga')}</Prtry></BkTxCd><NtryDtls><TxDtls><Refs>${details}</Refs>${
    line.outRefundNo === null
      ? ''
      : `<RmtInf>${element('Ustrd', max(140, `out_refund_no ${line.outRefundNo}`))}</RmtInf>`
  }</TxDtls></NtryDtls>${element('AddtlNtryInf', max(500, textOf(line)))}</Ntry>\n`;
}

function amount(fen: Fen, currency: string): string {
  return `<Amt Ccy="${currency}">${formatAmount(fen, currency)}</Amt>`;
}

function element(name: string, text: string): string {
  return `<${name}>${escapeXml(text)}</${name}>`;
}

/** The schema's limits are in characters. */
function max(length: number, text: string): string {
  return [...text].slice(0, length).join('');
}
