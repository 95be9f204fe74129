/**
 * Valid inputs that several targets begin with.
 */
import {
  atom,
  BitString,
  binary,
  ExportFun,
  encode,
  Fun,
  float,
  ImproperList,
  map,
  NativeRecord,
  OldFun,
  Pid,
  Port,
  Reference,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import { once } from '../target.ts'

const node = atom('x@localhost')
export const pid: Pid = new Pid(node, 83, 0, 1234567)
export const reference: Reference = new Reference(node, 1234567, [1, 2, 3])

const uniq = new Uint8Array(16).fill(7)

/** One of every kind, and some that hold others. */
export const terms: readonly Term[] = [
  0,
  -1,
  255,
  2 ** 31,
  -(2n ** 64n),
  2n ** 2000n,
  float(1.5),
  atom(''),
  atom('ok'),
  atom('日本'),
  binary('text'),
  new BitString(Uint8Array.of(1, 128), 1),
  [],
  [1, 2, 3],
  [atom('a'), [atom('b')], tuple()],
  new ImproperList([1], 2),
  tuple(atom('ok'), 1),
  tuple(...Array.from({ length: 300 }, (_, index) => index)),
  map([
    [atom('a'), 1],
    [1, atom('a')],
    [float(1), []],
  ]),
  map(Array.from({ length: 40 }, (_, index): [Term, Term] => [tuple(index), index])),
  pid,
  new Port(node, 5, 1),
  new Port(node, 2n ** 60n, 1),
  reference,
  new ExportFun(atom('lists'), atom('map'), 2),
  new Fun({
    arity: 1,
    uniq,
    index: 1,
    module: atom('m'),
    oldIndex: 1,
    oldUniq: 2,
    pid,
    freeVariables: [1, atom('x')],
  }),
  new OldFun(pid, atom('m'), 1, 2, [3]),
  new NativeRecord(atom('m'), atom('point'), true, [
    [atom('x'), 1],
    [atom('y'), tuple(2)],
  ]),
  tuple(
    atom('badrpc'),
    tuple(atom('EXIT'), tuple(atom('undef'), [tuple(atom('m'), atom('f'), [], [])])),
  ),
]

export const encodedSeeds: () => readonly Uint8Array[] = once(() => terms.map((it) => encode(it)))
