/** What the processes of `bench simulator` say to each other. */

/** The folder that the simulator has written: who the merchant is, and its keys. */
export interface MerchantSetUp {
  credentials: string;
}

/** What a merchant's process is to do. */
export interface OrdersLoad {
  orders: number;
  concurrency: number;
  /** Numbers of its orders begin with it, so that no two processes use the same ones. */
  prefix: string;
  notifyUrl: string;
}

/** What a merchant's process has done. */
export interface OrdersDone {
  /** Ordered with verified answers, and paid. */
  paid: number;
  /** Milliseconds from each signed order to its verified code_url. */
  orderMs: number[];
  /** Message of the first that failed. */
  failure?: string;
}

export interface ReceiverReady {
  notifyUrl: string;
}

/** Asks the receiver to wait until it was told of so many payments. */
export interface Await {
  notifications: number;
}

export interface Received {
  notifications: number;
  /** Of those that were looked at, how many had a wrong signature. */
  forged: number;
}

/** Asks for the RSA operations of so many orders. */
export interface RsaLoad {
  orders: number;
}

export interface RsaDone {
  seconds: number;
  cpuMs: number;
}
