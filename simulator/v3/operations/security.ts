import { z } from 'zod';
import { encryptField } from '../../keys/sensitive-field.ts';
import { decryptField, fieldKey } from '../encrypted-field.ts';
import type { Call, CheckedCall, Operation } from '../operation.ts';
import { checkFields, notifyUrl, parseJson, text } from '../request-body.ts';

const ECHO_LENGTH = 1024;
const CIPHERTEXT_LENGTH = 1024;

/** Body of POST /v3/security/echo (official page 4015139289). */
const echo = z.strictObject({
  echo_message: text(ECHO_LENGTH),
  encrypted_echo_message: text(CIPHERTEXT_LENGTH).optional(),
  notify_url: notifyUrl(255).optional(),
});

/** The call that tests keys without moving money. */
export const securityOperations: readonly Operation[] = [
  { name: 'security.echo', method: 'POST', path: /^\/v3\/security\/echo$/, check: checkEcho },
];

function checkEcho(call: Call): CheckedCall {
  const { gateway, caller } = call;
  const sent = parseJson(call.body);
  const key = 'encrypted_echo_message' in sent ? fieldKey(call) : undefined;
  const { echo_message, encrypted_echo_message, notify_url } = checkFields(echo, sent, 'body');
  const secret =
    key && encrypted_echo_message
      ? decryptField(encrypted_echo_message, key, '/encrypted_echo_message')
      : undefined;
  return {
    subject: { mchid: caller.mchid },
    run: () => {
      const { merchantPublicKey } = gateway.world.get(caller.mchid);
      const encrypted = secret === undefined ? undefined : encryptField(secret, merchantPublicKey);
      // Official page 4019605946; no order is concerned.
      gateway.notify(
        { mchid: caller.mchid, outTradeNo: '', notifyUrl: notify_url },
        {
          eventType: 'SECURITY_ECHO.SUCCESS',
          originalType: 'security',
          plaintext: { echo_message, encrypted_echo_message: encrypted },
        },
      );
      return { echo_message, encrypted_echo_message: encrypted };
    },
  };
}
