import type { MerchantBackend, Resource } from './merchant-backend.ts';

/** What a scenario has to act with. */
export interface Stage {
  backend: MerchantBackend;
  /** Writes down what happened, with its time. */
  note: (what: string) => void;
  /** SIGKILLs a process of the stack; its supervisor starts another. */
  kill: (name: string) => void;
}

/** One thing that happens to payments, and how it must end. */
export interface Scenario {
  name: string;
  /** Status the payment must end with. */
  expected: string;
  /** True for the one that must not disturb the others: it runs after them. */
  alone?: boolean;
  /** @returns the payment at its end. */
  run: (stage: Stage) => Promise<Resource>;
}

/** The shortest window the API takes, in seconds. */
const SHORTEST_WINDOW = 60;

const order = (description: string, fields: object = {}) => ({
  description,
  amount: { total: 2590, currency: 'CNY' },
  ...fields,
});

async function create({ backend, note }: Stage, description: string, fields: object = {}): Promise<Resource> {
  const payment = await backend.post('/payments', order(description, fields));
  note(payment.code_url ? 'order created, code_url shown' : `accepted (${payment.status})`);
  return payment.code_url ? payment : await backend.until(`/payments/${payment.id}`, 'PENDING');
}

async function pay({ backend, note }: Stage, payment: Resource): Promise<void> {
  await backend.simulator('POST', `/orders/${payment.out_trade_no}/pay`, {});
  note('customer paid');
}

async function end({ backend, note }: Stage, payment: Resource): Promise<Resource> {
  const ended = await backend.until(`/payments/${payment.id}`, 'PAID', 'CLOSED', 'FAILED', 'REFUNDED');
  note(ended.status);
  return ended;
}

const loseNotifications = ({ backend, note }: Stage, { out_trade_no }: { out_trade_no: string }) => {
  note('every notification will be lost');
  return backend.simulator('POST', '/faults', {
    operation: 'notification',
    kind: 'drop',
    out_trade_no,
    times: null,
  });
};

async function mustBeAtGateway({ backend, note }: Stage, number: string, tradeState: string): Promise<void> {
  const { orders } = await backend.simulator<{ orders: { out_trade_no: string; trade_state: string }[] }>(
    'GET',
    '/orders?limit=1000',
  );
  const ours = orders.filter((candidate) => candidate.out_trade_no === number);
  if (ours.length !== 1 || ours[0]?.trade_state !== tradeState) {
    throw new Error(`the gateway has ${JSON.stringify(ours)}, not one order that is ${tradeState}`);
  }
  note(`one order at the gateway: ${tradeState}`);
}

async function mustHaveFired({ backend }: Stage, number: string, kind: string): Promise<void> {
  const { fault_log: log } = await backend.simulator<{
    fault_log: { out_trade_no: string | null; kind: string }[];
  }>('GET', '/state');
  if (!log.some((fired) => fired.out_trade_no === number && fired.kind === kind)) {
    throw new Error(`the gateway never did ${kind}: the scenario proves nothing`);
  }
}

/** The seven scenarios of the tour. */
export const SCENARIOS: Scenario[] = [
  {
    name: 'paid, notification arrives',
    expected: 'PAID',
    async run(stage) {
      const payment = await create(stage, 'Tour: paid');
      await pay(stage, payment);
      return await end(stage, payment);
    },
  },
  {
    name: 'paid, notification lost',
    expected: 'PAID',
    async run(stage) {
      const payment = await create(stage, 'Tour: notification lost');
      await loseNotifications(stage, payment);
      await pay(stage, payment);
      const ended = await end(stage, payment);
      await mustHaveFired(stage, payment.out_trade_no, 'drop');
      return ended;
    },
  },
  {
    name: 'never paid, closed at expiry',
    expected: 'CLOSED',
    async run(stage) {
      const payment = await create(stage, 'Tour: never paid', { expires_in: SHORTEST_WINDOW });
      const ended = await end(stage, payment);
      await mustBeAtGateway(stage, payment.out_trade_no, 'CLOSED');
      return ended;
    },
  },
  {
    name: 'paid between expiry query and close',
    expected: 'PAID',
    async run(stage) {
      const payment = await create(stage, 'Tour: paid at the last moment', { expires_in: SHORTEST_WINDOW });
      const { out_trade_no } = payment;
      await loseNotifications(stage, payment);
      await stage.backend.simulator('POST', '/faults', {
        operation: 'order.close',
        kind: 'pay_before',
        out_trade_no,
      });
      stage.note('the customer will pay after the query, before the close');
      const ended = await end(stage, payment);
      await mustHaveFired(stage, out_trade_no, 'pay_before');
      await mustBeAtGateway(stage, out_trade_no, 'SUCCESS');
      return ended;
    },
  },
  {
    name: 'paid, then refunded in full',
    expected: 'REFUNDED',
    async run(stage) {
      const payment = await create(stage, 'Tour: refunded');
      await pay(stage, payment);
      await stage.backend.until(`/payments/${payment.id}`, 'PAID');
      stage.note('PAID');
      const refund = await stage.backend.post(`/payments/${payment.id}/refunds`, { reason: 'tour' });
      stage.note(`refund ${refund.status}`);
      const refunded = await stage.backend.until(`/refunds/${refund.id}`, 'SUCCEEDED', 'FAILED');
      stage.note(`refund ${refunded.status}`);
      return await stage.backend.get(`/payments/${payment.id}`);
    },
  },
  {
    name: 'prepay answer lost',
    expected: 'PAID',
    async run(stage) {
      const out_trade_no = `TOUR${Date.now()}`;
      await stage.backend.simulator('POST', '/faults', {
        operation: 'native.create',
        kind: 'timeout_after',
        out_trade_no,
      });
      stage.note('the gateway will accept the order and not answer');
      const payment = await create(stage, 'Tour: prepay answer lost', { out_trade_no });
      await mustHaveFired(stage, out_trade_no, 'timeout_after');
      await pay(stage, payment);
      const ended = await end(stage, payment);
      await mustBeAtGateway(stage, out_trade_no, 'SUCCESS');
      return ended;
    },
  },
  {
    name: 'worker killed while waiting',
    expected: 'PAID',
    alone: true,
    async run(stage) {
      const payment = await create(stage, 'Tour: worker killed');
      stage.kill('worker');
      stage.note('worker killed (SIGKILL)');
      await pay(stage, payment);
      return await end(stage, payment);
    },
  },
];
