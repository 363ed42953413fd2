/** Where notifications arrive, below the public URL. */
export const NOTIFICATIONS_PATH = '/v1/notifications';

/**
 * Where WeChat Pay posts the notifications of a merchant. A notify_url must not have a query (official order page), so the
 * merchant is part of the path: its keys are needed to read the message.
 */
export function notifyUrl(publicUrl: string, merchantId: string): string {
  return `${publicUrl}${NOTIFICATIONS_PATH}/${merchantId}`;
}
