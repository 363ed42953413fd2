import type { FireFaults } from '../faults/book.ts';
import { type FaultRule, isBillFault } from '../faults/fault.ts';
import { ControlError, GatewayError } from '../gateway-error.ts';
import type { Journal } from '../journal.ts';
import type { World } from '../merchants/world.ts';
import type { Orders } from '../orders/book.ts';
import type { Order } from '../orders/order.ts';
import type { SeededRandom } from '../random.ts';
import type { Refunds } from '../refunds/book.ts';
import { altered, canSpoil, corrected, isStray, strayed } from './alteration.ts';
import { BillArrangements, checked } from './arrangements.ts';
import { type Account, type ArrangedTrade, Books, finalAt, merged } from './books.ts';
import { type BillDay, billDay, daysBack, requireAvailable } from './calendar.ts';
import { Downloads } from './downloads.ts';
import type { Entry } from './entry.ts';
import { type BuiltBill, buildBill } from './file.ts';
import { FinishedBills } from './finished-bills.ts';
import { type FundAccount, FundFlowBill, movementsOf } from './fund-flow-bill.ts';
import { Restatements } from './restatements.ts';
import { type BillSettings, type EffectiveSettings, tenThousandths } from './settings.ts';
import { Statement } from './statement.ts';
import { type SyntheticRequest, syntheticRequest } from './synthetic.ts';
import type { BillForm, BillTable } from './table.ts';
import { TradeBill, type TradeBillType } from './trade-bill.ts';

const STATEMENT_DAYS = 180;

/** Whose bill: of a merchant or service provider, or only what concerns one sub-merchant. */
export interface BillOwner {
  mchid: string;
  subMchid?: string | undefined;
}

/** Bills of all merchants: made from the books when they are asked for, and offered for download. */
export class Bills {
  /** What people and tests arranged. */
  readonly arrangements: BillArrangements;
  /** Files that merchants were given addresses of. */
  readonly downloads: Downloads;
  readonly #books: Books;
  readonly #world: World;
  readonly #clock: () => number;
  readonly #random: SeededRandom;
  readonly #restatements: Restatements;
  readonly #finished = new FinishedBills();

  constructor(options: {
    world: World;
    orders: Orders;
    refunds: Refunds;
    journal: Journal;
    clock: () => number;
    random: SeededRandom;
    /** What the scenario says about everybody's bills. */
    settings: BillSettings | undefined;
  }) {
    const { world, orders, refunds, journal, clock, random } = options;
    this.#world = world;
    this.#clock = clock;
    this.#random = random;
    this.#restatements = new Restatements({ journal, clock });
    this.arrangements = new BillArrangements({ world, journal, scenario: options.settings });
    this.#books = new Books({ orders, refunds, journal, feeRateOf: (mchid) => this.feeRate(mchid) });
    this.downloads = new Downloads({ clock, random });
  }

  // What the gateway does.

  /** The fee rate of a merchant or sub-merchant, in ten-thousandths. */
  feeRate(mchid: string): number {
    return tenThousandths(this.arrangements.settings(mchid).fee_rate);
  }

  /**
   * A trade bill. Orders are there by the time of payment, refunds by that of acceptance.
   * @param date `yyyy-MM-dd`
   * @param form how it is written, where the API it was asked for by says so
   * @throws GatewayError 400 PARAM_ERROR, INVALID_REQUEST, STATEMENT_CREATING or NO_STATEMENT_EXIST
   */
  trade(
    { mchid, subMchid }: BillOwner,
    date: string | null,
    type: TradeBillType,
    fireFaults: FireFaults,
    form?: BillForm,
  ): Promise<BuiltBill> {
    const account: Account = {
      key: subMchid ? `${mchid} ${subMchid}` : mchid,
      owns: (order) =>
        order.family !== 'overseas' &&
        (order.mchid === mchid || order.subMchid === mchid) &&
        (!subMchid || order.subMchid === subMchid),
    };
    return this.#bill(
      { fireFaults, mchid, account, date, form, kind: 'trade', name: type, parts: false },
      (settings) => ({
        table: () => new TradeBill(type, settings),
      }),
    );
  }

  /** The fund flow of a merchant that signs for itself. @throws GatewayError as {@link trade} */
  fundFlow(
    { mchid }: Pick<BillOwner, 'mchid'>,
    date: string | null,
    fundAccount: FundAccount,
    fireFaults: FireFaults,
    form?: BillForm,
  ): Promise<BuiltBill> {
    const owns = (order: Pick<Order, 'mchid' | 'subMchid' | 'family'>) =>
      order.family !== 'overseas' && (order.subMchid ?? order.mchid) === mchid;
    const account = { key: mchid, owns };
    return this.#fundFlow({ fireFaults, mchid, account, date, form, fundAccount, parts: false });
  }

  /**
   * The fund flow of a sub-merchant, or of all of them, for their service provider; in parts.
   * @throws GatewayError as {@link trade}
   */
  subMerchantFundFlow(
    { mchid, subMchid }: BillOwner,
    date: string | null,
    fundAccount: FundAccount | 'ALL',
    fireFaults: FireFaults,
  ): Promise<BuiltBill> {
    const account: Account = {
      key: `${mchid} ${subMchid ?? '*'}`,
      owns: (order) =>
        order.family !== 'overseas' &&
        order.mchid === mchid &&
        order.subMchid !== undefined &&
        (!subMchid || order.subMchid === subMchid),
    };
    return this.#fundFlow({ fireFaults, mchid, account, date, fundAccount, parts: true });
  }

  /**
   * An overseas statement (38 columns), of a merchant, of an institution, or of one of its sub-merchants.
   * @param date `yyyyMMdd`
   * @throws GatewayError as {@link trade}; 180 days back
   */
  statement({ mchid, subMchid }: BillOwner, date: string | null, fireFaults: FireFaults): Promise<BuiltBill> {
    const account: Account = {
      key: subMchid ? `${mchid} ${subMchid}` : mchid,
      owns: (order) =>
        order.family === 'overseas' && order.mchid === mchid && (!subMchid || order.subMchid === subMchid),
    };
    const [, year, month, day] = /^(\d{4})(\d\d)(\d\d)$/.exec(date ?? '') ?? [];
    return this.#bill(
      {
        fireFaults,
        mchid,
        account,
        date: year ? `${year}-${month}-${day}` : date && 'malformed',
        field: 'date',
        oldest: daysBack(this.#clock(), STATEMENT_DAYS),
        kind: 'trade',
        name: 'statement',
        parts: false,
      },
      (settings) => ({ table: () => new Statement(settings) }),
    );
  }

  // What people and tests do.

  /** Arranges trade that nobody ordered, for bills of any size. @throws ControlError */
  addSynthetic(request: SyntheticRequest): ArrangedTrade {
    const parsed = checked(syntheticRequest, request);
    const mchid = parsed.mchid ?? this.#world.merchant.mchid;
    const merchant = this.#world.find(mchid)?.merchant;
    if (!merchant) throw new ControlError(404, `no merchant ${mchid}`);
    const subMchid = parsed.sub_mchid;
    if (subMchid && !merchant.subMerchants.some((sub) => sub.mchid === subMchid)) {
      throw new ControlError(404, `no sub-merchant ${subMchid} of ${mchid}`);
    }
    const trade: ArrangedTrade = {
      id: this.#random.uuid(),
      date: parsed.date,
      rows: parsed.rows,
      seed: parsed.seed,
      mchid,
      subMchid,
      appid: merchant.appid,
      family: merchant.region === 'overseas' ? 'overseas' : 'basic',
    };
    this.#books.arrange(trade);
    return trade;
  }

  synthetic(): ArrangedTrade[] {
    return this.#books.arranged();
  }

  removeSynthetic(): void {
    this.#books.forgetArranged();
  }

  clear(): void {
    this.#books.clear();
    this.arrangements.clear();
    this.#restatements.clear();
    this.#finished.clear();
    this.downloads.clear();
  }

  async #fundFlow({
    fundAccount,
    ...asked
  }: Asked & { fundAccount: FundAccount | 'ALL' }): Promise<BuiltBill> {
    const basic = fundAccount === 'BASIC' || fundAccount === 'ALL';
    return this.#bill({ ...asked, kind: 'fund_flow', name: fundAccount }, async (settings, day) => {
      const change = (entry: Entry) =>
        movementsOf(entry, settings.fee_account)
          .filter(({ account }) => fundAccount === 'ALL' || account === fundAccount)
          .reduce((sum, movement) => sum + movement.change, 0);
      const before = await this.#books.sumBefore(asked.account, day, change);
      const balance = (basic ? settings.opening_balance : 0) + before;
      return { table: () => new FundFlowBill(fundAccount, balance, settings) };
    });
  }

  async #bill(
    asked: Asked & { kind: 'trade' | 'fund_flow'; name: string },
    prepare: (
      settings: EffectiveSettings,
      day: BillDay,
    ) => { table: () => BillTable } | Promise<{ table: () => BillTable }>,
  ): Promise<BuiltBill> {
    const { mchid, account, kind } = asked;
    const now = this.#clock();
    const settings = this.arrangements.settings(mchid);
    const day = billDay(asked.date, asked.field);
    requireAvailable(day, now, {
      available: settings.available,
      ...(asked.oldest !== undefined && { oldest: asked.oldest }),
    });
    const faults = this.#faultsOf(asked, day);
    const restatement = this.#restatements.of(mchid, day);
    const madeForGood = finalAt(day, now);
    const synthetic = this.#books.synthetic(account, day);
    const make = async () => {
      const { table } = await prepare(settings, day);
      const own = await this.#books.entries(account, day, {
        madeAt: Math.max(madeForGood ?? now, restatement?.madeAt ?? 0),
        version: madeForGood === undefined ? undefined : `${restatement?.version ?? 'first'}`,
      });
      const strays = faults.flatMap((fault) => {
        const stray = fault.kind === 'stray_row' && this.#books.find(account, isStray(fault, day));
        return stray ? [[strayed(stray, day)]] : [];
      });
      const entries = () => {
        const right = merged([own, ...strays, ...synthetic.map(({ open }) => open())]);
        return altered(restatement ? corrected(right, restatement) : right, faults);
      };
      return buildBill({
        open: () => ({ entries: entries(), table: table() }),
        form: asked.form ?? settings,
        ...(asked.parts && { partRows: settings.part_rows }),
        badHash: faults.some((fault) => fault.kind === 'bad_hash'),
        truncated: faults.some((fault) => fault.kind === 'truncated'),
      });
    };
    const key = JSON.stringify([
      kind,
      asked.name,
      account.key,
      day.date,
      asked.parts,
      asked.form,
      settings,
      synthetic.map(({ id }) => id),
      restatement,
      faults.map((fault) => [fault.id, fault.kind, fault.out_trade_no, fault.out_refund_no]),
    ]);
    const bill = await (madeForGood === undefined ? make() : this.#finished.once(key, make));
    if (bill.rows === 0) throw new GatewayError(400, 'NO_STATEMENT_EXIST', '请求的账单文件不存在');
    return bill;
  }

  /** What is wrong with the bill this time. A restatement is another version from now on. */
  #faultsOf({ fireFaults, mchid, account }: Asked, day: BillDay): readonly FaultRule[] {
    const faults = fireFaults(
      (kind, rule) =>
        isBillFault(kind) &&
        (kind === 'stray_row'
          ? this.#books.find(account, isStray(rule, day)) !== undefined
          : this.#books.has(account, day, (entry) => canSpoil(rule, entry))),
    );
    for (const fault of faults) if (fault.kind === 'restated') this.#restatements.issue(mchid, day, fault);
    return faults;
  }
}

interface Asked {
  fireFaults: FireFaults;
  /** Who asks. */
  mchid: string;
  account: Account;
  date: string | null;
  /** The parameter that has the date; bill_date unless told. */
  field?: string;
  /** The oldest date there is. */
  oldest?: string;
  form?: BillForm | undefined;
  /** Whether large bills come in parts. */
  parts: boolean;
}
