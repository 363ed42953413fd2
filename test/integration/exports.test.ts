import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { parse } from 'csv-parse/sync';
import { XMLParser } from 'fast-xml-parser';
import readXlsx from 'read-excel-file/node';
import { request as send } from 'undici';
import { validateXML } from 'xmllint-wasm';
import { reverse } from '../../database/ledger.ts';
import { inTransaction } from '../../database/pool.ts';
import { type Paysaga, startPaysaga } from '../fixture.ts';
import { book } from '../ledger-books.ts';

const SCHEMA = readFileSync(new URL('../unit/exports/camt.053.001.02.xsd', import.meta.url), 'utf8');

/** Two days of business, whose figures the tests know. */
const DAYS = [
  ['payment.paid', 259_000, '2026-03-01T10:00:00+08:00', 'T1', '4200000001'],
  ['payment.fee', 1_554, '2026-03-01T10:00:00+08:00', 'T1', '4200000001'],
  ['payment.paid', 29, '2026-03-01T23:59:59+08:00', '-T2', '4200000002'],
  ['refund.reserved', 59_000, '2026-03-02T09:00:00+08:00', 'T1', '4200000001'],
  ['refund.succeeded', 59_000, '2026-03-02T09:05:00+08:00', 'T1', '4200000001'],
  ['refund.fee_returned', 354, '2026-03-02T09:05:00+08:00', 'T1', '4200000001'],
  ['settlement.paid_out', 150_000, '2026-03-02T11:00:00+08:00', undefined, undefined],
  ['suspense.in', 7, '2026-03-02T12:00:00+08:00', undefined, undefined],
  ['payment.paid', 1, '2026-03-03T00:00:00+08:00', 'T3', '4200000003'],
] as const;

describe('exports for finance', () => {
  let paysaga: Paysaga;
  before(async () => {
    paysaga = await startPaysaga({ worker: false });
    for (const [step, amount, postedAt, outTradeNo, transactionId] of DAYS) {
      const sequence = await book(paysaga.pool, {
        merchantId: paysaga.merchantId,
        step,
        amount,
        postedAt,
        ...(outTradeNo ? { outTradeNo, transactionId } : { billReference: `W-${amount}` }),
        ...(step.startsWith('refund') && { outRefundNo: `R${'1'.repeat(63)}`, wechatRefundId: '5030000001' }),
      });
      if (step === 'suspense.in') {
        // Of the same moment, but known now: only by effective_at is it in these days.
        await inTransaction(paysaga.pool, (db) =>
          reverse(db, { sequence, reason: '=HYPERLINK("http://x"), 已解释 <é>', actor: 'test' }),
        );
      }
    }
  });
  after(() => paysaga.stop());

  const PERIOD = 'from=2026-03-01&to=2026-03-02';
  const take = async (path: string) => {
    const { statusCode, headers, body } = await send(`${paysaga.apiUrl}/v1/exports/${path}`, {
      headers: { authorization: `Bearer ${paysaga.apiKey}` },
    });
    return { status: statusCode, headers, bytes: Buffer.from(await body.arrayBuffer()) };
  };
  const rowsOf = (bytes: Buffer) => parse(bytes, { columns: true, bom: true }) as Record<string, string>[];
  /** Fen of `12.30`, without floating point. */
  const fen = (text: string) => {
    assert.match(text, /^-?\d+\.\d{2}$/);
    return Number(text.replace('.', ''));
  };
  const sum = (rows: Record<string, string>[], column: string) =>
    rows.reduce((total, row) => total + (row[column] ? fen(row[column]) : 0), 0);

  describe('journal', () => {
    it('has every entry of the days, balanced in each document, with the numbers of both sides', async () => {
      const { status, headers, bytes } = await take(`journal?${PERIOD}`);
      assert.equal(status, 200);
      assert.equal(
        headers['content-disposition'],
        `attachment; filename="journal-${paysaga.mchid}-2026-03-01-2026-03-02-by-posted.csv"`,
      );
      const rows = rowsOf(bytes);
      assert.equal(rows.length, 2 * 8);
      for (const document of new Set(rows.map((row) => row.document_number))) {
        const entries = rows.filter((row) => row.document_number === document);
        assert.equal(sum(entries, 'debit'), sum(entries, 'credit'));
      }
      assert.equal(sum(rows, 'debit'), 259_000 + 1_554 + 29 + 59_000 * 2 + 354 + 150_000 + 7);
      assert.deepEqual(
        rows.slice(0, 2).map(({ document_number: _, ...row }) => row),
        [
          {
            posting_date: '2026-03-01',
            date_basis: 'posted_at',
            account: 'wechat_receivable',
            debit: '2590.00',
            credit: '',
            currency: 'CNY',
            cost_centre: paysaga.mchid,
            text: 'payment.paid',
            our_reference: 'T1',
            gateway_reference: '4200000001',
          },
          {
            posting_date: '2026-03-01',
            date_basis: 'posted_at',
            account: 'sales',
            debit: '',
            credit: '2590.00',
            currency: 'CNY',
            cost_centre: paysaga.mchid,
            text: 'payment.paid',
            our_reference: 'T1',
            gateway_reference: '4200000001',
          },
        ],
      );
      const refund = rows.find(({ text }) => text === 'refund.succeeded');
      assert.deepEqual(
        [refund?.our_reference, refund?.gateway_reference],
        [`R${'1'.repeat(63)}`, '5030000001'],
      );
      const paidOut = rows.find(({ text }) => text === 'settlement.paid_out');
      assert.equal(paidOut?.gateway_reference, 'W-150000');
      // The last second of the first day is in it, the first of the third is not.
      assert.deepEqual(new Set(rows.map((row) => row.posting_date)), new Set(['2026-03-01', '2026-03-02']));
    });

    it('no text of it can become a formula, and numbers keep their minus', async () => {
      const rows = rowsOf((await take(`journal?${PERIOD}&by=effective_at`)).bytes);
      assert.equal(rows.length, 2 * 9);
      for (const row of rows) {
        for (const [column, value] of Object.entries(row)) {
          assert.doesNotMatch(value, /^[=+@\t\r-]/, column);
        }
      }
      assert.ok(rows.some(({ our_reference: number }) => number === "'-T2"));
    });

    it('in GB18030 and with a byte order mark it says the same', async () => {
      const query = `journal?${PERIOD}&by=effective_at`;
      const plain = (await take(query)).bytes;
      const marked = (await take(`${query}&encoding=utf-8-bom`)).bytes;
      assert.deepEqual(marked, Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), plain]));
      const { headers, bytes } = await take(`${query}&encoding=gb18030`);
      assert.match(String(headers['content-type']), /charset=gb18030/);
      // Node's own decoder, from ICU.
      assert.equal(new TextDecoder('gb18030', { fatal: true }).decode(bytes), plain.toString());
      assert.match(plain.toString(), /已解释 <é>/);
      assert.notDeepEqual(bytes, plain);
    });

    it('as a workbook it has dates, exact amounts, and texts that stay texts', async () => {
      const { headers, bytes } = await take(`journal?${PERIOD}&by=effective_at&format=xlsx`);
      assert.match(String(headers['content-disposition']), /\.xlsx"$/);
      const [sheet, ...others] = await readXlsx(bytes);
      assert.deepEqual(others, []);
      assert.equal(sheet?.sheet, 'Journal');
      const [header = [], ...rows] = sheet?.data ?? [];
      const csv = rowsOf((await take(`journal?${PERIOD}&by=effective_at`)).bytes);
      assert.deepEqual(header, Object.keys(csv[0] ?? {}));
      assert.equal(rows.length, csv.length);
      for (const [index, row] of rows.entries()) {
        const cells: Record<string, unknown> = Object.fromEntries(
          header.map((name, column) => [String(name), row[column]]),
        );
        const line = csv[index] as Record<string, string>;
        assert.deepEqual((cells.posting_date as Date).toISOString().slice(0, 10), line.posting_date);
        assert.equal(cells.document_number, Number(line.document_number));
        for (const side of ['debit', 'credit']) {
          assert.equal(cells[side], line[side] ? Number(line[side]) : null);
        }
        assert.equal(cells.text, line.text?.replace(/^'/, ''));
        assert.equal(cells.our_reference, line.our_reference?.replace(/^'/, ''));
        assert.equal(typeof cells.gateway_reference, 'string');
      }
    });
  });

  describe('settlement summary', () => {
    it('leads each account from its opening to its closing balance by steps, and balances each day', async () => {
      const rows = rowsOf((await take(`settlement-summary?${PERIOD}`)).bytes);
      const lines = (day: string, account: string) =>
        rows
          .filter((row) => row.day === day && row.account === account)
          .map(({ line, transactions, debit, credit, balance }) =>
            [line, transactions, debit, credit, balance].join(' '),
          );
      assert.deepEqual(lines('2026-03-01', 'wechat_receivable'), [
        'opening_balance    0.00',
        'payment.fee 1 0.00 15.54 ',
        'payment.paid 2 2590.29 0.00 ',
        'closing_balance    2574.75',
      ]);
      assert.deepEqual(lines('2026-03-02', 'wechat_receivable'), [
        'opening_balance    2574.75',
        'refund.fee_returned 1 3.54 0.00 ',
        'refund.succeeded 1 0.00 590.00 ',
        'settlement.paid_out 1 0.00 1500.00 ',
        'suspense.in 1 0.07 0.00 ',
        'closing_balance    488.36',
      ]);
      for (const day of ['2026-03-01', '2026-03-02']) {
        const total = rows.find((row) => row.day === day && row.line === 'total');
        const steps = rows.filter((row) => row.day === day && row.transactions !== '');
        assert.equal(total?.debit, total?.credit);
        assert.equal(fen(String(total?.debit)), sum(steps, 'debit'));
        assert.equal(fen(String(total?.credit)), sum(steps, 'credit'));
      }
      const { body } = await paysaga.call('GET', '/v1/ledger/balances?at=2026-03-02');
      for (const { account, balance } of body.data) {
        const closing = rows.find(
          (row) => row.day === '2026-03-02' && row.account === account && row.line === 'closing_balance',
        );
        assert.equal(closing ? fen(String(closing.balance)) : 0, balance, account);
      }
      assert.deepEqual(new Set(rows.map((row) => row.date_basis)), new Set(['posted_at']));
    });

    it('has each day, those without business too', async () => {
      const rows = rowsOf((await take('settlement-summary?from=2026-02-27&to=2026-03-04')).bytes);
      assert.deepEqual(
        rows.filter(({ line }) => line === 'total').map(({ day }) => day),
        ['2026-02-27', '2026-02-28', '2026-03-01', '2026-03-02', '2026-03-03', '2026-03-04'],
      );
    });

    it('is a workbook, too', async () => {
      const { bytes } = await take(`settlement-summary?${PERIOD}&format=xlsx`);
      const [sheet] = await readXlsx(bytes);
      const csv = rowsOf((await take(`settlement-summary?${PERIOD}`)).bytes);
      assert.equal(sheet?.sheet, 'Settlement summary');
      assert.equal(sheet?.data.length, csv.length + 1);
    });
  });

  describe('camt.053', () => {
    const validate = (xml: string) =>
      validateXML({
        xml: [{ fileName: 'statement.xml', contents: xml }],
        schema: [{ fileName: 'camt.053.001.02.xsd', contents: SCHEMA }],
      });

    it('is a statement of the account at WeChat Pay that its schema accepts and whose figures add up', async () => {
      const { headers, bytes } = await take(`camt.053?${PERIOD}&by=effective_at`);
      assert.match(String(headers['content-type']), /^application\/xml/);
      const xml = bytes.toString();
      assert.deepEqual((await validate(xml)).errors, []);
      const read = new XMLParser({ ignoreAttributes: false, parseTagValue: false }).parse(xml);
      const { Stmt: statement } = read.Document.BkToCstmrStmt;
      assert.equal(statement.Acct.Id.Othr.Id, paysaga.mchid);
      const [opening, closing] = statement.Bal;
      assert.deepEqual(
        [opening.Tp.CdOrPrtry.Cd, opening.Amt['#text'], opening.Dt.Dt],
        ['OPBD', '0.00', '2026-03-01'],
      );
      assert.deepEqual(
        [closing.Tp.CdOrPrtry.Cd, closing.CdtDbtInd, closing.Dt.Dt],
        ['CLBD', 'CRDT', '2026-03-02'],
      );
      const entries: {
        CdtDbtInd: string;
        Amt: { '#text': string; '@_Ccy': string };
        BkTxCd: { Prtry: { Cd: string } };
        AcctSvcrRef: string;
        RvslInd?: string;
        AddtlNtryInf: string;
      }[] = statement.Ntry;
      const signed = (entry: (typeof entries)[number]) =>
        (entry.CdtDbtInd === 'CRDT' ? 1 : -1) * fen(entry.Amt['#text']);
      assert.equal(
        entries.reduce((total, entry) => total + signed(entry), 0),
        fen(closing.Amt['#text']),
      );
      assert.deepEqual(
        entries.map((entry) => [entry.BkTxCd.Prtry.Cd, signed(entry), entry.AcctSvcrRef]),
        [
          ['payment.paid', 259_000, '4200000001'],
          ['payment.fee', -1_554, '4200000001'],
          ['payment.paid', 29, '4200000002'],
          ['refund.succeeded', -59_000, '5030000001'],
          ['refund.fee_returned', 354, '5030000001'],
          ['settlement.paid_out', -150_000, 'W-150000'],
          ['suspense.in', 7, 'W-7'],
          ['reversal', -7, 'W-7'],
        ],
      );
      const summary = statement.TxsSummry;
      assert.equal(summary.TtlNtries.NbOfNtries, '8');
      assert.equal(fen(summary.TtlCdtNtries.Sum) - fen(summary.TtlDbtNtries.Sum), fen(closing.Amt['#text']));
      assert.equal(entries.at(-1)?.RvslInd, 'true');
      assert.match(String(entries.at(-1)?.AddtlNtryInf), /已解释 &lt;é&gt;$|已解释 <é>$/);
      assert.equal(statement.AddtlStmtInf, 'dated by effective_at');
    });

    it('is valid for a day without business and for an account that is below zero', async () => {
      for (const days of ['from=2026-02-01&to=2026-02-01', 'from=2026-03-03&to=2026-03-03']) {
        assert.deepEqual((await validate((await take(`camt.053?${days}`)).bytes.toString())).errors, []);
      }
      await book(paysaga.pool, {
        merchantId: paysaga.merchantId,
        step: 'settlement.paid_out',
        amount: 99_999_999,
        postedAt: '2026-05-01T10:00:00+08:00',
      });
      const xml = (await take('camt.053?from=2026-05-01&to=2026-05-01')).bytes.toString();
      assert.deepEqual((await validate(xml)).errors, []);
      assert.match(xml, /<Cd>CLBD<\/Cd>.{0,100}<CdtDbtInd>DBIT<\/CdtDbtInd>/);
    });

    it('its schema does refuse what is wrong', async () => {
      const xml = (await take(`camt.053?${PERIOD}`)).bytes.toString();
      assert.ok((await validate(xml.replace('<Sts>BOOK</Sts>', ''))).errors.length > 0);
      assert.ok((await validate(xml.replace(/<Amt Ccy="CNY">/, '<Amt Ccy="yuan">'))).errors.length > 0);
    });
  });

  it('says what is wrong with a request, and makes no file', async () => {
    for (const [query, pointer, detail] of [
      ['journal?from=2026-03-01', '/to', 'is missing'],
      ['journal?from=2026-03-01T00:00:00Z&to=2026-03-02', '/from', 'must be a day, e.g. 2026-03-01'],
      ['journal?from=2026-02-30&to=2026-03-02', '/from', 'is no day of the calendar'],
      ['journal?from=2026-03-02&to=2026-03-01', '/to', 'must not be before from'],
      ['journal?from=2025-01-01&to=2026-03-01', '/to', 'must be at most 366 days from the first'],
      [`journal?${PERIOD}&format=pdf`, '/format', 'must be one of csv, xlsx'],
      [`journal?${PERIOD}&encoding=gbk`, '/encoding', 'must be one of utf-8, utf-8-bom, gb18030'],
      [`camt.053?${PERIOD}&format=xlsx`, '/format', 'is not a known field'],
    ] as const) {
      const { status, body } = await paysaga.call('GET', `/v1/exports/${query}`);
      assert.equal(status, 422, query);
      assert.deepEqual(body.errors, [{ pointer, detail }], query);
    }
    const { status } = await paysaga.call('GET', `/v1/exports/everything?${PERIOD}`);
    assert.equal(status, 404);
  });
});
