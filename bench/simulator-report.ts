import type { OrdersPart, RsaPart, SimulatorReport } from './simulator.ts';
import { table } from './table.ts';

/** The report as a Markdown table, ready for a terminal and for the docs. */
export function formatSimulator(report: SimulatorReport): string {
  const { machine, versions, load, rsa, inMemory, kept, ratios, bill } = report;
  const parts = [rsa[0], inMemory, kept, rsa[1]];
  const of = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '–';
  const perSecond = (rate: number) => Math.round(rate).toLocaleString('en');
  const row = (name: string, figure: (part: OrdersPart) => string, floor?: (part: RsaPart) => string) => [
    name,
    ...parts.map((part) => ('orderMs' in part ? figure(part) : (floor?.(part) ?? '–'))),
  ];
  const rows = [
    ['', 'RSA alone', 'in memory', 'with --data', 'RSA alone'],
    row(
      'orders/s',
      (part) => of(part.ordersPerSecond, 0),
      (part) => of(part.ordersPerSecond, 0),
    ),
    row('orders accepted, paid, told', ({ orders }) => String(orders)),
    row('order to code_url p50, ms', ({ orderMs }) => of(orderMs.p50, 1)),
    row('order to code_url p99, ms', ({ orderMs }) => of(orderMs.p99, 1)),
    row(
      'CPU ms an order: all',
      ({ cpuMsPerOrder }) => of(cpuMsPerOrder?.all, 2),
      ({ cpuMsPerOrder }) => of(cpuMsPerOrder, 2),
    ),
    row('CPU ms an order: simulator', ({ cpuMsPerOrder }) => of(cpuMsPerOrder?.simulator, 2)),
    row('CPU ms an order: merchants', ({ cpuMsPerOrder }) => of(cpuMsPerOrder?.merchants, 2)),
    row('CPU ms an order: receiver', ({ cpuMsPerOrder }) => of(cpuMsPerOrder?.receiver, 2)),
    row('other programs, % of machine', ({ othersPercent }) => of(othersPercent, 0)),
    row('memory at the first order, MiB', ({ memoryMib }) => of(memoryMib?.start, 0)),
    row('memory after the last, MiB', ({ memoryMib }) => of(memoryMib?.end, 0)),
    row('of these a 1,000 orders, MiB', ({ memoryMib, orders }) =>
      of(memoryMib && ((memoryMib.end - memoryMib.start) * 1000) / orders, 1),
    ),
  ];
  const failures = [inMemory, kept].flatMap(({ failed, failure }) =>
    failed > 0 ? `  ${failed}: ${failure ?? 'not told of in time'}\n` : [],
  );
  return `
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.platform}
paysaga ${versions.paysaga}, Node ${versions.node}, OpenSSL ${versions.openssl}
${load.orders} orders in memory and ${load.keptOrders} with --data, ${load.concurrency} in flight

${table(rows)}

ratio in memory / RSA alone: ${ratios.byRate.toFixed(2)} by orders/s; RSA is ${of(ratios.byCpu && ratios.byCpu * 100, 0)} % of the processor time
ready after ${report.startSeconds.toFixed(1)} s; with ${kept.orders} orders in ${report.journalMegabytes.toFixed(0)} MB of --data after ${report.restartSeconds.toFixed(1)} s
a bill of ${bill.rows} rows, ${bill.megabytes.toFixed(0)} MB: applied for in ${bill.applySeconds.toFixed(1)} s (${perSecond(bill.rows / bill.applySeconds)} rows/s), downloaded in ${bill.downloadSeconds.toFixed(1)} s (${perSecond(bill.rows / bill.downloadSeconds)} rows/s), ${of(bill.cpuMicrosPerRow, 1)} µs of processor a row for both, at most ${of(bill.peakMib, 0)} MiB
failed: ${inMemory.failed + kept.failed}
${failures.join('')}`.trim();
}
