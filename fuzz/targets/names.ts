/**
 * Names of nodes, lists of them that people write, and patterns.
 *
 * @see https://www.erlang.org/doc/system/distributed.html#nodes
 */
import { NodeListError } from '../../src/cluster/discovery-errors.ts'
import { parseNodeList } from '../../src/cluster/node-list.ts'
import { fitsPattern } from '../../src/cluster/node-pattern.ts'
import { InvalidNodeNameError, parseNodeName, quoteForeignText } from '../../src/dist/node-name.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { attempt, check, checkPrintable, once, type Target, type Verdict } from '../target.ts'

const PARTS = [
  'rabbit',
  'a',
  '@',
  '@',
  'host',
  '.',
  '-',
  '_',
  '1',
  '::1',
  'é',
  'ü@',
  '\u0000',
  '\u001b[2J',
  ' ',
  '\u202e',
  '*',
  '日',
  '\u00a0',
  "'",
]

function writeName(out: ByteWriter): void {
  const { random } = out
  if (random.oneIn(3)) out.text('rabbit@host')
  else
    for (let left = random.oneIn(50) ? 300 : random.small(8); left > 0; left--)
      out.text(random.pick(PARTS))
}

export const nodeNameTarget: Target = {
  name: 'node-name',
  title: 'names of nodes',
  seeds: once(() =>
    ['rabbit@host', 'rabbit@host.example.com', 'a@::1', 'é@host'].map((it) => Buffer.from(it)),
  ),
  generate: writeName,
  run(input): Verdict {
    const text = Buffer.from(input).toString()
    checkPrintable('a quoted text', quoteForeignText(text))
    const name = attempt([InvalidNodeNameError], () => parseNodeName(text))
    if (name === undefined) return 'refused'
    check(
      `${name.alive}@${name.host}` === text && name.full === text,
      'a name is not the sum of its parts',
    )
    checkPrintable('a name', name.full)
    return 'accepted'
  },
}

export const nodeListTarget: Target = {
  name: 'node-list',
  title: 'lists of names of nodes, one a line',
  seeds: once(() => [
    Buffer.from('# all\nrabbit@a\n\nrabbit@b\r\n'),
    Buffer.from('\ufeffrabbit@a'),
  ]),
  generate(out) {
    const { random } = out
    const isLong = random.oneIn(500)
    for (let left = isLong ? 5000 : random.small(8); left > 0; left--) {
      if (isLong) out.text(random.oneIn(2) ? 'a@b' : '')
      else if (random.oneIn(3))
        out.text(random.pick(['# ', '#', ' ', '\t', '\ufeff', '\r', '\u2028']))
      if (!isLong) writeName(out)
      out.text(random.pick(['\n', '\n', '\r\n', '\n\n']))
    }
  },
  run(input): Verdict {
    const text = Buffer.from(input).toString()
    const names = attempt([NodeListError], () => parseNodeList(text, 'list'))
    if (names === undefined) return 'refused'
    for (const name of names) check(parseNodeName(name).full === name, 'a name in the list is none')
    return 'accepted'
  },
}

/** A pattern and a name, with a line end between them. */
export const nodePatternTarget: Target = {
  name: 'node-pattern',
  title: 'patterns of names of nodes',
  seeds: once(() =>
    ['rabbit*@host?\nrabbit1@host2', '*\na@b', '*a*a*b\naaaaab'].map((it) => Buffer.from(it)),
  ),
  generate(out) {
    const { random } = out
    const isLong = random.oneIn(500)
    for (let left = isLong ? 300 : random.small(10); left > 0; left--)
      out.text(random.pick(['*', '?', 'a', 'b', '@', '**', '.']))
    out.text('\n')
    for (let left = isLong ? 300 : random.small(12); left > 0; left--)
      out.text(random.pick(['a', 'b', '@', '.', '*']))
  },
  run(input): Verdict {
    const [pattern = '', name = ''] = Buffer.from(input).toString().split('\n', 2)
    const fits = fitsPattern(name, pattern)
    check(fits === fitsByTable(name, pattern), 'a pattern fits what it should not, or does not fit')
    return fits ? 'accepted' : 'refused'
  },
}

/** The same by a table of all beginnings, in code units. */
function fitsByTable(name: string, pattern: string): boolean {
  let row = [true, ...new Array<boolean>(name.length).fill(false)]
  for (let p = 0; p < pattern.length; p++) {
    const isStar = pattern[p] === '*'
    const next = [isStar && row[0] === true]
    for (let n = 1; n <= name.length; n++) {
      next[n] = isStar
        ? row[n] === true || next[n - 1] === true
        : row[n - 1] === true && (pattern[p] === '?' || pattern[p] === name[n - 1])
    }
    row = next
  }
  return row[name.length] === true
}
