import { createHash } from 'node:crypto';
import { refused } from '../errors.ts';
import type { MultipartFile } from './multipart.ts';
import { serializeBody } from './request-body.ts';

/** An image to upload. */
export interface ComplaintImageFile {
  /** At most 128 characters, ending in .jpg, .bmp or .png. */
  filename: string;
  /** JPEG, PNG or BMP, at most 2 MB. */
  bytes: Buffer;
}

/** An image of a complaint. Nobody signs it: what it shows is what the sender of the bytes wants it to show. */
export interface ComplaintImage {
  /** Told by the bytes and not by the answer, so that no HTML passes for an image. */
  contentType: ImageType;
  bytes: Buffer;
}

/** Kinds of images that are known by their first bytes. */
export type ImageType = 'image/jpeg' | 'image/png' | 'image/bmp' | 'image/gif' | 'image/webp' | 'image/heic';

/** What WeChat Pay takes. */
const MAX_UPLOAD_BYTES = 2 * 1024 * 1024;
const UPLOADABLE: readonly (ImageType | undefined)[] = ['image/jpeg', 'image/png', 'image/bmp'];

const MAX_FILENAME = 128;
/** A quote, a line break or a separator would change the header that carries the name, or the place where somebody stores the file. */
const UNSAFE_IN_FILENAME = /["\\/\p{Cc}\p{Cs}\u2028\u2029]/u;

/**
 * Checks an image and describes it.
 * @returns `meta` is the text that is signed.
 * @throws RequestRejectedError PARAM_ERROR naming the field.
 */
export function readUpload({ filename, bytes }: ComplaintImageFile): { meta: string; file: MultipartFile } {
  if (typeof filename !== 'string' || !/.\.(?:jpe?g|png|bmp)$/i.test(filename))
    throw refused('filename', 'does not end in .jpg, .bmp or .png');
  if (UNSAFE_IN_FILENAME.test(filename))
    throw refused('filename', 'has a quote, a slash, a backslash or a control character');
  if (filename.length > MAX_FILENAME) throw refused('filename', `has more than ${MAX_FILENAME} characters`);
  if (!Buffer.isBuffer(bytes)) throw refused('bytes', 'is no Buffer');
  if (bytes.length > MAX_UPLOAD_BYTES)
    throw refused('bytes', `has ${bytes.length} bytes, more than ${MAX_UPLOAD_BYTES}`);
  const contentType = imageType(bytes);
  if (!contentType || !UPLOADABLE.includes(contentType))
    throw refused('bytes', 'is no JPEG, PNG or BMP image');
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  return { meta: serializeBody({ filename, sha256 }), file: { filename, contentType, bytes } };
}

/** The kind of an image by its first bytes; undefined for anything else. */
export function imageType(bytes: Buffer): ImageType | undefined {
  const text = (start: number, end: number) => bytes.toString('latin1', start, end);
  if (text(0, 3) === '\xff\xd8\xff') return 'image/jpeg';
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') return 'image/png';
  // Two letters are little proof; the four reserved bytes are zero in every bitmap.
  if (text(0, 2) === 'BM' && text(6, 10) === '\0\0\0\0') return 'image/bmp';
  if (/^GIF8[79]a/.test(text(0, 6))) return 'image/gif';
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP') return 'image/webp';
  if (/^ftyp(?:hei[cx]|mif1)/.test(text(4, 12))) return 'image/heic';
  return undefined;
}

/** One segment below `images`. An encoded slash, backslash or dot in it could reach another resource. */
const IMAGE_PATH = /^\/v3\/(?:[\w-]+\/)+images\/(?!.*%(?:2[ef]|5c|[01][\da-f]|7f))[^/]{1,1024}$/i;

/**
 * The path of a `media_url`, without its query.
 * @param target path with query, as the address has it.
 * @throws RequestRejectedError PARAM_ERROR when it is not that of an image.
 */
export function imagePath(target: string): string {
  const { pathname } = new URL(`https://api.mch.weixin.qq.com${target}`);
  // The address is not repeated: it may be anybody's.
  if (!IMAGE_PATH.test(pathname)) throw refused('media_url', 'is not the address of an image at WeChat Pay');
  return pathname;
}
