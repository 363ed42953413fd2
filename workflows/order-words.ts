/** What the Temporal UI says of an order while it is open. */
export interface OrderWords {
  /** Of the step that places it. */
  place: string;
  isPlaced: string;
  /** What is waited for alone at first, and what the timer is for. */
  isAwaited: string;
  await: string;
  isAskedAfter: string;
  /** Of the step that ends it. */
  end: string;
}

/** An order that the customer pays on a device of their own. */
export function orderWords(title: string, timeExpire: string): OrderWords {
  return {
    place: `create the ${title} order`,
    isPlaced: `Waiting for WeChat Pay's answer to the ${title} order, which is sent again until it answers, until ${timeExpire}.`,
    isAwaited: `Waiting for the customer to pay the ${title} order, of which WeChat Pay's notification tells, until ${timeExpire}.`,
    await: 'waiting for the notification',
    isAskedAfter: `Waiting for the customer to pay the ${title} order: WeChat Pay's notification tells of it, and it is asked now and then, until ${timeExpire}. Then the order is closed.`,
    end: 'query, close, query again',
  };
}

/** An order that charges what the customer has shown at the till. */
export function chargeWords(title: string, timeExpire: string): OrderWords {
  return {
    place: `charge the ${title}`,
    isPlaced: `Waiting for WeChat Pay's answer to the ${title} that was charged, which is sent once, until ${timeExpire}.`,
    isAwaited: `Waiting for the customer's password, or for anybody to know whether the ${title} was charged, until ${timeExpire}.`,
    await: 'before WeChat Pay is asked',
    isAskedAfter: `Waiting for the customer's password, or for anybody to know whether the ${title} was charged: WeChat Pay is asked every few seconds until ${timeExpire}. Then the order is reversed.`,
    end: 'query, reverse, query again',
  };
}
