import type { ChargedProduct } from '../../domain/product.ts';
import { SeededRandom } from '../../simulator/random.ts';

/** What the customer and the merchant do with one payment, and what goes wrong meanwhile. */
export interface PaymentPlan {
  /** Fen. */
  amount: number;
  /** What the gateway does to the answer of the order. */
  orderFault: string | undefined;
  /** What happens to the notification of the payment. */
  notificationFault: string | undefined;
  /** `race`: the customer pays while the merchant closes. */
  ending: 'pay' | 'close' | 'race';
  /** Milliseconds from the code to the customer's or merchant's deed. */
  hesitationMs: number;
  /** Fen of each refund that is asked for once it is paid; together they may ask for more than was paid. */
  refunds: number[];
  /** What the gateway does to the answer of a refund. */
  refundFault: string | undefined;
}

/** What happens to what one customer shows at the till. */
export interface ChargePlan {
  product: ChargedProduct;
  /** Fen. */
  amount: number;
  /** What the gateway does to the answer of the charge. */
  chargeFault: string | undefined;
  /** What the gateway does to the answer of a reversal. */
  reverseFault: string | undefined;
  /**
   * `at once`: without a password. `pay`, `fail`: the customer types it, rightly or wrongly. `close`: the till gives up. `race`: the customer
   * pays while the till gives up.
   */
  ending: 'at once' | 'pay' | 'fail' | 'close' | 'race';
  /** Milliseconds from the charge to the customer's or till's deed. */
  hesitationMs: number;
}

/** A payment that ends without money, and is paid all the same. */
export interface LatePlan {
  /** Fen. */
  amount: number;
  notificationFault: string | undefined;
  refundFault: string | undefined;
  /** `expire` takes a minute. */
  ending: 'close' | 'expire';
}

/** Two payments for one order, both of which are paid. */
export interface TwinsPlan {
  /** Fen. */
  amount: number;
  /** Of the one and of the other. */
  notificationFaults: (string | undefined)[];
  refundFault: string | undefined;
  /** Milliseconds. */
  apartMs: number;
}

/** Everything that happens under one seed. */
export interface Plan {
  seed: number;
  payments: PaymentPlan[];
  late: LatePlan;
  twins: TwinsPlan;
  /** A combined payment: of two sub-orders over `amount` each, of which the first has the refunds. */
  combined: PaymentPlan;
  charge: ChargePlan;
  /** Who is killed (SIGKILL), and when, in milliseconds after the start. */
  kills: { process: 'worker' | 'api'; afterMs: number }[];
}

const PAYMENTS = 3;
const NOTIFICATION_FAULTS = ['drop', 'duplicate', 'delay', 'forge', 'replay'] as const;
const LOST_ANSWERS = ['timeout_after', 'reset_after', 'error_500', 'probe_signature', 'unsigned'] as const;

/** Without what v2 does not have. */
const LOST_CHARGES = ['timeout_after', 'reset_after', 'error_500', 'bad_signature', 'unsigned'] as const;

/** The plan of a seed: the same seed always gives the same one. */
export function planOf(seed: number): Plan {
  const random = new SeededRandom(`crashes/${seed}`);
  const below = (limit: number) => Math.floor(random.fraction() * limit);
  const oneOf = <T>(values: readonly T[]): T => values[below(values.length)] as T;
  const sometimes = <T>(values: readonly T[], probability: number) =>
    random.fraction() < probability ? oneOf(values) : undefined;
  const payment = (): PaymentPlan => {
    const amount = 100 + below(10_000);
    return {
      amount,
      orderFault: sometimes(LOST_ANSWERS, 0.4),
      notificationFault: sometimes(NOTIFICATION_FAULTS, 0.5),
      ending: oneOf(['pay', 'pay', 'pay', 'close', 'race']),
      hesitationMs: below(1_000),
      refunds: Array.from({ length: below(4) }, () => 1 + below(amount)),
      refundFault: sometimes(LOST_ANSWERS, 0.4),
    };
  };
  const payments = Array.from({ length: PAYMENTS }, payment);
  const kills = Array.from({ length: 1 + below(2) }, () => ({
    process: oneOf(['worker', 'worker', 'api'] as const),
    afterMs: below(8_000),
  }));
  const combined = payment();
  const late: LatePlan = {
    amount: 100 + below(10_000),
    notificationFault: sometimes(NOTIFICATION_FAULTS, 0.5),
    refundFault: sometimes(LOST_ANSWERS, 0.4),
    ending: oneOf(['close', 'close', 'close', 'expire']),
  };
  const twins: TwinsPlan = {
    amount: 100 + below(10_000),
    notificationFaults: [sometimes(NOTIFICATION_FAULTS, 0.5), sometimes(NOTIFICATION_FAULTS, 0.5)],
    refundFault: sometimes(LOST_ANSWERS, 0.4),
    apartMs: below(2) * below(1_500),
  };
  const charge: ChargePlan = {
    product: oneOf(['CODEPAY', 'CODEPAY', 'MICROPAY', 'FACEPAY'] as const),
    amount: 100 + below(10_000),
    chargeFault: sometimes(LOST_CHARGES, 0.4),
    reverseFault: sometimes(LOST_CHARGES, 0.4),
    ending: oneOf(['at once', 'pay', 'fail', 'close', 'race'] as const),
    hesitationMs: below(1_000),
  };
  return { seed, payments, combined, late, twins, charge, kills };
}
