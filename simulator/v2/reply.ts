import { parseXml, XmlError } from '../../wechatpay/v2/xml.ts';

const MAX_BYTES = 64 * 1024;

/**
 * What is wrong with a merchant's reply to a notification of v2; null when it ends the repeats. Unlike in v3 the status is not enough: only
 * XML with `return_code` SUCCESS is an acknowledgement.
 */
export async function replyProblem(body: AsyncIterable<Buffer>): Promise<string | null> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_BYTES) return `answered more than ${MAX_BYTES} bytes`;
    chunks.push(chunk);
  }
  try {
    const { return_code, return_msg = '' } = parseXml(Buffer.concat(chunks), { maxBytes: MAX_BYTES });
    return return_code === 'SUCCESS' ? null : `answered return_code ${return_code} ${return_msg}`.trim();
  } catch (error) {
    if (error instanceof XmlError) return `answered XML that ${error.message}`;
    throw error;
  }
}
