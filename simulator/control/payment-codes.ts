import { codeArrangement } from '../orders/payment-code.ts';
import { type AnyRoute, route } from './route.ts';

/** What happens to the codes that people show. */
export const paymentCodeControls: readonly AnyRoute[] = [
  route({
    method: 'PUT',
    path: '/auth-codes/{auth_code}',
    summary: 'Arranges what happens to whoever charges this payment code.',
    body: { schema: codeArrangement, example: { outcome: 'password', pending_status: 200 } },
    answer: { schema: codeArrangement, example: { outcome: 'password', pending_status: 200 } },
    run: ({ gateway, parameters, body }) => gateway.paymentCodes.arrange(parameters.auth_code ?? '', body),
  }),
];
