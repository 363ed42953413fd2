import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import axiosPlugin from 'wechatpay-axios-plugin';
import { openBillFile, readTradeBill } from '../wechatpay/bills/index.ts';
import { billChunks, type ExpectedBill } from './bill-rows.ts';

/** One way of reading the bill, in a process of its own so that its memory is its own: the child of bills.ts. */

/** What the parent asks for. */
export interface PartRequest {
  way: keyof typeof WAYS;
  expected: ExpectedBill;
  /** A gzip file of the bill; without it, the plain bill is written while it is read. */
  gzipFile?: string | undefined;
}

/** What the child answers. */
export interface PartResult {
  seconds: number;
  /** Of all threads, compression included. */
  cpuSeconds: number;
  memoryMib: {
    /** Before the bill was opened. */
    start: number;
    /** Most, above start. */
    peak: number;
    /** Most in the first tenth of the rows, above start. */
    firstTenth: number;
    /** Most in the last tenth, above start. */
    lastTenth: number;
  };
}

/** Called with the amount of each payment, for the checksum, and counts the rows. */
type See = (orderAmount: number | undefined) => void;

const WAYS = {
  async batches(request: PartRequest, see: See) {
    const reader = readTradeBill(opened(request));
    for await (const batch of reader.batches()) for (const row of batch) see(row.order_amount);
    if (!reader.summary) throw new Error('the bill was not checked');
  },
  async rows(request: PartRequest, see: See) {
    const reader = readTradeBill(opened(request));
    for await (const row of reader) see(row.order_amount);
    if (!reader.summary) throw new Error('the bill was not checked');
  },
  /** openBillFile without reading: what unpacking and hashing cost, and writing where the bill is written meanwhile. */
  async file(request: PartRequest, see: See) {
    const { rows, bytes, orderTotal } = request.expected;
    // There are no rows: what they would add up to, at once, and nothing for each share of the bytes.
    see(orderTotal);
    let [seen, read] = [1, 0];
    for await (const chunk of opened(request)) {
      read += (chunk as Buffer).length;
      for (; seen < (rows * read) / bytes; seen++) see(0);
    }
  },
  /** What is written first without a library: no hash, no summary, amounts through floats. */
  async readline(request: PartRequest, see: See) {
    const bytes = source(request);
    const lines = createInterface({ input: request.gzipFile ? bytes.pipe(createGunzip()) : bytes });
    let first = true;
    for await (const line of lines) {
      if (first) {
        first = false;
        continue;
      }
      if (!line.startsWith('`')) break;
      see(naiveRow(line).order_amount);
    }
  },
  /** Holds the file and all its rows; every value stays a text. */
  async peer(request: PartRequest, see: See) {
    const chunks: Buffer[] = [Buffer.from('\ufeff')];
    const bytes = source(request);
    for await (const chunk of request.gzipFile ? bytes.pipe(createGunzip()) : bytes)
      chunks.push(chunk as Buffer);
    const { rows } = axiosPlugin.Formatter.castCsvBill(Buffer.concat(chunks)) as {
      rows: Record<string, string>[];
    };
    for (const row of rows) see(Math.round(Number(row.订单金额) * 100));
  },
};

function naiveRow(line: string) {
  const value = line.split(',').map((text) => text.slice(1));
  const text = (index: number) => value[index] ?? '';
  const fen = (index: number) => Math.round(Number(value[index]) * 100);
  return {
    trade_time: text(0),
    trade_time_rfc3339: `${text(0).replace(' ', 'T')}+08:00`,
    appid: text(1),
    mchid: text(2),
    sub_mchid: text(3),
    device_id: text(4),
    transaction_id: text(5),
    out_trade_no: text(6),
    openid: text(7),
    trade_type: text(8),
    trade_state: text(9),
    bank_type: text(10),
    currency: text(11),
    settlement_total: fen(12),
    coupon_amount: fen(13),
    refund_id: text(14),
    out_refund_no: text(15),
    refund_amount: fen(16),
    coupon_refund_amount: fen(17),
    refund_type: text(18),
    refund_status: text(19),
    description: text(20),
    attach: text(21),
    fee_milli_fen: Math.round(Number(value[22]) * 100_000),
    fee_rate: text(23),
    order_amount: fen(24),
    requested_refund_amount: fen(25),
    fee_rate_remark: text(26),
  };
}

function source({ expected, gzipFile }: PartRequest): Readable {
  if (gzipFile !== undefined) return createReadStream(gzipFile);
  return Readable.from(billChunks(expected.rows), { objectMode: false });
}

function opened(request: PartRequest): Readable {
  return openBillFile(source(request), { gzip: 'detect', sha1: request.expected.sha1 });
}

async function run(request: PartRequest): Promise<PartResult> {
  const { rows, orderTotal } = request.expected;
  const mib = () => process.memoryUsage.rss() / 2 ** 20;
  const start = mib();
  const every = Math.max(1, Math.trunc(rows / 500));
  const peaks: number[] = [0, 0, 0];
  let [seen, total] = [0, 0];
  const sample = () => {
    const tenth = seen <= rows / 10 ? 0 : seen > (rows * 9) / 10 ? 2 : 1;
    peaks[tenth] = Math.max(peaks[tenth] ?? 0, mib() - start);
  };
  const cpuBefore = process.cpuUsage();
  const startedAt = performance.now();
  await WAYS[request.way](request, (orderAmount) => {
    total += orderAmount ?? 0;
    seen++;
    if (seen % every === 0) sample();
  });
  const seconds = (performance.now() - startedAt) / 1000;
  const { user, system } = process.cpuUsage(cpuBefore);
  sample();
  if (seen !== rows || total !== orderTotal) {
    throw new Error(`${request.way} found ${seen} rows of ${total} fen, not ${rows} of ${orderTotal}`);
  }
  const [firstTenth = 0, , lastTenth = 0] = peaks;
  return {
    seconds,
    cpuSeconds: (user + system) / 1e6,
    memoryMib: { start, peak: Math.max(...peaks), firstTenth, lastTenth },
  };
}

process.once('message', (request: PartRequest) => {
  run(request).then(
    (result) => process.send?.({ result }),
    (error: unknown) => process.send?.({ failure: error instanceof Error ? error.message : String(error) }),
  );
});
// The parent is gone: nobody wants it any more.
process.once('disconnect', () => process.exit());
