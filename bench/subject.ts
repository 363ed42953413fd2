import type { Measured } from './meter.ts';

/** One payment that reached PAID; times in milliseconds. */
export interface PaidPayment {
  /** From the request until the code_url is known. */
  toCodeUrl: number;
  /** From the customer's payment until it is known as paid. */
  toSettled: number;
  /** From the request until it is known as paid. */
  toPaid: number;
  /** True when the answer came without a code_url, which had to be asked for. */
  askedAgain: boolean;
}

/** Something that takes payments, to be measured. */
export interface Subject {
  name: string;
  /** Takes one payment, from the order to PAID. @throws when it does not get there. */
  takePayment(): Promise<PaidPayment>;
  /** The processes whose cost counts. */
  processes(): Measured[];
  /** History events of some of the payments taken last. */
  historyEvents(): Promise<number[]>;
}

/** A payment that is not paid after this long is given up, in milliseconds. */
export const PATIENCE_MS = 60_000;

/** This many payments are asked for their history. */
export const HISTORIES = 40;

/** This process makes the requests; its cost is part of the whole, as both share one machine. */
export const LOAD_GENERATOR: Measured = { name: 'load generator', pid: process.pid, alone: true };
