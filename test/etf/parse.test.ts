import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  Atom,
  atom,
  BitString,
  binary,
  decode,
  ExportFun,
  equals,
  Float,
  float,
  formatTerm,
  ImproperList,
  map,
  NativeRecord,
  ParseError,
  ParseLimitError,
  type ParseOptions,
  Pid,
  Port,
  parseCall,
  parseTerm,
  Reference,
  string,
  type Term,
  TermSyntaxError,
  tuple,
  UnreadableTermError,
} from '../../src/etf/index.ts'
import { arbitraryTerm } from './arbitrary-term.ts'

function expectTerm(text: string, term: Term, options?: ParseOptions): void {
  const parsed = parseTerm(text, options)
  // Shows both where they differ.
  if (!equals(parsed, term)) expect(parsed, text).toEqual(term)
}

function failureOf(parse: () => unknown): ParseError {
  try {
    parse()
  } catch (error) {
    if (error instanceof ParseError) return error
    throw error
  }
  throw new Error('nothing was thrown')
}

function expectSyntaxError(text: string, message: string, column = 1): void {
  const error = failureOf(() => parseTerm(text))
  expect(error, text).toBeInstanceOf(TermSyntaxError)
  expect(error.message, text).toContain(message)
  expect(error.column, `${text}: ${error.message}`).toBe(column)
}

const bits = (value: number, size: number): BitString => new BitString(Uint8Array.of(value), size)
const bytes = (...values: readonly number[]): Uint8Array => Uint8Array.from(values)

describe('parseTerm', () => {
  it('reads atoms', () => {
    expectTerm('ok', atom('ok'))
    expectTerm('a@B_9', atom('a@B_9'))
    expectTerm('ünï', atom('ünï'))
    expectTerm("''", atom(''))
    expectTerm("'Hello, wörld'", atom('Hello, wörld'))
    expectTerm("'日本'", atom('日本'))
    expectTerm("'end'", atom('end'))
    expectTerm(`'${'a'.repeat(255)}'`, atom('a'.repeat(255)))
    expectTerm(`'${'😀'.repeat(255)}'`, atom('😀'.repeat(255)))
  })

  it('reads maybe and else, which releases before OTP 27 print without quotes', () => {
    expectTerm('{maybe, else}', tuple(atom('maybe'), atom('else')))
  })

  it('reads every escape sequence', () => {
    expectTerm(
      String.raw`"\b\d\e\f\n\r\s\t\v\"\'\\\q"`,
      [8, 127, 27, 12, 10, 13, 32, 9, 11, 34, 39, 92, 113],
    )
    expectTerm(String.raw`"\0\12\101\777\1019"`, [0, 10, 65, 511, 65, 57])
    expectTerm(String.raw`"\x41\xe9\x{1F600}\x{41}B"`, [65, 233, 0x1f600, 65, 66])
    expectTerm(String.raw`"\^A\^a\^@\^[\^_\^?"`, [1, 1, 0, 27, 31, 127])
    expectTerm('"\\\nx"', [10, 120])
    expectTerm(String.raw`'\x{65E5}\''`, atom("日'"))
  })

  it('reads integers of any size and base', () => {
    expectTerm('0', 0)
    expectTerm('-0', 0)
    expect(Object.is(parseTerm('-0'), 0)).toBe(true)
    expectTerm('- 17', -17)
    expectTerm('+17', 17)
    expectTerm('1_000_000', 1_000_000)
    expectTerm('16#FF', 255)
    expectTerm('-16#f_f', -255)
    expectTerm('2#1010', 10)
    expectTerm('36#Zz', 35 * 36 + 35)
    expectTerm('9007199254740991', Number.MAX_SAFE_INTEGER)
    expectTerm('9007199254740992', 2n ** 53n)
    expectTerm('-9007199254740993', -(2n ** 53n) - 1n)
    expectTerm('00000000000000000000000000000017', 17)
    expectTerm(`16#${'f'.repeat(100)}`, 16n ** 100n - 1n)
    expectTerm(`${'123456789_'.repeat(40)}0`, BigInt(`${'123456789'.repeat(40)}0`))
    fc.assert(
      fc.property(fc.bigInt(), fc.integer({ min: 2, max: 36 }), (value, base) => {
        const magnitude = value < 0n ? -value : value
        const text = `${value < 0n ? '-' : ''}${base}#${magnitude.toString(base)}`
        expect(BigInt(Number(value)) === value || typeof parseTerm(text) === 'bigint').toBe(true)
        expect(String(parseTerm(text))).toBe(String(value))
      }),
    )
  })

  it('reads characters', () => {
    expectTerm('$a', 97)
    expectTerm('$ ', 32)
    expectTerm('$日', 0x65e5)
    expectTerm('$😀', 0x1f600)
    expectTerm(String.raw`[$\n, $\s, $\x{41}, $\\, $', -$a]`, [10, 32, 65, 92, 39, -97])
  })

  it('reads floats', () => {
    expectTerm('1.0', new Float(1))
    expectTerm('-0.0', new Float(-0))
    expectTerm('1.0e-5', new Float(1e-5))
    expectTerm('1.5E+10', new Float(1.5e10))
    expectTerm('1_000.5_0e1_0', new Float(1000.5e10))
    expectTerm('1.7976931348623157e308', new Float(Number.MAX_VALUE))
    expectTerm('5.0e-324', new Float(5e-324))
  })

  it('reads strings as lists of code points, and joins neighbours', () => {
    expectTerm('""', [])
    expectTerm('"abc"', [97, 98, 99])
    expectTerm('"é日😀"', [233, 0x65e5, 0x1f600])
    expectTerm('"ab" "cd"\n  %comment\n"ef"', string('abcdef'))
    expectTerm('"line\nbreak"', string('line\nbreak'))
  })

  it('reads tuples, lists and maps', () => {
    expectTerm('{}', tuple())
    expectTerm('{a, {b}, []}', tuple(atom('a'), tuple(atom('b')), []))
    expectTerm('[ ]', [])
    expectTerm('[1,[2,[3]]]', [1, [2, [3]]])
    expectTerm('#{ }', map([]))
    expectTerm(
      '#{a => 1, "b" => #{1 => 2, 1.0 => 3}, #{} => []}',
      map([
        [atom('a'), 1],
        [
          string('b'),
          map([
            [1, 2],
            [float(1), 3],
          ]),
        ],
        [map([]), []],
      ]),
    )
  })

  it('reads lists with a tail', () => {
    expectTerm('[a|b]', new ImproperList([atom('a')], atom('b')))
    expectTerm('[1,2|{}]', new ImproperList([1, 2], tuple()))
    expectTerm('[1|[]]', [1])
    expectTerm('[1|[2,3]]', [1, 2, 3])
    expectTerm('[1|[2|[3|4]]]', new ImproperList([1, 2, 3], 4))
    expectTerm('[1|[[]|2]]', new ImproperList([1, []], 2))
    expectTerm('[1|"bc"]', [1, 98, 99])
    expectTerm('[1|[2|"" ""]]', [1, 2])
  })

  it('reads binaries', () => {
    expectTerm('<<>>', bytes())
    expectTerm('<<1,2,255>>', bytes(1, 2, 255))
    expectTerm('<<"abc">>', binary('abc'))
    expectTerm('<<"abc", 0, $d, "e" "f">>', bytes(97, 98, 99, 0, 100, 101, 102))
    expectTerm('<<"é">>', bytes(0xe9))
    expectTerm('<<"é日😀"/utf8>>', binary('é日😀'))
    expectTerm('<<16#1F600/utf8, "x"/utf8>>', binary('😀x'))
    expectTerm('<<"é"/utf16>>', bytes(0, 0xe9))
    expectTerm('<<"😀"/utf16-little>>', bytes(0x3d, 0xd8, 0x00, 0xde))
    expectTerm('<<"a"/utf32>>', bytes(0, 0, 0, 97))
    expectTerm('<<-1, 300>>', bytes(255, 44))
    expectTerm('<<1:16, 1:16/little>>', bytes(0, 1, 1, 0))
    expectTerm('<<1:2/unit:8>>', bytes(0, 1))
    expectTerm('<<1:8/signed-big-integer-unit:1>>', bytes(1))
    expectTerm('<<"ab":16>>', bytes(0, 97, 0, 98))
    expectTerm('<<1:0>>', bytes())
    expectTerm('<<1.5/float>>', bytes(0x3f, 0xf8, 0, 0, 0, 0, 0, 0))
    expectTerm(
      '<<-1.5:32/float-little, 5:64/float>>',
      bytes(0, 0, 0xc0, 0xbf, 64, 20, 0, 0, 0, 0, 0, 0),
    )
    expectTerm('<<-0.0/float>>', bytes(0x80, 0, 0, 0, 0, 0, 0, 0))
    expectTerm('<<16#123456789abcdef01:72>>', bytes(1, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 1))
  })

  it('reads bitstrings', () => {
    expectTerm('<<5:3>>', bits(0b1010_0000, 3))
    expectTerm('<<1,5:3>>', new BitString(bytes(1, 0b1010_0000), 3))
    expectTerm('<<5:3,1:7/little>>', new BitString(bytes(0b1010_0000, 0b0100_0000), 2))
    expectTerm('<<1:1, 255, 0:7>>', bytes(0xff, 0x80))
    // Erlang puts the short byte last: <<16#BC, 16#A:4>>.
    expectTerm('<<16#abc:12/little>>', new BitString(bytes(0xbc, 0xa0), 4))
    expectTerm('<<16#abc:12>>', new BitString(bytes(0xab, 0xc0), 4))
  })

  it('reads a sigil without a name as a binary in UTF-8', () => {
    expectTerm('~"é\\n"', binary('é\n'))
  })

  it('reads fun module:function/arity', () => {
    expectTerm('fun lists:map/2', new ExportFun(atom('lists'), atom('map'), 2))
    expectTerm("fun 'A b' : 'end' / 255", new ExportFun(atom('A b'), atom('end'), 255))
  })

  it('reads native records, whose text does not tell whether they are exported', () => {
    expectTerm('#m:n{}', new NativeRecord(atom('m'), atom('n'), false, []))
    expectTerm(
      "#'M x':'end'{a = {1}, 'B' = [2]}",
      new NativeRecord(atom('M x'), atom('end'), false, [
        [atom('a'), tuple(1)],
        [atom('B'), [2]],
      ]),
    )
  })

  it('reads the identifiers of the node that is given', () => {
    const node = { name: 'a@10.0.0.1', creation: 7 }
    const name = atom(node.name)
    expectTerm('<0.83.1>', new Pid(name, 83, 1, 7), { node })
    expectTerm("<'a@10.0.0.1'.83.1>", new Pid(name, 83, 1, 7), { node })
    expectTerm('#Port<0.6>', new Port(name, 6, 7), { node })
    expectTerm('#Port<0.18446744073709551615>', new Port(name, 2n ** 64n - 1n, 7), { node })
    // The last word is printed first.
    expectTerm('#Ref<0.3.2.1>', new Reference(name, 7, [1, 2, 3]), { node })
    expectTerm('[<0.1.0>]', [new Pid(atom('b@h'), 1, 0, 1)], { node: { name: 'b@h', creation: 1 } })
    expectTerm('<b@h.1.0>', new Pid(atom('b@h'), 1, 0, 1), { node: { name: 'b@h', creation: 1 } })
  })

  it.each([
    ['<0.83.0>', undefined, 'without the node it belongs to'],
    ['#Ref<0.1.2.3>', undefined, 'without the node it belongs to'],
    ['#Port<0.6>', undefined, 'without the node it belongs to'],
    ['<10871.83.0>', { name: 'a@b', creation: 1 }, 'belongs to another node'],
    ['<c@d.83.0>', { name: 'a@b', creation: 1 }, 'does not belong to a@b'],
    ['#Fun<erl_eval.43.123>', { name: 'a@b', creation: 1 }, '#Fun<...> cannot be read back'],
    ['#Local<17>', { name: 'a@b', creation: 1 }, '#Local<...> cannot be read back'],
  ])('says why %s cannot be read back', (text, node, message) => {
    const error = failureOf(() => parseTerm(`{a,${text}}`, node && { node }))
    expect(error).toBeInstanceOf(UnreadableTermError)
    expect(error.code).toBe('ERR_TERM_UNREADABLE')
    expect(error.message).toContain(message)
    expect(error.column).toBe(4)
  })

  it('takes blanks and comments anywhere, and a full stop at the end', () => {
    const text = '%% -*- coding -*-\n\r\n\t{ a % one\n , [ 1 | % two\n [ ] ] }\u00a0. % three'
    expectTerm(text, tuple(atom('a'), [1]))
    expectTerm('a.', atom('a'))
    expectTerm('1.', 1)
    expectTerm('1.%', 1)
    expectTerm('16#FF.\n', 255)
    expectTerm('1.0.', new Float(1))
  })

  it.each([
    ['', 'expected a term, but the text ends', 1],
    [' % nothing', 'expected a term, but the text ends', 1],
    ['.', 'expected a term, but found .', 1],
    ['a b', 'expected the end of the text, but found b', 3],
    ['a. b', 'something follows the full stop', 4],
    ['a..', 'a full stop stands within the term', 2],
    ['{a b}', "expected ',' or '}' of the tuple from line 1, column 1, but found b", 4],
    ['{a,}', 'expected a term, but found }', 4],
    ['{a]', 'but found ]', 3],
    ['[a,b', "expected ',', '|' or ']' of the list from line 1, column 1, but the text ends", 5],
    ['[|a]', 'expected a term, but found |', 2],
    ['[a|b|c]', "expected ']' of the list", 5],
    ['[a|b,c]', "expected ']' of the list", 5],
    ['[a|[]|b]', "expected ']' of the list", 6],
    ['[1|[2|3]', "expected ']' of the list", 9],
    ['[1,2|...]', 'shortened', 6],
    ['#{a}', "expected '=>' of the map", 4],
    ['#{a := 1}', "expected '=>' of the map from line 1, column 1, but found :", 5],
    ['#{a => 1, a => 2}', 'the map has a key twice', 1],
    ['#{1.0 => 1, 1 => 2, 1.0 => 3}', 'the map has a key twice', 1],
    ['#a{b = 1}', 'the fields of a record are not known here', 2],
    ['#a:b{c = 1, c = 2}', 'the record has a field twice', 13],
    ['#a:b{C = 1}', 'variables cannot be used here', 6],
    ['#a:b{c 1}', "expected '='", 8],
    ['Foo', 'variables cannot be used here', 1],
    ['{ok, _}', 'variables cannot be used here', 6],
    ['end', 'end is a reserved word', 1],
    ['1 + 2', 'expressions and calls are not evaluated here', 3],
    ['{1 div 2}', 'expressions and calls are not evaluated here', 4],
    ['self()', 'expressions and calls are not evaluated here', 5],
    ['[lists:seq(1, 2)]', 'expressions and calls are not evaluated here', 7],
    ['"a" ++ "b"', 'expressions and calls are not evaluated here', 5],
    ['- a', 'expected a number', 3],
    ['--1', 'expected a term, but found --', 1],
    ['+ -1', 'expected a number', 3],
    ['fun(X) -> X end', 'of the funs only fun module:function/arity is read here', 1],
    ['fun foo/1', 'of the funs only fun module:function/arity is read here', 1],
    ['fun a:b/256', 'of the funs only fun module:function/arity is read here', 1],
    ["'abc", 'the quoted atom that begins here has no end', 1],
    ['{"abc', 'the string that begins here has no end', 2],
    ['"abc\\', 'the text ends within an escape sequence', 5],
    ['"\\x{110000}"', 'the escape sequence stands for no character', 2],
    ['"\\x{D800}"', 'the escape sequence stands for no character', 2],
    ['"\\x{}"', '\\x goes before', 2],
    ['"\\x{41"', '\\x goes before', 2],
    ['"\\xg1"', '\\x goes before', 2],
    ['"\\^1"', '\\^ goes before', 2],
    ['$', '$ goes before a character', 1],
    ['"\ud800"', 'half a surrogate pair is no character', 1],
    ['"""\nabc\n"""', 'triple-quoted strings are not read here', 1],
    ['~s"abc"', 'of the sigils only ~"..." is read here', 1],
    ['1e5', 'a float has a decimal point: 1.0e5', 2],
    ['1.0e', 'the exponent is missing', 5],
    ['1.0e400', 'the float is out of range', 1],
    ['1.5x', 'a letter follows a number', 4],
    ['12abc', 'a letter follows a number', 3],
    ['1__0', 'a letter follows a number', 2],
    ['1_', 'a letter follows a number', 2],
    ['37#1', 'a base is one of 2 to 36', 1],
    ['1#0', 'a base is one of 2 to 36', 1],
    ['16#', 'a digit of base 16 is missing', 4],
    ['8#78', 'this is no digit of base 8', 4],
    ['16#1.8#e1', 'floats are read in base 10 only', 1],
    ['日本', 'an atom with 日 in it is written in quotes', 1],
    ['a日', 'an atom with 日 in it is written in quotes', 2],
    ['\u2028', '\\x{2028} cannot stand here', 1],
    ['😀', '😀 cannot stand here', 1],
    ['<0.1>', 'this is not how a pid is printed', 1],
    ['<0.1.2.3>', 'this is not how a pid is printed', 1],
    ['<0.4294967296.0>', 'this is not how a pid is printed', 1],
    ['<0.1.x>', 'a number is missing', 6],
    ['#Ref<0.1.2.3.4.5.6>', 'this is not how a reference is printed', 1],
    ['#Ref<0>', 'this is not how a reference is printed', 1],
    ['#Port<0.99999999999999999999>', 'this is not how a port is printed', 1],
    ['<<1', "expected ',' or '>>' of the binary from line 1, column 1, but the text ends", 4],
    ['<<a>>', 'expected an integer, a float or a string, but found a', 3],
    ['<<-"a">>', 'expected an integer, a float or a string', 4],
    ['<<<<1>>/binary>>', 'expected an integer, a float or a string', 3],
    ['<<1:X>>', 'variables cannot be used here', 5],
    ['<<1:"a">>', 'expected a size', 5],
    ['<<1/bogus>>', 'expected integer, float, utf8', 5],
    ['<<1/binary>>', 'expected integer, float, utf8', 5],
    ['<<1/native>>', 'expected integer, float, utf8', 5],
    ['<<1/big-little>>', 'the endianness is given twice', 9],
    ['<<1/unit:8>>', 'a unit goes with a size', 3],
    ['<<1:8/unit:257>>', 'a unit is one of 1 to 256', 12],
    ['<<1:8/utf8>>', 'the size of utf8 cannot be chosen', 3],
    ['<<16#D800/utf8>>', 'the number stands for no character', 3],
    ['<<-1/utf8>>', 'the number stands for no character', 3],
    ['<<1.5>>', 'a float in a binary has its type behind it', 3],
    ['<<1.5:16/float>>', 'floats of 32 and of 64 bits are read here', 3],
    ['<<"日">>', 'a character of the string does not fit in a byte', 3],
  ])('rejects %s', (text, message, column) => {
    expectSyntaxError(text, message, column)
  })

  it('rejects atoms of more than 255 characters', () => {
    for (const name of ['a'.repeat(256), `'${'é'.repeat(256)}'`, `'${'\\n'.repeat(256)}'`]) {
      expect(failureOf(() => parseTerm(name))).toBeInstanceOf(ParseLimitError)
    }
  })
})

describe('a parse error', () => {
  it('tells the place by line, column and offset, and shows it', () => {
    const error = failureOf(() => parseTerm("{ok,\r\n  [1,\r\n   '😀é', Foo]}."))
    expect(error).toMatchObject({
      code: 'ERR_TERM_SYNTAX',
      name: 'TermSyntaxError',
      line: 3,
      column: 10,
      offset: 23,
      excerpt: "   '😀é', Foo]}.\n          ^",
    })
    expect(error.message).toBe('variables cannot be used here, at line 3, column 10')
    expect(error.hint).toContain("the atom Foo is written 'Foo'")
  })

  it('has a hint that can be printed, however the text goes on', () => {
    const steering = failureOf(() => parseTerm("#'\\e[31m\\n'{a = 1}"))
    expect(steering.hint).toContain('the tuple that the record is')
    expect(steering.hint).not.toMatch(/\p{Cc}/u)
    const long = failureOf(() => parseTerm(`#${'r'.repeat(255)}{a = 1}`))
    expect(long.hint?.length).toBeLessThan(100)
  })

  it('shows where the text breaks off, not the empty lines behind', () => {
    const error = failureOf(() => parseTerm('[1,\n 2 % two\n\n\n'))
    expect(error).toMatchObject({ line: 2, column: 3, excerpt: ' 2 % two\n  ^' })
  })

  it.each([
    ['at the start', 0, /^\?x+\.\.\.\n\^$/],
    ['in the middle', 5_000, /^\.\.\.x{47}\?x+\.\.\.\n {50}\^$/],
    ['at the end', 9_999, /^\.\.\.x+\?\n {75}\^$/],
  ])('shows 76 columns of a long line %s', (_, offset, pattern) => {
    const line = Array.from({ length: 10_000 }, (_, i) => (i === offset ? '?' : 'x')).join('')
    const error = new TermSyntaxError('test', `first\n${line}\nlast`, 6 + offset)
    const [shown = '', caret = ''] = error.excerpt.split('\n')
    expect(error.excerpt).toMatch(pattern)
    expect(shown).toHaveLength(76)
    expect(shown[caret.length - 1]).toBe('?')
  })

  it('writes control characters as their numbers', () => {
    const error = failureOf(() => parseTerm('\x1b[31m\t"\x07\u202e\x9b", x y'))
    expect(error.excerpt).not.toMatch(/[^\P{Cc}\n]|[\p{Cf}]/u)
    const other = failureOf(() => parseTerm('{"\x1b]0;title\x07\u202e\x9b"\t, \x1b]}'))
    expect(other.excerpt).toBe(
      '{"\\x{1B}]0;title\\x{7}\\x{202E}\\x{9B}" , \\x{1B}]}\n' +
        '                                             ^',
    )
    expect(failureOf(() => parseTerm("{'a' 'b\x1b[0m'}")).message).not.toContain('\x1b')
  })

  it('does not take the whole of a long text for its excerpt', () => {
    const text = `[${'\x1b'.repeat(1_000_000)}?`
    expect(failureOf(() => parseTerm(text)).excerpt.length).toBeLessThan(200)
  })
})

describe('parseCall', () => {
  it('reads module, function and arguments', () => {
    expect(parseCall('erlang:system_info(otp_release)')).toEqual({
      module: 'erlang',
      function: 'system_info',
      arguments: [atom('otp_release')],
    })
    expect(parseCall('lists:seq(1, 10).')).toEqual({
      module: 'lists',
      function: 'seq',
      arguments: [1, 10],
    })
    expect(parseCall('erlang:node()')).toEqual({
      module: 'erlang',
      function: 'node',
      arguments: [],
    })
    expect(parseCall(" 'Elixir.Enum' : 'at!' ( [a|b] , {} ) . % done")).toEqual({
      module: 'Elixir.Enum',
      function: 'at!',
      arguments: [new ImproperList([atom('a')], atom('b')), tuple()],
    })
  })

  it('reads pids among the arguments when it is given their node', () => {
    const call = parseCall('erlang:process_info(<0.1.0>)', { node: { name: 'a@b', creation: 2 } })
    expect(call.arguments).toEqual([new Pid(new Atom('a@b'), 1, 0, 2)])
  })

  it.each([
    ['', 'expected a module, but the text ends', 1],
    ['node()', "expected ':', but found (", 5],
    ['erlang:node', "expected '(', but the text ends", 12],
    ['erlang:node(', 'expected a term, but the text ends', 13],
    ['erlang:node(a', "expected ',' or ')' of the list of arguments from line 1, column 12", 14],
    ['erlang:node(a]', "expected ',' or ')'", 14],
    ['erlang:node(,)', 'expected a term, but found ,', 13],
    ['erlang:node() + 1', 'expressions and calls are not evaluated here', 15],
    ['erlang:node(). x', 'something follows the full stop', 16],
    ['erlang:Node()', 'variables cannot be used here', 8],
    ['Mod:node()', 'variables cannot be used here', 1],
    ['erlang:spawn(fun() -> ok end)', 'of the funs only', 14],
    ['erlang:length(lists:seq(1, 2))', 'expressions and calls are not evaluated here', 20],
    ['erlang:length(Xs)', 'variables cannot be used here', 15],
    ['{a, b}', 'expected a module, but found {', 1],
    ['erlang:end()', 'end is a reserved word', 8],
  ])('rejects %s', (text, message, column) => {
    const error = failureOf(() => parseCall(text))
    expect(error).toBeInstanceOf(TermSyntaxError)
    expect(error.message).toContain(message)
    expect(error.column, error.message).toBe(column)
  })
})

describe('the snapshots of real nodes', () => {
  const folder = new URL('../fixtures/golden/', import.meta.url)
  const names = readdirSync(folder)

  it.each(names)('read the same from text as from bytes: %s', (name) => {
    const text = readFileSync(new URL(`${name}/snapshot.terms`, folder), 'utf8')
    const term = decode(readFileSync(new URL(`${name}/snapshot.etf`, folder)))
    expect(equals(parseTerm(text), term)).toBe(true)
    for (const layout of ['line', 'pretty'] as const) {
      expect(equals(parseTerm(formatTerm(term, { layout })), term)).toBe(true)
    }
  })

  it.each(names)('are read from the file that recon saves: %s', (name) => {
    const text = readFileSync(new URL(`${name}/recon_snapshot.terms`, folder), 'utf8')
    const term = parseTerm(text)
    expect(equals(parseTerm(formatTerm(term)), term)).toBe(true)
  })

  it('are read fast: 2 MB within a second', () => {
    const text = readFileSync(new URL(`${names[0]}/snapshot.terms`, folder), 'utf8')
    const one = text.replace(/\.\s*$/, '')
    const many = `[${Array.from({ length: Math.ceil(2e6 / one.length) }, () => one).join(',')}].`
    parseTerm(many)
    // The processor's time, for other processes must not count.
    const started = process.cpuUsage()
    parseTerm(many)
    expect(process.cpuUsage(started).user).toBeLessThan(1_000_000)
  })
})

describe('hostile text', () => {
  const syntaxOrLimit = (error: ParseError): boolean =>
    error instanceof TermSyntaxError || error instanceof ParseLimitError

  it.each(['[', '{', '#{', '#{1 => ', '#a:b{c = ', '[1|{', '{[', '[#{'])(
    'stops at 10,000 levels of %s',
    (open) => {
      const error = failureOf(() => parseTerm(open.repeat(100_000)))
      expect(error).toBeInstanceOf(ParseLimitError)
      expect(error).toMatchObject({ code: 'ERR_TERM_TEXT_LIMIT', limit: 10_000 })
    },
  )

  it('reads 100,000 levels when that is allowed', () => {
    const depth = 100_000
    const options = { maxDepth: depth }
    const list = parseTerm(`${'['.repeat(depth)}${']'.repeat(depth)}`, options)
    expect(formatTerm(list)).toBe(`${'['.repeat(depth)}${']'.repeat(depth)}`)
    expect(parseTerm(`${'{'.repeat(depth)}${'}'.repeat(depth)}`, options)).toMatchObject({
      type: 'tuple',
    })
    // Without end: the error is made at that depth too.
    expect(failureOf(() => parseTerm('['.repeat(depth), options))).toBeInstanceOf(TermSyntaxError)
  })

  it('does not count a list that goes on in its tail as deeper', () => {
    const long = parseTerm(`${'[1|'.repeat(200_000)}2${']'.repeat(200_000)}`)
    expect(long).toBeInstanceOf(ImproperList)
  })

  it('limits integers, and reads the largest in reasonable time', () => {
    const started = performance.now()
    for (const text of ['9'.repeat(10_000_000), `36#${'z'.repeat(10_000_000)}`]) {
      expect(failureOf(() => parseTerm(text))).toBeInstanceOf(ParseLimitError)
    }
    expect(parseTerm(`16#${'f'.repeat(1_000_000)}`)).toBe((1n << 4_000_000n) - 1n)
    expect(typeof parseTerm('7'.repeat(100_000))).toBe('bigint')
    expect(performance.now() - started).toBeLessThan(10_000)
  })

  it('limits binaries that are longer than their text', () => {
    for (const text of [
      '<<0:100000000000>>',
      `<<0:${'9'.repeat(400)}/unit:256>>`,
      `[${'<<0:8000000>>,'.repeat(20)}0]`,
      `<<"${'a'.repeat(10_000)}":100000>>`,
      `<<1:1, "${'a'.repeat(10_000)}":100000/little>>`,
    ]) {
      expect(
        failureOf(() => parseTerm(text)),
        text.slice(0, 40),
      ).toBeInstanceOf(ParseLimitError)
    }
    expect(parseTerm('<<1:8000000>>')).toHaveLength(1_000_000)
  })

  it.each([
    ['quotes without end', `["${'a'.repeat(5_000_000)}`],
    ['blanks', `[${' '.repeat(5_000_000)}`],
    ['comments', `[${'%\n'.repeat(2_000_000)}`],
    ['digits with underscores', `[${'1_'.repeat(1_000_000)}`],
    ['strings side by side', `[${'"" '.repeat(1_000_000)}`],
    ['hexadecimal digits', `["\\x{${'f'.repeat(5_000_000)}`],
    ['names', `[${'a'.repeat(5_000_000)}`],
    ['numbers in a pid', `[<${'1'.repeat(5_000_000)}`],
    ['segments', `<<${'1,'.repeat(1_000_000)}`],
    ['signs', `[${'-'.repeat(5_000_000)}`],
  ])('takes linear time for %s', (_, text) => {
    const started = performance.now()
    expect(syntaxOrLimit(failureOf(() => parseTerm(text)))).toBe(true)
    expect(performance.now() - started).toBeLessThan(5_000)
  })

  it('throws nothing but its own errors for text that was tampered with', () => {
    const pieces = fc.constantFrom(
      ...'[]{}()<>|,.:;#=+-*/\'"\\$~%&?!^@_ \n\t\0\x1b09azAZéß日😀\ud800',
      ...['<<', '>>', '=>', '#{', '16#', '1.0e', '"""', '#Ref<', '#Fun<', '<0.', 'fun ', '\\x{'],
    )
    const edits = fc.array(fc.tuple(fc.nat(), fc.nat({ max: 3 }), fc.oneof(pieces, fc.string())), {
      minLength: 1,
      maxLength: 5,
    })
    const tampered = fc.tuple(arbitraryTerm(), edits).map(([term, changes]) => {
      let text = formatTerm(term)
      for (const [place, removed, inserted] of changes) {
        const at = place % (text.length + 1)
        text = text.slice(0, at) + inserted + text.slice(at + removed)
      }
      return text
    })
    const node = { name: 'a@localhost', creation: 1 }
    const property = fc.property(tampered, (text) => {
      for (const parse of [
        () => parseTerm(text),
        () => parseTerm(text, { node }),
        () => parseCall(`m:f(${text})`),
      ]) {
        try {
          parse()
        } catch (error) {
          if (!(error instanceof ParseError)) throw error
          expect(error.excerpt).not.toMatch(/[^\P{Cc}\n]/u)
          expect(error.excerpt.split('\n')).toHaveLength(2)
        }
      }
    })
    fc.assert(property, { numRuns: 2_000 })
  })

  it('throws nothing but its own errors for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        try {
          parseTerm(text)
        } catch (error) {
          if (!(error instanceof ParseError)) throw error
        }
      }),
      { numRuns: 2_000 },
    )
  })
})
