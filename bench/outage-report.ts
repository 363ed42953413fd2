import type { OutageReport } from './outage.ts';
import { table } from './table.ts';

const PROCESSES = ['temporal', 'worker', 'api', 'simulator', 'postgres'] as const;

/** The report as a Markdown table, ready for a terminal and for the docs. */
export function formatOutage({ load, stretches, workflows, statuses, violations }: OutageReport): string {
  const { count, mostEvents, meanEvents, mostTasks, meanTasks, failedTasks } = workflows;
  const rows: string[][] = [
    ['', ...stretches.map(({ name }) => name)],
    ['seconds', ...stretches.map(({ seconds }) => seconds.toFixed(0))],
    ...PROCESSES.map((name) => [
      `${name}, ms of processor time a second`,
      ...stretches.map(({ cost, seconds }) => {
        const used = cost?.usages.find((usage) => usage.name === name)?.cpuMs;
        return used === undefined ? '–' : (used / seconds).toFixed(1);
      }),
    ]),
  ];
  return `
${load.payments} payments in flight, the ${load.of} frozen for ${load.minutes} minutes

${table(rows)}

history events a payment: ${meanEvents.toFixed(1)}, at most ${mostEvents}
workflow tasks a payment: ${meanTasks.toFixed(1)}, at most ${mostTasks}; failed or timed out, of all ${count}: ${failedTasks}
ended: ${Object.entries(statuses)
    .map(([status, number]) => `${number} ${status}`)
    .join(', ')}
violations: ${violations.length}
${violations.map((violation) => `  ${violation}\n`).join('')}`.trim();
}
