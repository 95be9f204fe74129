/**
 * Erlang text by chance: what is printed, what is typed, and what is nearly so.
 *
 * @see https://www.erlang.org/doc/system/reference_manual.html
 */
import type { ByteWriter } from './byte-writer.ts'

const ATOMS: readonly string[] = [
  'a',
  'ok',
  'é',
  'maybe',
  'else',
  'begin',
  'fun',
  'node@host',
  "'quoted atom'",
  "'\\x{1F600}'",
  "'\\n\\e\\^A\\777'",
  "''",
  "'it\\'s'",
  '__proto__',
  "'a",
  'Variable',
  '_',
]

const NUMBERS: readonly string[] = [
  '0',
  '1',
  '-1',
  '- 1',
  '+1',
  '1_000',
  '1__0',
  '1_',
  '16#ff',
  '36#Zz',
  '37#1',
  '1#0',
  '2#102',
  '9007199254740993',
  `1${'0'.repeat(400)}`,
  '1.0',
  '1.5e300',
  '1.5e999',
  '1.',
  '.5',
  '1e5',
  '16#1.8#e2',
  '1.0e-400',
  '$a',
  '$\\n',
  '$',
  '$ ',
  '$\\x{110000}',
  '$\\^@',
]

const STRINGS: readonly string[] = [
  '""',
  '"abc"',
  '"a" "b"',
  '"\\x{D800}"',
  '"\\',
  '"é日\\s"',
  '"""\n  text\n  """',
  '"""\n a\nb\n"""',
  '"""',
  '~"text"',
  '~b"x"',
  '~s(x)',
  '~S[a]b]',
  '~x',
  '"\u0000"',
  '"\u202e"',
]

const BINARIES: readonly string[] = [
  '<<>>',
  '<<"abc">>',
  '<<1,2,3>>',
  '<<1:1>>',
  '<<1:4,2:4>>',
  '<<"é"/utf8>>',
  '<<1.5:32/float>>',
  '<<1:16/little>>',
  '<<-1:64/signed-unit:1>>',
  '<<1/unit:256>>',
  '<<(<<1>>)/binary>>',
  '<<1:99999999999>>',
  '<<0:8000>>',
  '<<"a":16>>',
  '<<1/utf16-little>>',
  '<<16#110000/utf8>>',
  '<<1',
  '<<1:0>>',
  '<<1.5:16/float>>',
]

/** Short in text, large in memory: at the limit, over it, and many at once. */
const WIDE: readonly string[] = [
  '<<0:134217728>>',
  '<<0:134217800>>',
  '<<0:800000000>>',
  '[<<0:67108864>>,<<0:67108864>>,<<0:67108864>>]',
]

const IDENTIFIERS: readonly string[] = [
  '<0.83.0>',
  '<x@localhost.1.2>',
  '<1.2>',
  '<0.99999999999.0>',
  '#Port<0.5>',
  '#Ref<0.1.2.3>',
  '#Ref<0.1>',
  '#Ref<0.1.2.3.4.5.6>',
  '#Fun<m.1.2>',
  '#Fun<',
  'fun lists:map/2',
  'fun a:b/256',
  'fun',
  '#Port<x@localhost.5>',
]

const COMMENTS: readonly string[] = [' ', '\n', '% comment\n', '\t', '%', '\r\n', '\u00a0', '']

const ENDS: readonly string[] = [
  '',
  '',
  '',
  '.',
  '.\n',
  ' . ',
  ',',
  ')',
  '..',
  '. 1',
  ']',
  '>>',
  '}',
]

export function writeText(out: ByteWriter, budget: number): void {
  writeTermText(out, budget)
  out.text(out.random.pick(ENDS))
}

export function writeCallText(out: ByteWriter, budget: number): void {
  const { random } = out
  out.text(random.pick(ATOMS))
  out.text(random.oneIn(10) ? random.pick(['', '::', '/', ' : ']) : ':')
  out.text(random.pick(ATOMS))
  out.text(random.oneIn(10) ? random.pick(['', '((', '[']) : '(')
  writeTermTexts(out, random.small(4), budget)
  out.text(random.oneIn(10) ? random.pick(['', '))', ']']) : ')')
  out.text(random.pick(ENDS))
}

/** The same over and over: nested, side by side, or in one long token. */
export function writeLongText(out: ByteWriter): void {
  const { random } = out
  const times = 100 + random.small(8000)
  switch (random.below(6)) {
    case 0: {
      const [open, close] = random.pick([
        ['[', ']'],
        ['{', '}'],
        ['#{a=>', '}'],
        ['[a|', ']'],
        ['<<', '>>'],
        ['(', ')'],
      ])
      out.text(
        `${(open ?? '').repeat(times)}a${(close ?? '').repeat(random.oneIn(2) ? times : random.below(times))}`,
      )
      break
    }
    case 1:
      out.text(
        random
          .pick([
            '1',
            '9',
            '1_',
            '"',
            "'",
            '\\',
            '$',
            '%',
            '-',
            '~',
            '#',
            '<',
            '"a"',
            '\n',
            '.',
            '\\x{',
          ])
          .repeat(times),
      )
      break
    case 2:
      out.text(
        `"${random.pick(['a', '\\n', 'é', '\\x{41}', '\n']).repeat(times)}${random.oneIn(4) ? '' : '"'}`,
      )
      break
    case 3:
      out.text(`[${`${random.pick([...ATOMS, ...NUMBERS, ...STRINGS])},`.repeat(times)}1]`)
      break
    case 4:
      out.text(`#{${Array.from({ length: times }, (_, index) => `${index}=>a`).join()}}`)
      break
    default:
      out.text(`<<${'0:800,'.repeat(times)}1>>`)
  }
}

function writeTermText(out: ByteWriter, budget: number): void {
  const { random } = out
  if (random.oneIn(12)) out.text(random.pick(COMMENTS))
  if (random.oneIn(20_000)) out.text(random.pick(WIDE))
  const compound = budget > 0 ? random.below(10) : 0
  switch (compound) {
    case 5:
      wrap(out, '{', '}', budget)
      break
    case 6:
    case 7:
      wrap(out, '[', random.oneIn(6) ? '|[]]' : ']', budget)
      break
    case 8:
      out.text('#{')
      for (let left = random.small(4); left > 0; left--) {
        writeTermText(out, budget - 1)
        out.text(random.oneIn(12) ? ':=' : ' => ')
        writeTermText(out, budget - 1)
        if (left > 1) out.text(',')
      }
      out.text('}')
      break
    case 9:
      out.text(`#${random.pick(ATOMS)}:${random.pick(ATOMS)}{`)
      out.text(random.pick(['', 'x = 1', 'x = 1, y = {}', 'x = 1, x = 2', 'x']))
      out.text('}')
      break
    default:
      out.text(
        random.pick(random.pick([ATOMS, ATOMS, NUMBERS, NUMBERS, STRINGS, BINARIES, IDENTIFIERS])),
      )
  }
  if (random.oneIn(20)) out.text(random.pick(COMMENTS))
}

function wrap(out: ByteWriter, open: string, close: string, budget: number): void {
  out.text(open)
  writeTermTexts(out, out.random.small(5), budget)
  out.text(out.random.oneIn(40) ? out.random.pick(ENDS) : close)
}

function writeTermTexts(out: ByteWriter, count: number, budget: number): void {
  for (let left = count; left > 0; left--) {
    writeTermText(out, budget - 1)
    if (left > 1) out.text(out.random.oneIn(30) ? out.random.pick(ENDS) : ',')
  }
}
