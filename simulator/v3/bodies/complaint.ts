import { z } from 'zod';
import { dateTime, notifyUrl, text } from '../request-body.ts';

const mediaIds = z.array(text(512)).max(4);
const httpsUrl = (maximum: number) => text(maximum).regex(/^https:\/\//, 'must be https');

/** Body of POST …/response (official page 4012467254). */
export const responseBody = z
  .strictObject({
    complainted_mchid: text(64),
    response_content: text(500),
    response_images: mediaIds.optional(),
    jump_url: httpsUrl(512).optional(),
    jump_url_text: text(10).optional(),
    mini_program_jump_info: z.strictObject({ appid: text(32), path: text(512), text: text(10) }).optional(),
  })
  .refine(({ jump_url, jump_url_text }) => Boolean(jump_url) === Boolean(jump_url_text), {
    path: ['jump_url_text'],
    message: 'jump_url and jump_url_text go together',
  });

/** Body of POST …/complete (official page 4012467255). */
export const completeBody = z.strictObject({ complainted_mchid: text(64) });

/** Body of POST …/update-refund-progress (official page 4012467256). */
export const refundProgressBody = z.strictObject({
  action: z.enum(['APPROVE', 'REJECT']),
  launch_refund_day: z.int().nonnegative().optional(),
  reject_reason: text(200).optional(),
  reject_media_list: mediaIds.optional(),
  remark: text(200).optional(),
});

/** Body of POST and PUT /complaint-notifications (official page of the create call). */
export const notificationUrlBody = z.strictObject({ url: notifyUrl(255) });

/** The part `meta` of an upload (official page 4012467222). */
export const uploadMeta = z.strictObject({
  filename: text(128).regex(/\.(?:jpe?g|png|bmp)$/i, 'must end in jpg, png or bmp'),
  sha256: z.string().regex(/^[0-9a-f]{64}$/i, 'must be a SHA-256'),
});

const miniProgram = z.strictObject({ appid: text(32).optional(), path: text(512).optional() });
const action = z.strictObject({
  action_type: z
    .enum(['ACTION_TYPE_SEND_MESSAGE', 'ACTION_TYPE_JUMP_URL', 'ACTION_TYPE_JUMP_MINI_PROGRAM'])
    .optional(),
  jump_url: text(512).optional(),
  mini_program_jump_info: miniProgram.optional(),
  message_info: z.strictObject({ content: text(500), custom_data: z.string().optional() }).optional(),
  action_id: z.string().optional(),
});
const expiry = z.strictObject({
  expired_time: dateTime.optional(),
  multi_clickable: z.boolean().optional(),
});
const button = z.strictObject({ text: z.string().optional(), action: action.optional() });
const expiringButton = button.extend({ invalid_info: expiry.optional() });

const block = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('TEXT'),
    text: z.strictObject({
      text: text(500).optional(),
      color: z.enum(['DEFAULT', 'SECONDARY']).optional(),
      is_bold: z.boolean().optional(),
    }),
  }),
  z.strictObject({
    type: z.literal('IMAGE'),
    image: z.strictObject({
      media_id: text(512).optional(),
      image_style_type: z.enum(['IMAGE_STYLE_TYPE_NARROW', 'IMAGE_STYLE_TYPE_WIDE']).optional(),
    }),
  }),
  z.strictObject({ type: z.literal('LINK'), link: expiringButton }),
  z.strictObject({
    type: z.literal('FAQ_LIST'),
    faq_list: z.strictObject({
      faqs: z
        .array(
          z.strictObject({
            faq_id: z.string().optional(),
            faq_title: z.string().optional(),
            action: action.optional(),
          }),
        )
        .optional(),
    }),
  }),
  z.strictObject({ type: z.literal('BUTTON'), button: expiringButton }),
  z.strictObject({
    type: z.literal('BUTTON_GROUP'),
    button_group: z.strictObject({
      buttons: z.array(button).optional(),
      button_layout: z.enum(['LAYOUT_UNKNOWN', 'LAYOUT_HORIZONTAL', 'LAYOUT_VERTICAL']).optional(),
      invalid_info: expiry.optional(),
    }),
  }),
]);

/** Body of POST …/response-immediate-service (official page 4017151726). */
export const immediateResponseBody = z.strictObject({
  complainted_mchid: text(64),
  idempotent_id: text(128),
  message: z.strictObject({
    blocks: z.array(block).optional(),
    sender_identity: z.enum(['UNKNOWN', 'MANUAL', 'MACHINE']).optional(),
    custom_data: z.string().optional(),
  }),
});
