import assert from 'node:assert/strict';
import fc from 'fast-check';
import { buildXml, parseXml, XmlError } from '../../../../wechatpay/v2/xml.ts';
import { peer } from './v2-gateway.ts';

const LIMIT = { maxBytes: 1024 * 1024 };
const parse = (text: string | Buffer) => parseXml(text, LIMIT);

/** Refused, and the error does not repeat what was in it. */
const refuses = (text: string | Buffer, message: RegExp) =>
  assert.throws(
    () => parse(text),
    (error) => {
      assert.ok(error instanceof XmlError);
      assert.match(error.message, message);
      assert.ok(error.message.length < 160, error.message);
      return true;
    },
  );

const elementName = fc.stringMatching(/^[a-z][a-z0-9_]{0,20}$/).filter((name) => !(name in {}));
/** Everything that may be sent: XML 1.0 without carriage returns. */
const sendable = fc
  .string({ unit: 'binary', maxLength: 40 })
  .map((text) => text.replace(/[^\t\n\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu, ''))
  .filter((text) => !/<!\s*(DOCTYPE|ENTITY|ELEMENT|ATTLIST|NOTATION)/i.test(text));
const spicy = fc
  .array(
    fc.constantFrom(']]>', '<![CDATA[', '&', '&amp;', '<', '>', '"', "'", ' ', '\n', '茶', '🍵', '0', 'a'),
    {
      maxLength: 12,
    },
  )
  .map((parts) => parts.join(''));
const document = fc.dictionary(elementName, fc.oneof(sendable, spicy), { noNullPrototype: true, minKeys: 1 });

describe('v2 XML', () => {
  it('reads CDATA and text alike, every value as the text it is', () => {
    assert.deepEqual(
      parse(`<?xml version="1.0" encoding="UTF-8"?>
        <!-- a comment --><xml>
          <a><![CDATA[<b>&amp;</b>]]></a><n>007</n><big>50300208882026030212345678901</big>
          <e></e><s/><t>true</t><x>&lt;&gt;&amp;&quot;&apos;&#33590;&#x8336;</x><w> a  b </w>
          <m>1<!-- 2 -->3<![CDATA[4]]></m><d><![CDATA[a]]]]><![CDATA[>b]]></d><k u="1">v</k>
        </xml>`),
      {
        a: '<b>&amp;</b>',
        n: '007',
        big: '50300208882026030212345678901',
        e: '',
        s: '',
        t: 'true',
        x: '<>&"\'茶茶',
        w: ' a  b ',
        m: '134',
        d: 'a]]>b',
        k: 'v',
      },
    );
  });

  it('skips a byte order mark', () => {
    assert.deepEqual(parse(`\u{feff}<xml><a>1</a></xml>`), { a: '1' });
  });

  it('expands an escaped entity once', () => {
    assert.deepEqual(parse('<xml><a>&amp;lt;&#38;amp;</a></xml>'), { a: '&lt;&amp;' });
  });

  it('has the root that was asked for', () => {
    assert.deepEqual(parseXml('<root><a>1</a></root>', { ...LIMIT, root: 'root' }), { a: '1' });
    refuses('<root><a>1</a></root>', /no root element xml/);
    refuses('<XML><a>1</a></XML>', /no root element xml/);
  });

  it('gives back exactly what was written', () => {
    fc.assert(
      fc.property(document, (fields) => {
        assert.deepEqual(parse(buildXml(fields)), fields);
      }),
      { numRuns: 500 },
    );
  });

  it('writes what the independent implementation reads as the same', () => {
    fc.assert(
      fc.property(document, (fields) => {
        assert.deepEqual({ ...peer.Transformer.toObject(buildXml(fields)) }, fields);
      }),
      { numRuns: 300 },
    );
  });

  it('reads what the independent implementation writes', () => {
    fc.assert(
      fc.property(document, (fields) => {
        // It cannot write the end of CDATA.
        fc.pre(Object.values(fields).every((value) => !value.includes(']]>')));
        assert.deepEqual(parse(peer.Transformer.toXml(fields)), fields);
      }),
      { numRuns: 300 },
    );
  });

  it('never fails but with its own error, whatever the bytes', () => {
    const markup = fc
      .array(
        fc.constantFrom(
          '<xml>',
          '</xml>',
          '<a>',
          '</a>',
          '<a/>',
          '<![CDATA[',
          ']]>',
          '<!--',
          '-->',
          '<?',
          '?>',
          '<!',
          '&',
          '&#0;',
          '&#x110000;',
          '<',
          '>',
          '"',
          '=',
          'x',
          ' ',
          '<__proto__>',
          '<toString/>',
        ),
        { maxLength: 30 },
      )
      .map((parts) => Buffer.from(parts.join('')));
    const bytes = fc.uint8Array({ maxLength: 60 }).map((array) => Buffer.from(array));
    fc.assert(
      fc.property(fc.oneof(markup, bytes), (input) => {
        try {
          for (const [name, value] of Object.entries(parse(input))) {
            assert.equal(typeof value, 'string');
            assert.ok(!(name in {}));
          }
        } catch (error) {
          assert.ok(error instanceof XmlError, String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  describe('refuses', () => {
    const xxe = '[<!ENTITY x SYSTEM "file:///etc/passwd">]';
    for (const [name, text] of Object.entries({
      'an external entity': `<!DOCTYPE xml ${xxe}><xml><a>&x;</a></xml>`,
      'a document type in lower case': `<!doctype xml ${xxe}><xml><a>&x;</a></xml>`,
      'a document type in mixed case': `<!DocType xml ${xxe}><xml><a>1</a></xml>`,
      'a document type after a declaration and comments': `<?xml version="1.0"?><!-- c --><!-- d -->\n<!DOCTYPE xml><xml/>`,
      'a document type inside of the root': '<xml><!DOCTYPE xml><a>1</a></xml>',
      'a document type after the root': '<xml><a>1</a></xml><!DOCTYPE xml>',
      'a document type in a comment': '<!-- <!DOCTYPE xml> --><xml/>',
      'an entity in CDATA': '<xml><a><![CDATA[<!ENTITY x "y">]]></a></xml>',
      'a document type with a gap': '<! DOCTYPE xml><xml/>',
      'an element declaration': '<xml><!ELEMENT a></xml>',
      'a billion laughs': `<!DOCTYPE lolz [<!ENTITY lol "lol">${Array.from(
        { length: 9 },
        (_, i) => `<!ENTITY lol${i + 1} "${`&lol${i || ''};`.repeat(10)}">`,
      ).join('')}]><xml><a>&lol9;</a></xml>`,
    })) {
      it(name, () => refuses(text, /declaration/));
    }

    for (const [name, text, message] of [
      ['nothing', '', /well-formed/],
      ['blanks', '  \n', /well-formed/],
      ['text', 'SUCCESS', /well-formed/],
      ['JSON', '{"code":"FAIL"}', /well-formed/],
      ['a truncated document', '<xml><return_code><![CDATA[SUCC', /well-formed/],
      ['an unclosed root', '<xml><a>1</a>', /well-formed/],
      ['an unclosed element', '<xml><a>1</xml>', /well-formed/],
      ['a stray end', '<xml></a></xml>', /well-formed/],
      ['text after the root', '<xml><a>1</a></xml>x', /well-formed/],
      ['an empty root', '<xml></xml>', /no elements/],
      ['text after an empty root', '<xml/>x', /no elements/],
      ['text after an empty root and before a comment', '<xml/>x<!-- c -->', /no elements/],
      ['text before the root', 'x<xml/>', /well-formed/],
      ['two roots', '<xml><a>1</a></xml><xml><b>2</b></xml>', /well-formed/],
      ['an HTML page', '<html><body><h1>404 Not Found</h1></body></html>', /well-formed|root/],
      ['text between elements', '<xml>x<a>1</a></xml>', /text between/],
      ['elements within elements', '<xml><a><b>1</b></a></xml>', /inside of a/],
      ['a list of elements', '<xml><a>1<b/>2</a></xml>', /inside of a/],
      ['an element that occurs twice', '<xml><sign>1</sign><a/><sign>2</sign></xml>', /sign twice/],
      ['an unknown entity', '<xml><a>&nbsp;</a></xml>', /entity/],
      ['an entity named like a property', '<xml><a>&constructor;</a></xml>', /entity/],
      ['a lone ampersand', '<xml><a>a & b</a></xml>', /well-formed/],
      ['a reference to no character', '<xml><a>&#0;</a></xml>', /entity/],
      ['a reference beyond Unicode', '<xml><a>&#x110000;</a></xml>', /entity/],
      ['a reference to half a character', '<xml><a>&#xd83c;</a></xml>', /entity/],
      ['a NUL byte', '<xml><a>1\0</a></xml>', /forbids/],
      ['a control character', '<xml><a><![CDATA[\x1b]]></a></xml>', /forbids/],
      ['__proto__', '<xml><__proto__>1</__proto__></xml>', /well-formed|name/],
      ['constructor', '<xml><constructor>1</constructor></xml>', /well-formed|name/],
      ['hasOwnProperty', '<xml><hasOwnProperty>1</hasOwnProperty></xml>', /well-formed|name/],
      ['a name with a colon', '<xml><x:a>1</x:a></xml>', /name/],
      ['a long name', `<xml><${'a'.repeat(65)}>1</${'a'.repeat(65)}></xml>`, /name/],
      ['100,000 elements', `<xml>${'<a/>'.repeat(100_000)}</xml>`, /more than 2000 elements/],
      ['100,000 levels', '<xml>'.repeat(100_000), /more than 2000 elements/],
      ['a nest of three levels', '<xml><a><b><c/></b></a></xml>', /well-formed|inside of/],
    ] as const) {
      it(name, () => refuses(text, message));
    }

    it('more bytes than the caller allows', () => {
      const text = `<xml><a>${'茶'.repeat(100)}</a></xml>`;
      const bytes = Buffer.byteLength(text);
      assert.equal(parseXml(text, { maxBytes: bytes }).a?.length, 100);
      assert.throws(() => parseXml(text, { maxBytes: bytes - 1 }), /bytes, more than/);
    });

    it('UTF-16, with and without its mark, and bytes that are not UTF-8', () => {
      refuses(Buffer.from('<xml><a>1</a></xml>', 'utf16le'), /forbids|UTF-8/);
      refuses(Buffer.from('\u{feff}<xml><a>1</a></xml>', 'utf16le'), /UTF-8/);
      refuses(
        Buffer.concat([Buffer.from('<xml><a>'), Buffer.from([0xb2, 0xe8]), Buffer.from('</a></xml>')]),
        /UTF-8/,
      );
    });

    it('to write what would not arrive as it was signed', () => {
      for (const value of ['a\0b', 'a\x0bb', 'a\rb', '\ud83c', '\ufffe', 'a<!DOCTYPE b', '<!entity'])
        assert.throws(
          () => buildXml({ attach: value }),
          { name: 'XmlError', field: 'attach' },
          JSON.stringify(value),
        );
      for (const name of ['__proto__', 'constructor', 'a b', '', '1a', 'a>', 'ä'])
        assert.throws(() => buildXml(Object.fromEntries([[name, '1']])), { name: 'XmlError' }, name);
    });
  });
});
