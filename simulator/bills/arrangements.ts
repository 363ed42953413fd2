import { z } from 'zod';
import { ControlError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { World } from '../merchants/world.ts';
import type { SeededRandom } from '../random.ts';
import { type Alteration, type AlterationRequest, alterationRequest } from './alteration.ts';
import type { BillDay } from './calendar.ts';
import {
  type BillSettings,
  DOCUMENTED,
  type EffectiveSettings,
  type SettingsRequest,
  settingsRequest,
} from './settings.ts';

/** Key of what holds for all merchants. */
const EVERYBODY = '*';

/** What people and tests arranged about bills: how they are, and what is wrong with them. */
export class BillArrangements {
  readonly #world: World;
  readonly #clock: () => number;
  readonly #random: SeededRandom;
  readonly #scenario: BillSettings;
  readonly #settings: Collection<BillSettings>;
  readonly #alterations: Collection<Alteration>;

  constructor(options: {
    world: World;
    journal: Journal;
    clock: () => number;
    random: SeededRandom;
    /** What the scenario says about everybody's bills. */
    scenario: BillSettings | undefined;
  }) {
    this.#world = options.world;
    this.#clock = options.clock;
    this.#random = options.random;
    this.#scenario = options.scenario ?? {};
    this.#settings = new Collection(options.journal, 'bill_settings');
    this.#alterations = new Collection(options.journal, 'bill_alteration');
  }

  /** How the bills of a merchant are. */
  settings(mchid: string): EffectiveSettings {
    return {
      ...DOCUMENTED,
      ...this.#scenario,
      ...this.#world.find(mchid)?.merchant.bills,
      ...this.#settings.get(EVERYBODY),
      ...this.#settings.get(mchid),
    };
  }

  /** Sets how bills are, of one merchant or of all; what is not named stays. @throws ControlError */
  set(request: SettingsRequest): EffectiveSettings {
    const { mchid = EVERYBODY, ...settings } = checked(settingsRequest, request);
    this.#settings.put(mchid, { ...this.#settings.get(mchid), ...settings });
    return this.settings(mchid);
  }

  /** Makes bills of a day wrong, or another version of them. @throws ControlError */
  alter(request: AlterationRequest): Alteration {
    const wanted = checked(alterationRequest, request);
    const alteration: Alteration = {
      ...wanted,
      bill: wanted.bill ?? (wanted.kind === 'restated' ? 'all' : 'trade'),
      id: this.#random.uuid(),
      createdAt: this.#clock(),
      digits: this.#random.digits(12),
    };
    this.#alterations.put(alteration.id, alteration);
    return alteration;
  }

  alterations(): Alteration[] {
    return [...this.#alterations.values()];
  }

  /** What is wrong with the bills of a day since they were restated last, the restatement first. */
  alterationsOf(mchid: string, { date }: BillDay, kind: 'trade' | 'fund_flow'): Alteration[] {
    const all = this.alterations().filter(
      (one) =>
        one.date === date &&
        (one.mchid === undefined || one.mchid === mchid) &&
        (one.bill === 'all' || one.bill === kind),
    );
    const restated = all.findLastIndex((one) => one.kind === 'restated');
    return restated < 0 ? all : all.slice(restated);
  }

  removeAlterations(): void {
    for (const { id } of this.alterations()) this.#alterations.delete(id);
  }

  clear(): void {
    this.#settings.clear();
    this.#alterations.clear();
  }
}

/** @throws ControlError 400 */
export function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}
