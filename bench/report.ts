import type { Latency } from './latency.ts';
import type { Part } from './measure.ts';
import type { PaymentsReport } from './payments.ts';
import { table } from './table.ts';

const PROCESSES = [
  'temporal',
  'worker',
  'api',
  'simulator',
  'postgres',
  'watch for PAID',
  'load generator',
] as const;

/** The report as a Markdown table, ready for a terminal and for the docs. */
export function formatPayments(report: PaymentsReport): string {
  const { machine, versions, load, parts } = report;
  const rows: string[][] = [
    ['', ...parts.map((part) => part.name)],
    ['payments/s', ...parts.map((part) => part.paymentsPerSecond.toFixed(1))],
    ['PAID of payments', ...parts.map((part) => `${part.paid} of ${part.payments}`)],
    ['of these answered 202 first', ...parts.map(({ askedAgain }) => String(askedAgain))],
    ...latencyRows(parts),
    ['history events a payment', ...parts.map(({ historyEvents }) => range(historyEvents))],
    ...costRows(parts),
  ];
  return `
${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.platform}
paysaga ${versions.paysaga}, Node ${versions.node}, Temporal server ${versions.temporalServer}, SDK ${versions.temporalSdk}, PostgreSQL ${versions.postgres}
${load.payments} payments in each part after ${load.warmUp} to warm up, ${load.concurrency} in flight (closed loop)

${table(rows)}

ratio paysaga / baseline: ${report.ratio.toFixed(2)}${report.cpuRatio === undefined ? '' : ` by payments/s, ${report.cpuRatio.toFixed(2)} by processor time`}
dropped: ${report.dropped}
${reasons(parts)}
Percentiles are nearest-rank over all payments of a part, failed ones excepted. Processor time is user and system time of
the process and all its descendants, from the first request to the last payment. Memory is the largest of samples taken each
second, pages shared between its processes counted once.
"other programs" is what this run did not use of the machine's busy time: above a few percent, run it again.`.trim();
}

function reasons(parts: readonly Part[]): string {
  return parts
    .flatMap(({ name, failures }) =>
      Object.entries(failures).map(([reason, count]) => `  ${name}: ${count} × ${reason}\n`),
    )
    .join('');
}

function latencyRows(parts: readonly Part[]): string[][] {
  const row = (label: string, pick: (latency: NonNullable<Part['latencyMs']>) => Latency) =>
    (['p50', 'p99'] as const).map((rank) => [
      `${label} ${rank}, ms`,
      ...parts.map(({ latencyMs }) => (latencyMs ? pick(latencyMs)[rank].toFixed(0) : '–')),
    ]);
  return [
    ...row('create to code_url', ({ toCodeUrl }) => toCodeUrl),
    ...row('paid to PAID', ({ toSettled }) => toSettled),
    ...row('create to PAID', ({ toPaid }) => toPaid),
  ];
}

function costRows(parts: readonly Part[]): string[][] {
  if (parts.every(({ cost }) => cost === undefined)) {
    return [['CPU and memory', ...parts.map(() => 'not available here')]];
  }
  const of = ({ cost }: Part, name: string) => cost?.processes.find((process) => process.name === name);
  const known = PROCESSES.filter((name) => parts.some((part) => of(part, name)));
  const cell = (value: number | undefined, digits: number) => value?.toFixed(digits) ?? '–';
  return [
    ...known.map((name) => [
      `CPU ms a payment: ${name}`,
      ...parts.map((part) => cell(of(part, name)?.cpuMsPerPayment, 1)),
    ]),
    ['CPU ms a payment: all', ...parts.map(({ cost }) => cell(cost?.cpuMsPerPayment, 1))],
    ['other programs, % of machine', ...parts.map(({ cost }) => cell(cost?.othersPercent, 0))],
    ...known.map((name) => [
      `peak memory, MiB: ${name}`,
      ...parts.map((part) => cell(of(part, name)?.peakMib, 0)),
    ]),
  ];
}

function range({ min, max }: { min: number; max: number }): string {
  if (!Number.isFinite(min)) return '–';
  return min === max ? String(min) : `${min} to ${max}`;
}
