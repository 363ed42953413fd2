import { createServer, type Server } from 'node:http';
import { NotificationError, type WechatPay } from '../../wechatpay/index.ts';

/** Receives what WeChat Pay posts to `notify_url`: v3 and v2, payments, refunds and complaints. */
export default function notifications(pay: WechatPay, handle: (what: string) => Promise<void>): Server {
  return createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    // The raw bytes: a parsed and printed body has another signature.
    const raw = { headers: request.headers, body: Buffer.concat(chunks) };
    let reply = pay.notifications.accepted(raw);
    try {
      const notification = await pay.notifications.open(raw);
      switch (notification.kind) {
        case 'transaction':
          await handle(`${notification.resource.out_trade_no} ${notification.resource.trade_state}`);
          break;
        case 'combined':
          await handle(`${notification.resource.combine_out_trade_no} paid`);
          break;
        case 'refund':
          await handle(`${notification.resource.out_refund_no} ${notification.resource.refund_status}`);
          break;
        case 'complaint':
          await handle(`${notification.resource.complaint_id} ${notification.resource.action_type}`);
          break;
        case 'v2':
          await handle(`${notification.resource.kind} of the XML API`);
          break;
        default:
          await handle(notification.event_type);
      }
    } catch (error) {
      // It comes again; what was forged does not.
      reply = pay.notifications.refused(
        raw,
        error instanceof NotificationError ? error.verdict : 'try again',
      );
    }
    response.writeHead(reply.status, reply.headers).end(reply.body);
  });
}
