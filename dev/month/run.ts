import { setTimeout as sleep } from 'node:timers/promises';
import { type BillDate, daysAfter, daysFrom } from '../../domain/bill-day.ts';
import { SeededRandom } from '../../simulator/random.ts';
import { kill } from '../crashes/kill.ts';
import { audit, auditBreaks, type Finding } from './audit.ts';
import { Deck } from './deck.ts';
import { Scene, type Steps } from './discrepancy.ts';
import { type House, openDoors } from './doors.ts';
import { type Doors, Market } from './market.ts';
import { type Moment, type NightWorkers, night, STEPS } from './night.ts';
import { type DayReport, dayLine, type MonthReport } from './report.ts';
import { nameOf, type Shop, WAYS } from './shop.ts';
import { Truth } from './truth.ts';

/** What is to happen. */
export interface MonthOptions {
  seed: number;
  days: number;
  firstDay: BillDate;
  shops: readonly Shop[];
  /** Ordinary payments of each shop and day. */
  payments: number;
  /** Discrepancies of each shop and day. */
  wrong: number;
  /** A carried line becomes a break after so many days. */
  carryDays: number;
  /** Kills of each night, at most; the first night has as many. */
  nightKills: number;
  /** Processes that are killed by day, at most. */
  dayKills: number;
  say: (line: string) => void;
}

/**
 * Lets shops trade for days on end, with everything wrong that can be wrong, kills processes meanwhile, reconciles each day on the morning after and compares
 * what was found with what was made wrong. The same seed makes the same month.
 */
export async function runMonth(house: House, options: MonthOptions): Promise<MonthReport> {
  const month = await Month.open(house, options);
  try {
    return await month.run();
  } finally {
    await month.close();
  }
}

class Month {
  readonly #options: MonthOptions;
  readonly #doors: Doors;
  readonly #workers: NightWorkers;
  readonly #market: Market;
  readonly #truth = new Truth();
  readonly #random: SeededRandom;
  readonly #deck: Deck;
  readonly #report: MonthReport;
  readonly #close: () => Promise<void>;
  #sold = 0;

  private constructor(
    options: MonthOptions,
    doors: Doors,
    workers: NightWorkers,
    close: () => Promise<void>,
  ) {
    this.#options = options;
    this.#doors = doors;
    this.#workers = workers;
    this.#market = new Market(doors, this.#truth);
    this.#random = new SeededRandom(`month/${options.seed}`);
    this.#deck = new Deck(this.#random.fork('deck'));
    this.#report = { seed: options.seed, days: [], verdicts: {}, discrepancies: {}, violations: [] };
    this.#close = close;
  }

  static async open(house: House, options: MonthOptions): Promise<Month> {
    const { doors, workers, close } = await openDoors(house, options.carryDays);
    return new Month(options, doors, workers, close);
  }

  close(): Promise<void> {
    return this.#close();
  }

  async run(): Promise<MonthReport> {
    const { firstDay, days } = this.#options;
    let begun: [Shop, Steps][] = [];
    for (const date of daysFrom(firstDay, daysAfter(firstDay, days - 1))) {
      begun = await this.#day(date, begun);
    }
    // What the last day has left open comes right on a day without anything else.
    await this.#day(daysAfter(firstDay, days), begun, { quiet: true });
    await this.#inTheEnd(daysFrom(firstDay, daysAfter(firstDay, days)));
    return this.#report;
  }

  /** A day and the morning after it. @returns what goes on with it tomorrow. */
  async #day(date: BillDate, before: [Shop, Steps][], { quiet = false } = {}): Promise<[Shop, Steps][]> {
    const started = Date.now();
    const next = daysAfter(date, 1);
    await this.#market.at(date, '12:00:00');
    const killing = this.#killByDay(date);
    const [continued, begun] = await Promise.all([
      Promise.all(
        before.map(async ([shop, { tomorrow }]) => [shop, (await tomorrow?.()) ?? {}] as [Shop, Steps]),
      ),
      quiet ? [] : this.#discrepancies(date),
      quiet ? undefined : this.#trade(date),
    ]);
    const steps = [...continued, ...begun];
    await this.#market.at(date, '23:50:00');
    await all(steps.map(([, step]) => step.evening?.()));
    await this.#market.at(next, '00:05:00');
    await all(steps.map(([, step]) => step.midnight?.()));
    await this.#market.at(next, '09:30:00');
    await all(steps.map(([, step]) => step.morning?.()));
    const dayKills = await killing;
    await this.#market.at(next, '11:00:00');

    const { results, kills } = await night(
      this.#workers,
      this.#options.shops,
      date,
      quiet ? [] : this.#moments(date),
    );
    const findings = await this.#audit(date, results);
    findings.push(...(await this.#again(date, steps, 'billsMended')));
    const after = await this.#again(date, steps, 'afterwards');
    this.#tell(date, findings, after, { night: kills, day: dayKills }, started);
    return begun;
  }

  /** Mends what can be mended at this step, and reconciles again where something was. */
  async #again(
    date: BillDate,
    steps: [Shop, Steps][],
    step: 'billsMended' | 'afterwards',
  ): Promise<Finding[]> {
    const shops = this.#options.shops.filter((shop) =>
      steps.some(([whose, does]) => whose === shop && does[step]),
    );
    await all(steps.map(([, does]) => does[step]?.()));
    const { results } = await night(this.#workers, shops, date);
    return await this.#audit(date, results);
  }

  /** What goes wrong, at noon. */
  async #discrepancies(date: BillDate): Promise<[Shop, Steps][]> {
    const { shops, wrong, seed } = this.#options;
    const made = shops.flatMap((shop, place) =>
      this.#deck.deal(wrong, shop).map((discrepancy, index) => {
        const name = `M${seed}-${date.replaceAll('-', '')}-${place}${String.fromCharCode(97 + index)}`;
        const random = this.#random.fork(name);
        this.#report.discrepancies[discrepancy.name] =
          (this.#report.discrepancies[discrepancy.name] ?? 0) + 1;
        return { shop, discrepancy, scene: new Scene(this.#market, { shop, date, name, random }) };
      }),
    );
    return await Promise.all(
      made.map(async ({ shop, discrepancy, scene }): Promise<[Shop, Steps]> => {
        try {
          return [shop, await discrepancy.make(scene)];
        } catch (error) {
          throw new Error(`${date} ${nameOf(shop)}, ${discrepancy.name}: ${(error as Error).message}`);
        }
      }),
    );
  }

  /** What goes as it should: sales by all products, some with coupons, some given back in parts. */
  async #trade(date: BillDate): Promise<void> {
    const { shops, payments, seed } = this.#options;
    const orders = shops.flatMap((shop, place) =>
      Array.from({ length: payments }, (_, index) => {
        const name = `M${seed}-${date.replaceAll('-', '')}-${place}t${index}`;
        // Combined payments are a merchant's own.
        const way = WAYS[this.#sold % WAYS.length] ?? 'NATIVE';
        this.#sold += 1;
        return {
          way: way === 'COMBINED' && shop.subMchid !== null ? ('NATIVE' as const) : way,
          scene: new Scene(this.#market, { shop, date, name, random: this.#random.fork(name) }),
        };
      }),
    );
    await all(
      orders.map(async ({ way, scene }) => {
        const coupon = { amount: 100 + scene.below(300), type: scene.oneOf(['CASH', 'NOCASH'] as const) };
        const fen = 1_000 + scene.below(90_000);
        const number = scene.number();
        const withCoupon =
          ['NATIVE', 'JSAPI', 'APP', 'H5', 'MINI_PROGRAM'].includes(way) && scene.below(3) === 0;
        const [sold] = await this.#market.sell(scene.shop, date, {
          ...{ number, fen, way },
          ...(withCoupon && { coupon }),
        });
        const parts = scene.oneOf([0, 0, 1, 2]);
        for (let part = 0; sold && part < parts; part += 1) {
          await this.#market.giveBack(sold, 100 + scene.below(300), scene.number());
        }
      }),
    );
  }

  /** Kills processes in the middle of trade. @returns how many. */
  async #killByDay(date: BillDate): Promise<number> {
    const random = this.#random.fork(`kills by day ${date}`);
    const planned = Math.floor(random.fraction() * (this.#options.dayKills + 1));
    let kills = 0;
    for (let index = 0; index < planned; index += 1) {
      const [who, afterMs] = [random.fraction() < 0.5 ? 'worker' : 'api', random.fraction() * 4_000] as const;
      await sleep(afterMs);
      if (kill({ pids: this.#workers.pids }, who)) kills += 1;
    }
    return kills;
  }

  /** When workers are killed in a night. */
  #moments(date: BillDate): Moment[] {
    const { nightKills, firstDay } = this.#options;
    const random = this.#random.fork(`kills by night ${date}`);
    const count = date === firstDay ? nightKills : Math.floor(random.fraction() * (nightKills + 1));
    return Array.from({ length: count }, () =>
      random.fraction() < 0.75
        ? { before: STEPS[Math.floor(random.fraction() * STEPS.length)] ?? 'reconciliation_lines' }
        : { afterMs: Math.floor(random.fraction() * 1_500) },
    );
  }

  async #audit(date: BillDate, results: Awaited<ReturnType<typeof night>>['results']): Promise<Finding[]> {
    return await Promise.all(
      [...results].map(async ([shop, result]) => {
        const truth = this.#truth.of(shop, date);
        const finding = await audit(this.#doors.backend, { shop, date, truth }, result);
        if (truth.restated && !(result.kind === 'done' && result.restated && result.restated.changed > 0))
          finding.violations.push(`${date} ${nameOf(shop)}: was restated, and nobody has seen it`);
        return finding;
      }),
    );
  }

  #tell(
    date: BillDate,
    findings: Finding[],
    after: Finding[],
    kills: DayReport['kills'],
    started: number,
  ): void {
    const { say } = this.#options;
    const sum = (of: 'lines' | 'injected' | 'found' | 'right') =>
      findings.reduce((total, finding) => total + finding[of], 0);
    const [injected, found, right] = [sum('injected'), sum('found'), sum('right')];
    const both = [...findings, ...after];
    const violations = both.flatMap((finding) => finding.violations);
    for (const verdict of both.flatMap(({ verdicts }) => verdicts))
      this.#report.verdicts[verdict] = (this.#report.verdicts[verdict] ?? 0) + 1;
    const day: DayReport = {
      ...{ date, lines: sum('lines'), injected, found, kills },
      precision: found === 0 ? 1 : right / found,
      recall: injected === 0 ? 1 : right / injected,
      addsUp: both.every(({ addsUp }) => addsUp),
      seconds: Math.round((Date.now() - started) / 1000),
    };
    this.#report.days.push(day);
    this.#report.violations.push(...violations);
    say(dayLine(day, violations.length));
    for (const violation of violations) say(`    ${violation}`);
  }

  /** Each day once more changes nothing; what never came right is open, and nothing else; debits are credits. */
  async #inTheEnd(days: BillDate[]): Promise<void> {
    const { shops, say } = this.#options;
    const violations: string[] = [];
    for (const date of days) {
      const { results } = await night(this.#workers, shops, date);
      for (const { violations: found } of await this.#audit(date, results)) violations.push(...found);
      for (const [shop, result] of results) {
        const changed = result.kind !== 'done' || result.changed;
        if (changed !== (this.#truth.of(shop, date).changed ?? false))
          violations.push(
            `${date} ${nameOf(shop)}: another run has ${changed ? '' : 'not '}changed something`,
          );
      }
    }
    violations.push(...(await auditBreaks(this.#doors.backend, this.#truth.open())));
    const { rows } = await this.#doors.pool.query<{ difference: number }>(
      `select coalesce(sum(case side when 'debit' then amount else -amount end), 0)::bigint difference from ledger_entries`,
    );
    if (rows[0]?.difference !== 0)
      violations.push(`the ledger is out of balance by ${rows[0]?.difference} fen`);
    this.#report.violations.push(...violations);
    say(
      `${violations.length === 0 ? '✔' : '✘'} in the end: each day once more changes nothing, ${this.#truth.open().length} breaks are open, and no other`,
    );
    for (const violation of violations) say(`    ${violation}`);
  }
}

/** Waits for all of them, whichever fails first. */
async function all(works: (Promise<unknown> | undefined)[]): Promise<void> {
  const settled = await Promise.allSettled(works);
  const failure = settled.find((one) => one.status === 'rejected');
  if (failure) throw failure.reason;
}
