import { randomBytes } from 'node:crypto';

/** A file to upload. */
export interface MultipartFile {
  filename: string;
  contentType: string;
  bytes: Buffer;
}

/**
 * The body of an upload: the part `meta`, which is what the signature covers, then the part `file` (official page 4012365342).
 * @param meta exact JSON text.
 */
export function multipart(meta: string, file: MultipartFile): { contentType: string; bytes: Buffer } {
  const boundary = `paysaga-${randomBytes(16).toString('hex')}`;
  const head = (name: string, rest: string, type: string) =>
    `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${rest}\r\nContent-Type: ${type}\r\n\r\n`;
  return {
    contentType: `multipart/form-data; boundary=${boundary}`,
    bytes: Buffer.concat([
      Buffer.from(head('meta', '', 'application/json')),
      Buffer.from(meta),
      Buffer.from(`\r\n${head('file', `; filename="${file.filename}"`, file.contentType)}`),
      file.bytes,
      Buffer.from(`\r\n--${boundary}--\r\n`),
    ]),
  };
}
