import type { ProtocolReport } from './protocol.ts';
import { table } from './table.ts';

/** The report as a Markdown table, ready for a terminal and for the docs. */
export function formatProtocol(report: ProtocolReport): string {
  const { machine, versions, load, parts, ratios } = report;
  const rows = [
    [
      '',
      'requests/s',
      'of each round',
      'CPU ms a request',
      'p50, ms',
      'p99, ms',
      'server busy, %',
      'refuses a forgery',
    ],
    ...parts.map((part) => {
      // The floors are no clients, and RSA meets no server.
      const isFloor = part.name.endsWith(' alone');
      const serverBusy = part.name === 'RSA alone' ? '–' : part.serverBusyPercent.toFixed(0);
      return [
        part.name,
        part.requestsPerSecond.toFixed(0),
        part.rounds.map((rate) => rate.toFixed(0)).join(' '),
        part.cpuMsPerRequest.toFixed(3),
        part.latencyMs?.p50.toFixed(1) ?? '–',
        part.latencyMs?.p99.toFixed(1) ?? '–',
        serverBusy,
        isFloor ? '–' : part.refusesForgery ? 'yes' : 'no',
      ];
    }),
  ];
  const failures = parts.flatMap(({ name, failed, failure }) =>
    failed > 0 ? `  ${name}: ${failed}, ${failure ?? 'in another round'}\n` : [],
  );
  return `
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.platform}
${Object.entries(versions)
  .map(([name, version]) => `${name} ${version}`)
  .join(', ')}
${load.requests} requests a round after ${load.warmUp} to warm up, ${load.concurrency} in flight (closed loop), ${load.rounds} rounds that take turns, the median counts

${table(rows)}

${Object.entries(ratios)
  .map(
    ([peer, { byRate, byCpu }]) =>
      `ratio paysaga / ${peer}: ${byRate.toFixed(2)} by requests/s, ${byCpu.toFixed(2)} by processor time\n`,
  )
  .join(
    '',
  )}paysaga's own part of a request, neither RSA nor HTTP: ${report.addedCpuUs.toFixed(0)} µs of processor time
failed: ${report.failed}
${failures.join('')}
Half of the requests query an order, half place one. Processor time is that of the client's process, all threads. "HTTP alone" sends what was
signed in advance and verifies nothing, "RSA alone" is a signature and a verification and nothing else: what no client can go below.
The server is what limits where it is busy for nearly 100 %.`.trim();
}
