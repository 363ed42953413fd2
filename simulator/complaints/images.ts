import { createHash } from 'node:crypto';
import { paramError } from '../gateway-error.ts';
import { Collection, type Journal } from '../journal.ts';
import type { SeededRandom } from '../random.ts';
import type { Part } from '../v3/multipart.ts';

/** What an upload may have (official page 4012467222). */
const MOST_BYTES = 2 * 1024 * 1024;

/** Kinds of images by their first bytes. */
const KINDS = [
  { contentType: 'image/jpeg', magic: 'ffd8ff' },
  { contentType: 'image/png', magic: '89504e470d0a1a0a' },
  { contentType: 'image/bmp', magic: '424d' },
] as const;

/** An image as the gateway keeps it. */
export interface ComplaintImage {
  mediaId: string;
  /** Who uploaded it, or signs for the order that the customer complained about. */
  mchid: string;
  contentType: string;
  /** base64. */
  content: string;
}

/** What the part `meta` of an upload says. */
export interface UploadMeta {
  filename: string;
  sha256: string;
}

/** The images of complaints, from merchants and from customers. */
export class ComplaintImages {
  readonly #images: Collection<ComplaintImage>;
  readonly #random: SeededRandom;

  constructor(options: { journal: Journal; random: SeededRandom }) {
    this.#images = new Collection<ComplaintImage>(options.journal, 'complaint_image');
    this.#random = options.random;
  }

  /** Keeps an image; undefined when it is neither JPEG nor PNG nor BMP. Returns its media_id. */
  add(mchid: string, bytes: Buffer): string | undefined {
    const contentType = imageType(bytes);
    if (!contentType) return undefined;
    const mediaId = `ChsyMDA4MDAw${this.#random.text(52)}`;
    this.#images.put(mediaId, { mediaId, mchid, contentType, content: bytes.toString('base64') });
    return mediaId;
  }

  /** An image that a merchant may see or use. */
  find(mchid: string, mediaId: string): ComplaintImage | undefined {
    const image = this.#images.get(mediaId);
    return image?.mchid === mchid ? image : undefined;
  }

  clear(): void {
    this.#images.clear();
  }
}

/**
 * Checks the file of an upload against its description.
 * @throws GatewayError 400 PARAM_ERROR
 */
export function checkUpload(file: Part | undefined, { filename, sha256 }: UploadMeta): Buffer {
  const wrong = (field: string, issue: string, message?: string) =>
    paramError({ field, issue, location: 'body' }, { message });
  if (!file) throw wrong('/file', 'required');
  if (file.filename !== filename) throw wrong('/filename', 'is not the name of the file');
  if (createHash('sha256').update(file.content).digest('hex') !== sha256.toLowerCase()) {
    throw wrong('/sha256', 'is not the SHA-256 of the file', '图片sha256值有误，请检查后重新提交');
  }
  if (file.content.length > MOST_BYTES) throw wrong('/file', 'more than 2 MB', '图片大小不能超过2M');
  if (!imageType(file.content)) throw wrong('/file', 'must be jpg, png or bmp', '图片格式不支持');
  return file.content;
}

function imageType(bytes: Buffer): string | undefined {
  return KINDS.find(({ magic }) => bytes.subarray(0, magic.length / 2).toString('hex') === magic)
    ?.contentType;
}
