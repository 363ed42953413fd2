/**
 * What the page says about a problem: what happened, and what to do next. Codes are the API's (docs/errors.md) and the shop's own.
 */
const AGAIN = 'Press the button again. It repeats the same request, so nothing is ordered or refunded twice.';

const WORDS = {
  invalid_amount: [
    'This is not an amount we can take.',
    'Write yuan with at most two decimals and a point, from 0.01 to 10000000.00.',
  ],
  invalid_request: ['The order was not accepted.', 'Choose another amount and try again.'],
  not_found: ['We do not know this order.', 'Check the address, or start a new order.'],
  unauthorized: [
    'The shop is not let into the payment service.',
    'Give the shop a valid API key and start it again.',
  ],
  gateway_rejected: [
    'WeChat Pay refused the request.',
    'Nothing was moved. Mend the cause named below, then try again.',
  ],
  payment_not_closable: [
    'The order could not be cancelled any more.',
    'Look at its status: when it is paid, use Refund instead.',
  ],
  payment_not_paid: ['Only a paid order can be refunded.', 'Wait until the payment has arrived.'],
  refund_exceeds_payment: [
    'This order is being refunded already.',
    'Wait for that refund to end; its status is followed here.',
  ],
  idempotency_key_reused: [
    'This attempt was used for something else.',
    'Press the button again to make a new attempt.',
  ],
  temporarily_unavailable: ['The payment service has a short break.', AGAIN],
  internal_error: ['The payment service failed unexpectedly.', AGAIN],
  api_unreachable: ['The payment service cannot be reached.', `Check that the API runs. ${AGAIN}`],
  api_silent: ['The payment service did not answer in time.', AGAIN],
  shop_unreachable: ['The shop cannot be reached.', `Check your connection. ${AGAIN}`],
  shop_failed: ['The shop failed unexpectedly.', AGAIN],
};

/** @returns {{ title: string, next: string, detail: string }} `detail` may be empty. */
export function wordsFor(problem) {
  const [title, next] = WORDS[problem.code] ?? [
    `${problem.title ?? 'Something went wrong'}.`,
    'Start a new order, or try again later.',
  ];
  const fields = (problem.errors ?? []).map(({ pointer, detail }) => `${pointer.slice(1)} ${detail}`);
  const detail = problem.code === 'gateway_rejected' || !(problem.code in WORDS) ? problem.detail : undefined;
  const reference = problem.request_id && `Reference: ${problem.request_id}`;
  return { title, next, detail: [...fields, detail, reference].filter(Boolean).join(' · ') };
}
