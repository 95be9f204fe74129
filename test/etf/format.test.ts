import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  atom,
  BitString,
  binary,
  ExportFun,
  equals,
  Float,
  type FormatOptions,
  Fun,
  formatTerm,
  ImproperList,
  LocalTerm,
  map,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  parseTerm,
  Reference,
  string,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { arbitraryTerm } from './arbitrary-term.ts'

const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)
const pid = new Pid(atom('rabbit@host'), 83, 1, 7)
const fun = new Fun({
  arity: 1,
  uniq: new Uint8Array(16),
  index: 7,
  module: atom('m'),
  oldIndex: 8,
  oldUniq: 9,
  pid,
  freeVariables: [],
})

describe("formatTerm, layout 'line'", () => {
  it('writes numbers', () => {
    expect(formatTerm(0)).toBe('0')
    expect(formatTerm(-17)).toBe('-17')
    expect(formatTerm(-(2n ** 70n))).toBe('-1180591620717411303424')
  })

  // Each as OTP 29 prints it.
  it.each([
    [0, '0.0'],
    [-0, '-0.0'],
    [1, '1.0'],
    [-1.5, '-1.5'],
    [0.1, '0.1'],
    [0.001, '0.001'],
    [0.0001, '0.0001'],
    [0.00012, '1.2e-4'],
    [1e-5, '1.0e-5'],
    [100, '100.0'],
    [1e5, '1.0e5'],
    [123456, '123456.0'],
    [1e10, '1.0e10'],
    [12345678901, '12345678901.0'],
    [9007199254740991, '9007199254740991.0'],
    [9007199254740992, '9.007199254740992e15'],
    [-9007199254740992, '-9.007199254740992e15'],
    [123456789012345680, '1.2345678901234568e17'],
    [1e22, '1.0e22'],
    [1.7976931348623157e308, '1.7976931348623157e308'],
    [5e-324, '5.0e-324'],
  ])('writes the float %d as %s', (value, text) => {
    expect(formatTerm(new Float(value))).toBe(text)
  })

  it.each([
    ['ok', 'ok'],
    ['a@B_9', 'a@B_9'],
    ['é', 'é'],
    ['ß1', 'ß1'],
    ['', "''"],
    ['A', "'A'"],
    ['_a', "'_a'"],
    ['9a', "'9a'"],
    ['a.b', "'a.b'"],
    ['a b', "'a b'"],
    ['÷', "'÷'"],
    ['a×', "'a×'"],
    ['日本', "'日本'"],
    ["it's \\", "'it\\'s \\\\'"],
    ['"', "'\"'"],
    ['a\0\n\r\t\v\b\f\x1b\x7f', "'a\\000\\n\\r\\t\\v\\b\\f\\e\\d'"],
    ['\x01\x80\x9f\xa0', "'\\001\\200\\237\xa0'"],
    ['\ud800', "'\\x{D800}'"],
    ['after', "'after'"],
    ['end', "'end'"],
    ['maybe', "'maybe'"],
    ['else', "'else'"],
    ['spec', 'spec'],
  ])('writes the atom %j as %s', (name, text) => {
    expect(formatTerm(atom(name))).toBe(text)
  })

  it('writes lists of characters that are printable in Latin-1 as strings', () => {
    expect(formatTerm(string('abc é\n"\\\x1b'))).toBe('"abc é\\n\\"\\\\\\e"')
    expect(formatTerm(string("it's"))).toBe('"it\'s"')
    expect(formatTerm(string('日'))).toBe('[26085]')
    expect(formatTerm([97, 127])).toBe('[97,127]')
    expect(formatTerm([97, 0])).toBe('[97,0]')
    expect(formatTerm([97, new Float(98)])).toBe('[97,98.0]')
    expect(formatTerm([])).toBe('[]')
  })

  it('writes tuples, lists and maps', () => {
    expect(formatTerm(tuple())).toBe('{}')
    expect(formatTerm(tuple(atom('a'), tuple(1, [2, 300])))).toBe('{a,{1,[2,300]}}')
    expect(formatTerm(new ImproperList([1, atom('a')], atom('b')))).toBe('[1,a|b]')
    expect(formatTerm(new ImproperList([97], 98))).toBe('[97|98]')
    expect(
      formatTerm(
        map([
          [atom('a'), 1],
          [[300], map([])],
        ]),
      ),
    ).toBe('#{a => 1,[300] => #{}}')
  })

  it('writes binaries as text in UTF-8, or in Latin-1, or as numbers', () => {
    expect(formatTerm(binary('abc'))).toBe('<<"abc">>')
    expect(formatTerm(binary('a\n"'))).toBe('<<"a\\n\\"">>')
    expect(formatTerm(binary('é'))).toBe('<<"é"/utf8>>')
    expect(formatTerm(bytes(0xe9))).toBe('<<"é">>')
    expect(formatTerm(binary('日'))).toBe('<<230,151,165>>')
    expect(formatTerm(binary('\x80'))).toBe('<<194,128>>')
    // A surrogate is no UTF-8, and three printable characters of Latin-1.
    expect(formatTerm(bytes(0xed, 0xa1, 0xa1))).toBe('<<"í¡¡">>')
    expect(formatTerm(bytes(1, 2, 255))).toBe('<<1,2,255>>')
    expect(formatTerm(bytes())).toBe('<<>>')
  })

  it('writes bitstrings', () => {
    expect(formatTerm(new BitString(bytes(0b1010_0000), 3))).toBe('<<5:3>>')
    expect(formatTerm(new BitString(bytes(97, 98, 0b1000_0000), 1))).toBe('<<97,98,1:1>>')
  })

  it('writes native records', () => {
    const fields = [
      [atom('a'), 1],
      [atom('B'), [1, 2]],
    ] as const
    expect(formatTerm(new NativeRecord(atom('M x'), atom('n'), true, fields))).toBe(
      "#'M x':n{a = 1,'B' = [1,2]}",
    )
    expect(formatTerm(new NativeRecord(atom('m'), atom('end'), true, []))).toBe("#m:'end'{}")
  })

  it('writes funs', () => {
    expect(formatTerm(new ExportFun(atom('lists'), atom('map'), 2))).toBe('fun lists:map/2')
    expect(formatTerm(new ExportFun(atom('A'), atom('end'), 0))).toBe("fun 'A':'end'/0")
    expect(formatTerm(fun)).toBe('#Fun<m.8.9>')
    expect(formatTerm(new OldFun(pid, atom('m'), 8, 9, []))).toBe('#Fun<m.8.9>')
    expect(formatTerm(new LocalTerm(bytes(1, 2, 3)))).toBe('#Local<3>')
  })

  it('names the node of an identifier, unless it is the one given', () => {
    const node = { name: 'rabbit@host', creation: 7 }
    const port = new Port(atom('a@b-c.d'), 2n ** 60n, 1)
    const reference = new Reference(atom('rabbit@host'), 7, [1, 2, 3])
    expect(formatTerm(pid)).toBe('<rabbit@host.83.1>')
    expect(formatTerm(pid, { node })).toBe('<0.83.1>')
    // An earlier life of the same node.
    expect(formatTerm(pid, { node: { ...node, creation: 8 } })).toBe('<rabbit@host.83.1>')
    expect(formatTerm(port)).toBe("#Port<'a@b-c.d'.1152921504606846976>")
    expect(formatTerm(port, { node: { name: 'a@b-c.d', creation: 1 } })).toBe(
      '#Port<0.1152921504606846976>',
    )
    expect(formatTerm(reference)).toBe('#Ref<rabbit@host.3.2.1>')
    expect(formatTerm(reference, { node })).toBe('#Ref<0.3.2.1>')
  })

  it('writes 100,000 levels', () => {
    const depth = 100_000
    for (const [wrap, open, close] of [
      [(inner: Term): Term => [inner], '[', ']'],
      [(inner: Term): Term => tuple(inner), '{', '}'],
      [(inner: Term): Term => map([[1, inner]]), '#{1 => ', '}'],
    ] as const) {
      let term: Term = []
      for (let i = 0; i < depth; i++) term = wrap(term)
      expect(formatTerm(term)).toBe(`${open.repeat(depth)}[]${close.repeat(depth)}`)
    }
  })
})

describe("formatTerm, layout 'pretty'", () => {
  const pretty = (term: Term, width = 30): string => formatTerm(term, { layout: 'pretty', width })

  it('leaves on one line what fits there', () => {
    expect(pretty(parseTerm('{a,[1,2,3],#{b => c}}'))).toBe('{a,[1,2,3],#{b => c}}')
  })

  it('gives each part that has parts a line, and fills lines with the others', () => {
    const term = parseTerm(
      '{instance,0,[{options,[{e,true},{m,libc}]},{calls,[{alloc,0,3051},{free,0,3046}]}]}',
    )
    expect(pretty(term)).toBe(
      [
        '{instance,0,',
        ' [{options,',
        '   [{e,true},{m,libc}]},',
        '  {calls,',
        '   [{alloc,0,3051},',
        '    {free,0,3046}]}]}',
      ].join('\n'),
    )
    expect(pretty(Array.from({ length: 20 }, (_, i) => i))).toBe(
      ['[0,1,2,3,4,5,6,7,8,9,10,11,12,', ' 13,14,15,16,17,18,19]'].join('\n'),
    )
  })

  it('puts a value under its key where it has no room behind it', () => {
    const term = parseTerm(
      '#{key => value,other => [aaaaaaaa,bbbbbbbbbb,cccccccc],[1,2,3] => #m:n{field = "0123456789abcdef",b = c}}',
    )
    expect(pretty(term)).toBe(
      [
        '#{key => value,',
        '  other =>',
        '      [aaaaaaaa,bbbbbbbbbb,',
        '       cccccccc],',
        '  [1,2,3] =>',
        '      #m:n{field =',
        '               "0123456789abcdef",',
        '           b = c}}',
      ].join('\n'),
    )
  })

  it('breaks binaries that are numbers', () => {
    expect(pretty(Uint8Array.from({ length: 20 }, (_, i) => i))).toBe(
      ['<<0,1,2,3,4,5,6,7,8,9,10,11,', '  12,13,14,15,16,17,18,19>>'].join('\n'),
    )
    expect(pretty(tuple(new BitString(new Uint8Array(16), 3)))).toBe(
      ['{<<0,0,0,0,0,0,0,0,0,0,0,0,0,', '   0,0,0:3>>}'].join('\n'),
    )
  })

  it('stays within the width where no part by itself is longer', () => {
    const term = fc.letrec<{ term: Term }>((tie) => ({
      term: fc.oneof(
        { depthSize: 'medium' },
        fc.integer({ min: -999, max: 999 }),
        fc.array(tie('term'), { maxLength: 6 }),
        fc.array(tie('term'), { maxLength: 6 }).map((elements) => tuple(...elements)),
      ),
    })).term
    fc.assert(
      fc.property(term, (value) => {
        const text = pretty(value, 60)
        const widest = Math.max(...text.split('\n').map((line) => line.length))
        // Beyond half of the width, indentation stops: ten levels stay far from it.
        if (!/^ {25}/m.test(text)) expect(widest).toBeLessThanOrEqual(60)
      }),
    )
  })

  it('writes deep terms in space and time that grow with their size only', () => {
    let left: Term = []
    let right: Term = []
    for (let i = 0; i < 20_000; i++) {
      left = tuple(left, atom('a'))
      right = tuple(atom('a'), right)
    }
    for (const term of [left, right]) {
      const text = pretty(term)
      expect(text.length).toBeLessThan(2_000_000)
      expect(equals(parseTerm(text, { maxDepth: 20_001 }), term)).toBe(true)
    }
  })
})

describe.each<[string, FormatOptions]>([
  ["layout 'line'", { layout: 'line' }],
  ["layout 'pretty'", { layout: 'pretty' }],
  ["layout 'pretty', narrow", { layout: 'pretty', width: 10 }],
])('%s', (_, options) => {
  it('is read back as the same term', () => {
    fc.assert(
      fc.property(arbitraryTerm({ kinds: 'data' }), (term) => {
        const text = formatTerm(term, options)
        if (!equals(parseTerm(text), term)) expect(parseTerm(text), text).toEqual(term)
      }),
      { numRuns: 500 },
    )
  })

  it('is read back with the identifiers of the node that is given', () => {
    const node = { name: 'rabbit@hôte', creation: 5 }
    const name = atom(node.name)
    const uint32 = fc.nat({ max: 0xffff_ffff })
    const identifier: fc.Arbitrary<Term> = fc.oneof(
      fc.tuple(uint32, uint32).map(([id, serial]) => new Pid(name, id, serial, 5)),
      fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((id) => new Port(name, id, 5)),
      fc
        .array(uint32, { minLength: 1, maxLength: 5 })
        .map((words) => new Reference(name, 5, words)),
    )
    fc.assert(
      fc.property(identifier, (term) => {
        for (const given of [{ node }, {}]) {
          const text = formatTerm(term, { ...options, ...given })
          expect(equals(parseTerm(text, { node }), term), text).toBe(true)
        }
      }),
    )
  })

  it('writes every term, and never a control character', () => {
    fc.assert(
      fc.property(arbitraryTerm(), (term) => {
        expect(formatTerm(term, options)).not.toMatch(/[^\P{Cc}\n]/u)
      }),
    )
  })

  it('cuts the text at the length that is given', () => {
    fc.assert(
      fc.property(arbitraryTerm(), fc.integer({ min: 0, max: 60 }), (term, maxLength) => {
        const whole = formatTerm(term, options)
        const text = formatTerm(term, { ...options, maxLength })
        if (whole.length <= maxLength) {
          expect(text).toBe(whole)
        } else {
          expect(text.length).toBeLessThanOrEqual(maxLength)
          expect(text.length).toBeGreaterThanOrEqual(maxLength - 1)
          expect(text.endsWith('...'.slice(0, maxLength))).toBe(true)
          expect(whole.startsWith(text.slice(0, -3))).toBe(true)
          expect(text).toMatch(/^(?:\P{Cs})*$/u)
        }
      }),
      { numRuns: 500 },
    )
  })

  it('does not write what is cut off', () => {
    const long = Array.from({ length: 1_000_000 }, (_, i) => i)
    const term = tuple(long, new Uint8Array(10_000_000), string('x'.repeat(1_000_000)), [
      long,
      long,
    ])
    const started = performance.now()
    for (let i = 0; i < 100; i++) {
      expect(formatTerm(term, { ...options, maxLength: 40 })).toHaveLength(40)
    }
    expect(performance.now() - started).toBeLessThan(5_000)
  })
})
