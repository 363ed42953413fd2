/** One part of a `multipart/form-data` body. */
export interface Part {
  name: string;
  filename: string | undefined;
  content: Buffer;
}

const LINE = '\r\n';
const HEAD_END = '\r\n\r\n';

/** The parts of a form, in their order; none for what is no such form (RFC 7578). */
export function parseMultipart(body: Buffer, contentType: string): Part[] {
  const [, quoted, bare] =
    /^multipart\/form-data\s*;(?:.*;)?\s*boundary=(?:"([^"]+)"|([^\s;]+))/i.exec(contentType) ?? [];
  const boundary = quoted ?? bare;
  if (!boundary) return [];
  const delimiter = `--${boundary}`;
  const parts: Part[] = [];
  let at = body.indexOf(delimiter);
  while (at >= 0) {
    const start = at + delimiter.length;
    // Two dashes, not a line break, follow the last delimiter.
    if (body.toString('latin1', start, start + 2) !== LINE) break;
    const end = body.indexOf(LINE + delimiter, start);
    const headEnd = body.indexOf(HEAD_END, start);
    if (end < 0 || headEnd < 0 || headEnd > end) break;
    const part = readPart(
      body.toString('utf8', start, headEnd),
      body.subarray(headEnd + HEAD_END.length, end),
    );
    if (part) parts.push(part);
    at = end + LINE.length;
  }
  return parts;
}

/** What the signature of an upload covers: the bytes of its part `meta` and not the file (official page 4012365342). */
export function metaOf(body: Buffer, contentType: string): Buffer {
  return parseMultipart(body, contentType).find(({ name }) => name === 'meta')?.content ?? Buffer.alloc(0);
}

function readPart(head: string, content: Buffer): Part | undefined {
  const disposition = /^content-disposition:\s*form-data\s*;(.*)$/im.exec(head)?.[1] ?? '';
  const parameter = (name: string) => {
    const [, quoted, bare] =
      new RegExp(`(?:^|;)\\s*${name}=(?:"([^"]*)"|([^\\s;]+))`, 'i').exec(disposition) ?? [];
    return quoted ?? bare;
  };
  const name = parameter('name');
  return name === undefined ? undefined : { name, filename: parameter('filename'), content };
}
