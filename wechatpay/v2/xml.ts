import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';

/** The flat elements of a v2 document, by name. Every value is the text that was signed: no numbers, no dates. */
export type V2Fields = Record<string, string>;

/** A document that is not one of WeChat Pay's, or a text that cannot be written as XML. The message never repeats its content. */
export class XmlError extends Error {
  /** The element at fault, when one could be told. */
  readonly field: string | undefined;

  constructor(problem: string, field?: string) {
    super(problem);
    this.name = 'XmlError';
    this.field = field;
  }
}

/** Root elements: `root` only inside of `req_info`. */
export type XmlRoot = 'xml' | 'root';

/** The largest documents, refund queries, have a few hundred. */
const MAX_ELEMENTS = 2000;

/** Lower case, digits and underscores is what WeChat Pay uses; anything longer or stranger is not its. */
const ELEMENT_NAME = /^[A-Za-z_][0-9A-Za-z_.-]{0,63}$/;

/** Declarations that could define entities, wherever they stand: comments and CDATA included, WeChat Pay sends none (CVE-2018-13439). */
const DECLARATION = /<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i;

/** What XML 1.0 cannot hold, not even escaped; lone surrogates among them. */
const ILLEGAL = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/u;

const PREDEFINED: Record<string, string> = { lt: '<', gt: '>', amp: '&', quot: '"', apos: "'" };

/** CDATA and text of one element are told apart, because references are expanded in text only. */
const CDATA = '#cdata';
const TEXT = '#text';

const parser = new XMLParser({
  // Order keeps duplicates visible, which an object would merge.
  preserveOrder: true,
  cdataPropName: CDATA,
  textNodeName: TEXT,
  parseTagValue: false,
  trimValues: false,
  ignoreAttributes: true,
  ignoreDeclaration: true,
  ignorePiTags: true,
  processEntities: false,
  maxNestedTags: 3,
  onDangerousProperty: () => {
    throw new Error('a name that JavaScript reserves');
  },
});

const builder = new XMLBuilder({ cdataPropName: CDATA, processEntities: false });

type Node = Record<string, Node[] | string>;

/**
 * Reads a flat v2 document from its raw UTF-8 bytes (a byte order mark is skipped). Stricter than XML: one level of elements, each once,
 * no document type, no entities but the five of XML and character references.
 * @throws XmlError for everything else, larger than `maxBytes` included.
 */
export function parseXml(
  bytes: Buffer | string,
  { maxBytes, root = 'xml' }: { maxBytes: number; root?: XmlRoot },
): V2Fields {
  const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
  if (buffer.length > maxBytes) throw new XmlError(`has ${buffer.length} bytes, more than ${maxBytes}`);
  const text = decodeUtf8(buffer);
  if (DECLARATION.test(text)) throw new XmlError('has a document type or entity declaration');
  if (ILLEGAL.test(text)) throw new XmlError('has characters that XML forbids');
  if (!fewTags(text)) throw new XmlError(`has more than ${MAX_ELEMENTS} elements`);

  const fields: V2Fields = {};
  for (const [name, value] of elements(rootNodes(text, root))) {
    if (Object.hasOwn(fields, name)) throw new XmlError(`has ${name} twice`, name);
    fields[name] = value;
  }
  // Both halves of the parser overlook text behind a root that is one empty tag.
  if (Object.keys(fields).length === 0) throw new XmlError('has no elements');
  return fields;
}

/**
 * Writes a flat v2 document: digits as they are, everything else as CDATA. {@link parseXml} gives back exactly what went in, unless that
 * was nothing.
 * @throws XmlError naming the element whose name or text XML cannot hold.
 */
export function buildXml(fields: V2Fields, root: XmlRoot = 'xml'): string {
  const document: Record<string, string | { [CDATA]: string }> = {};
  for (const [name, value] of Object.entries(fields)) {
    checkName(name);
    checkText(name, value);
    document[name] = /^\d+$/.test(value) ? value : { [CDATA]: value };
  }
  return builder.build({ [root]: document });
}

/**
 * What the other side would read differently from what was signed, or not at all.
 * @throws XmlError naming the element.
 */
function checkText(name: string, value: string): void {
  if (ILLEGAL.test(value)) throw new XmlError('has a control character or half a character', name);
  // XML readers turn it into a line feed, and the signature no longer fits.
  if (value.includes('\r')) throw new XmlError('has a carriage return; use a line feed', name);
  if (DECLARATION.test(value)) throw new XmlError('has the words of an XML declaration', name);
}

function checkName(name: string): void {
  if (!ELEMENT_NAME.test(name) || name in {}) {
    throw new XmlError('has an element whose name is not one of WeChat Pay', name.slice(0, 64));
  }
}

function decodeUtf8(bytes: Buffer): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new XmlError('is not UTF-8');
  }
}

/** Before parsing, so that a flood of elements costs nothing: start, end and CDATA make three to an element. */
function fewTags(text: string): boolean {
  let count = 0;
  for (let at = text.indexOf('<'); at !== -1; at = text.indexOf('<', at + 1)) {
    if (++count > 3 * MAX_ELEMENTS) return false;
  }
  return true;
}

function rootNodes(text: string, root: XmlRoot): Node[] {
  let documents: Node[];
  try {
    // The parser alone accepts unclosed elements.
    if (XMLValidator.validate(text) !== true) throw new Error('not well-formed');
    documents = parser.parse(text) as Node[];
  } catch {
    // The parser's own words may repeat the content.
    throw new XmlError('is not well-formed XML');
  }
  const roots = documents.filter((node) => !(TEXT in node));
  const content = roots[0]?.[root];
  if (roots.length !== 1 || !Array.isArray(content)) throw new XmlError(`has no root element ${root}`);
  return content;
}

function* elements(nodes: Node[]): Generator<[name: string, value: string]> {
  for (const node of nodes) {
    const text = node[TEXT];
    if (typeof text === 'string') {
      if (text.trim() !== '') throw new XmlError('has text between its elements');
      continue;
    }
    const name = Object.keys(node)[0] ?? '';
    checkName(name);
    yield [name, (node[name] as Node[]).map((part) => textOf(part, name)).join('')];
  }
}

function textOf(part: Node, name: string): string {
  const text = part[TEXT];
  if (typeof text === 'string') return expandReferences(text, name);
  const cdata = part[CDATA];
  if (!Array.isArray(cdata)) throw new XmlError(`has elements inside of ${name}`, name);
  return cdata.map((inner) => String(inner[TEXT] ?? '')).join('');
}

function expandReferences(text: string, name: string): string {
  return text.replace(/&([^;]{0,10};?)/g, (_, reference: string) => {
    const [, decimal, hexadecimal, word] = /^(?:#(\d+)|#x([0-9a-fA-F]+)|([a-z]+));$/.exec(reference) ?? [];
    const code = decimal ? Number.parseInt(decimal, 10) : Number.parseInt(hexadecimal ?? 'none', 16);
    const character = word
      ? Object.hasOwn(PREDEFINED, word) && PREDEFINED[word]
      : code <= 0x10ffff && String.fromCodePoint(code);
    if (!character || ILLEGAL.test(character)) throw new XmlError(`has an unknown entity in ${name}`, name);
    return character;
  });
}
