import { endpoints } from '../endpoint.ts';
import { serializeBody } from './request-body.ts';
import type { Sensitive } from './sensitive.ts';
import type { Transport } from './transport.ts';

/** The call that tests keys. */
export const SECURITY_ENDPOINTS = endpoints({
  'security.echo': { method: 'POST', path: '/v3/security/echo' },
});

/** The one call that tests keys without moving money. */
export class Security {
  readonly #transport: Transport;
  readonly #sensitive: Sensitive;

  constructor(transport: Transport, sensitive: Sensitive) {
    this.#transport = transport;
    this.#sensitive = sensitive;
  }

  /**
   * Sends a text to and fro, signed both ways: the way to check new credentials.
   * @param encrypted also sent and answered encrypted, which checks the keys of sensitive fields.
   * @param notifyUrl also called by WeChat Pay.
   * @throws WechatPayError
   */
  async echo(
    message: string,
    { encrypted, notifyUrl }: { encrypted?: string; notifyUrl?: string } = {},
  ): Promise<{ echo_message: string; encrypted_echo_message?: string }> {
    const field = encrypted === undefined ? undefined : await this.#sensitive.encrypt(encrypted);
    const { encrypted_echo_message: returned, ...answer } = await this.#transport.call<{
      echo_message: string;
      encrypted_echo_message?: string;
    }>(
      {
        endpoint: SECURITY_ENDPOINTS['security.echo'],
        body: serializeBody({
          echo_message: message,
          encrypted_echo_message: field?.ciphertext,
          notify_url: notifyUrl,
        }),
        ...(field && { serial: field.serial }),
      },
      { echo_message: message },
    );
    return returned ? { ...answer, encrypted_echo_message: this.#sensitive.decrypt(returned) } : answer;
  }
}
