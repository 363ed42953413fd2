import { z } from 'zod';
import { ControlError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { World } from '../merchants/world.ts';
import {
  type BillSettings,
  DOCUMENTED,
  type EffectiveSettings,
  type SettingsRequest,
  settingsRequest,
} from './settings.ts';

/** Key of what holds for all merchants. */
const EVERYBODY = '*';

/** What people and tests arranged about bills: how they are. */
export class BillArrangements {
  readonly #world: World;
  readonly #scenario: BillSettings;
  readonly #settings: Collection<BillSettings>;

  constructor(options: {
    world: World;
    journal: Journal;
    /** What the scenario says about everybody's bills. */
    scenario: BillSettings | undefined;
  }) {
    this.#world = options.world;
    this.#scenario = options.scenario ?? {};
    this.#settings = new Collection(options.journal, 'bill_settings');
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

  clear(): void {
    this.#settings.clear();
  }
}

/** @throws ControlError 400 */
export function checked<T>(schema: z.ZodType<T>, body: unknown): T {
  const result = schema.safeParse(body);
  if (!result.success) throw new ControlError(400, z.prettifyError(result.error));
  return result.data;
}
