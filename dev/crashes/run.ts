import { setTimeout as sleep } from 'node:timers/promises';
import { openPool } from '../../database/pool.ts';
import type { Stack } from '../stack.ts';
import { MerchantBackend, type Resource } from '../tour/merchant-backend.ts';
import { type GatewayTruth, violations } from './invariants.ts';
import { kill } from './kill.ts';
import { playLate, playTwins } from './late-money.ts';
import { type ChargePlan, type PaymentPlan, type Plan, planOf } from './plan.ts';

/** How one seed ended. */
export interface SeedReport {
  seed: number;
  ms: number;
  statuses: string[];
  /** One sentence for each; none when everything agrees. */
  violations: string[];
}

/** How a run of seeds ended. */
export interface CrashReport {
  seeds: number;
  from: number;
  payments: number;
  kills: number;
  violations: number;
  reports: SeedReport[];
}

/** What is in a worker's hands when it is killed is taken up again when its time is over, and then the next one is killed. */
const PATIENCE_MS = 5 * 60_000;
const ENDED = ['PAID', 'CLOSED', 'FAILED', 'PARTIALLY_REFUNDED', 'REFUNDED'];

/**
 * Runs seeds on a stack: payments and refunds with lost answers and notifications, while processes are killed, each by the plan of its
 * seed; then compares gateway, rows, ledger and events.
 * @param parallel seeds at a time; a kill hits all of them.
 */
export async function runCrashes(
  stack: Stack,
  {
    seeds,
    from,
    parallel,
    say,
  }: { seeds: number; from: number; parallel: number; say: (line: string) => void },
): Promise<CrashReport> {
  const pool = openPool(stack.databaseUrl, { max: 4 });
  const reports: SeedReport[] = [];
  let next = from;
  let kills = 0;
  const play = async () => {
    while (next < from + seeds) {
      const plan = planOf(next++);
      kills += plan.kills.length;
      const report = await playSeed(stack, plan, pool);
      reports.push(report);
      const verdict = report.violations.length === 0 ? '✔' : '✘';
      say(`${verdict} seed ${report.seed} (${reports.length} of ${seeds}): ${report.statuses.join(', ')}`);
      for (const violation of report.violations) say(`    ${violation}`);
    }
  };
  try {
    await Promise.all(Array.from({ length: parallel }, play));
  } finally {
    await pool.end();
  }
  reports.sort((a, b) => a.seed - b.seed);
  return {
    seeds,
    from,
    payments: reports.reduce((sum, { statuses }) => sum + statuses.length, 0),
    kills,
    violations: reports.reduce((sum, report) => sum + report.violations.length, 0),
    reports,
  };
}

async function playSeed(stack: Stack, plan: Plan, pool: ReturnType<typeof openPool>): Promise<SeedReport> {
  const started = Date.now();
  const backend = new MerchantBackend(stack, PATIENCE_MS);
  const description = `crashes, seed ${plan.seed}`;
  const report: SeedReport = { seed: plan.seed, ms: 0, statuses: [], violations: [] };
  const killing = plan.kills.map(async ({ process: name, afterMs }) => {
    await sleep(afterMs);
    kill(stack, name);
  });
  try {
    const names = (name: string) => ({ backend, description, out_trade_no: `CRASH${plan.seed}X${name}` });
    const played = await Promise.all([
      ...plan.payments.map((payment, index) =>
        playPayment(backend, payment, `${plan.seed}X${index}`, description),
      ),
      playLate(names('L'), plan.late),
      playTwins(names('T'), plan.twins),
      playCombined(backend, plan.combined, `${plan.seed}XC`, description),
      playCharge(backend, plan.charge, `${plan.seed}XS`, description),
    ]);
    const payments = played.flat();
    await Promise.all(killing);
    report.statuses = payments.map(({ status }) => status);
    const { orders } = await backend.simulator<Pick<GatewayTruth, 'orders'>>('GET', '/orders?limit=10000');
    const { refunds } = await backend.simulator<Pick<GatewayTruth, 'refunds'>>('GET', '/refunds?limit=10000');
    const ids = payments.map(({ id }) => id);
    report.violations = await violations(pool, { orders, refunds }, { ids, description });
  } catch (error) {
    report.violations.push((error as Error).message);
  }
  report.ms = Date.now() - started;
  return report;
}

/** Plays one payment to its end, refunds included. @returns the payment as the API knows it then. */
async function playPayment(
  backend: MerchantBackend,
  plan: PaymentPlan,
  name: string,
  description: string,
): Promise<Resource> {
  const out_trade_no = `CRASH${name}`;
  const ended = await playOrder(backend, plan, {
    resource: '/payments',
    operation: 'native.create',
    number: out_trade_no,
    paidBy: out_trade_no,
    body: { description, out_trade_no, amount: { total: plan.amount, currency: 'CNY' } },
  });
  if (ended.status === 'CLOSED' || ended.status === 'FAILED') return ended;
  await playRefunds(backend, plan, ended);
  return await backend.get(`/payments/${ended.id}`);
}

/** Plays one combined payment to its end, refunds of its first sub-order included. @returns the sub-orders as the API knows them then. */
async function playCombined(
  backend: MerchantBackend,
  plan: PaymentPlan,
  name: string,
  description: string,
): Promise<Resource[]> {
  const combine_out_trade_no = `CRASH${name}`;
  const numbers = ['A', 'B'].map((letter) => `${combine_out_trade_no}${letter}`);
  const ended = await playOrder(backend, plan, {
    resource: '/combined-payments',
    operation: 'combine.native.create',
    number: combine_out_trade_no,
    paidBy: String(numbers[0]),
    body: {
      combine_out_trade_no,
      sub_orders: numbers.map((out_trade_no) => ({
        description,
        out_trade_no,
        attach: 'crashes',
        amount: { total: plan.amount, currency: 'CNY' },
      })),
    },
  });
  const { sub_payments: subPayments } = ended as Resource & { sub_payments: Resource[] };
  if (ended.status === 'PAID' && subPayments[0]) await playRefunds(backend, plan, subPayments[0]);
  return await Promise.all(subPayments.map(({ id }) => backend.get(`/payments/${id}`)));
}

/** How an order is made, paid and closed. */
interface OrderDeed {
  resource: '/payments' | '/combined-payments';
  operation: string;
  /** Under which the gateway knows it. */
  number: string;
  /** The number that the customer pays. */
  paidBy: string;
  body: object;
}

/** Orders, pays and closes as the plan says. @returns the payment, or combined payment, when it has ended. */
async function playOrder(
  backend: MerchantBackend,
  plan: PaymentPlan,
  { resource, operation, number: out_trade_no, paidBy, body }: OrderDeed,
): Promise<Resource> {
  const fault = (what: string, kind: string, more: object = {}) =>
    backend.simulator('POST', '/faults', { operation: what, kind, out_trade_no, ...more });
  if (plan.orderFault) await fault(operation, plan.orderFault, PROCESSED);
  if (plan.notificationFault) {
    const times = plan.notificationFault === 'drop' ? { times: null } : {};
    await fault('notification', plan.notificationFault, times);
  }
  const created = await backend.post(resource, body);
  const path = `${resource}/${created.id}`;
  if (!created.code_url) await backend.until(path, 'PENDING', ...ENDED);
  await sleep(plan.hesitationMs);
  const pay = () => backend.simulator('POST', `/orders/${paidBy}/pay`, {});
  const close = () => backend.post(`${path}/close`, { reason: 'crashes' });
  // Whoever comes too late is refused, by the gateway or by us.
  if (plan.ending !== 'close') await pay().catch(() => {});
  if (plan.ending !== 'pay') await close().catch(() => {});
  return await backend.until(path, ...ENDED);
}

/** Asks for the refunds of a paid payment, and waits for their ends. */
async function playRefunds(
  backend: MerchantBackend,
  plan: PaymentPlan,
  { id, out_trade_no }: Resource,
): Promise<void> {
  if (plan.refundFault && plan.refunds.length > 0) {
    const rule = { operation: 'refund.create', kind: plan.refundFault, out_trade_no, ...PROCESSED };
    await backend.simulator('POST', '/faults', rule);
  }
  const refunds = await Promise.all(
    plan.refunds.map((refund) =>
      backend.post(`/payments/${id}/refunds`, { amount: { refund } }).catch((error: Error) => {
        if (!error.message.includes('refund_exceeds_payment')) throw error;
        return undefined;
      }),
    ),
  );
  for (const refund of refunds) {
    if (refund) await backend.until(`/refunds/${refund.id}`, 'SUCCEEDED', 'FAILED');
  }
}

/** How faults name the calls of what is charged. */
const CHARGE_CALLS = {
  CODEPAY: { charge: 'codepay.create', reverse: 'codepay.reverse' },
  MICROPAY: { charge: 'v2.micropay', reverse: 'v2.reverse' },
  FACEPAY: { charge: 'v2.facepay', reverse: 'v2.facepayReverse' },
} as const;
/** Fen from which on the simulator asks for a password. */
const PASSWORD_FROM = 100_000;

/** Plays what one customer shows at the till to its end. @returns the payment as the API knows it then. */
async function playCharge(
  backend: MerchantBackend,
  { product, amount, chargeFault, reverseFault, ending, hesitationMs }: ChargePlan,
  name: string,
  description: string,
): Promise<Resource> {
  const out_trade_no = `CRASH${name}`;
  const fault = (operation: string, kind: string) =>
    backend.simulator('POST', '/faults', { operation, kind, out_trade_no, ...PROCESSED });
  if (chargeFault) await fault(CHARGE_CALLS[product].charge, chargeFault);
  if (reverseFault) await fault(CHARGE_CALLS[product].reverse, reverseFault);
  const created = await backend.post('/payments', {
    product,
    description,
    out_trade_no,
    amount: { total: ending === 'at once' ? amount : PASSWORD_FROM + amount, currency: 'CNY' },
    ...(product === 'FACEPAY' ? { face_code: `face-${name}` } : { auth_code: '134567890123456789' }),
    scene_info: { device_ip: '203.0.113.9', store_info: { out_id: 'HARBOUR-1' } },
    expires_in: 15,
  });
  const path = `/payments/${created.id}`;
  await sleep(hesitationMs);
  // Whoever comes too late is refused, by the gateway or by us.
  const there = (deed: string, body: object) =>
    backend.simulator('POST', `/orders/${out_trade_no}/${deed}`, body).catch(() => {});
  if (ending === 'pay' || ending === 'race') await there('pay', {});
  if (ending === 'fail') await there('fail', { reason: 'wrong_password' });
  if (ending === 'close' || ending === 'race')
    await backend.post(`${path}/close`, { reason: 'crashes' }).catch(() => {});
  return await backend.until(path, ...ENDED);
}

/** The gateway does what it was asked, and its answer is lost or cannot be believed. */
const PROCESSED = { processed: true, delay_ms: 200 };
