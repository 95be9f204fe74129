/**
 * What is decoded and encoded: answers of real nodes to the question for their allocators, and terms as
 * they come over the distribution in daily use.
 */
import { readFile } from 'node:fs/promises'
import type { ErlangMap, Term } from '../src/etf/terms.ts'
import { type Etf, load, root } from './product.ts'

export interface Payload {
  readonly name: string
  readonly title: string
  /** What `term_to_binary/1` gives. */
  readonly bytes: Uint8Array
}

/** Nodes of OTP 27 that nothing was done with: 2, 64 and 128 schedulers. */
const SNAPSHOTS = [
  ['snapshot-2', 'test/fixtures/diagnosis/idle/otp27-s2.etf'],
  ['snapshot-64', 'test/fixtures/diagnosis/idle/otp27-s64.etf'],
  ['snapshot-128', 'bench/snapshots/otp27-s128.etf'],
] as const

export const largestSnapshotFile: URL = new URL(SNAPSHOTS[2][1], root)

export async function snapshotPayloads(): Promise<readonly Payload[]> {
  const etf = await load.etf()
  return Promise.all(
    SNAPSHOTS.map(async ([name, path]) => {
      const file = etf.decode(await readFile(new URL(path, root)))
      if (!(file instanceof etf.ErlangMap)) throw new Error(`${path} is no snapshot`)
      const bytes = etf.encode(allocatorsOf(etf, file, path))
      return { name, title: `snapshot, ${formatSize(bytes.length)}`, bytes }
    }),
  )
}

/**
 * Allocators' answers with figures up to a thousand million in place of all that a node measured: no two
 * instances are alike then, as on a node where all schedulers have work.
 */
export function withOtherFigures(etf: Etf, answers: Term): Term {
  const next = random(128)
  const change = (term: Term): Term => {
    if (typeof term === 'number') return Math.floor(10 ** (next() * 9))
    if (etf.isList(term)) return term.map(change)
    if (!etf.isTuple(term)) return term
    const [key, ...rest] = term.elements
    if (key === undefined || etf.isAtom(key, 'options')) return term
    if (etf.isAtom(key, 'instance')) {
      const [number = 0, properties = []] = rest
      return etf.tuple(key, number, change(properties))
    }
    // {Name, Giga, N}: a thousand million calls are rare.
    if (rest.length === 2 && rest[0] === 0) return etf.tuple(key, 0, ...rest.slice(1).map(change))
    return etf.tuple(key, ...rest.map(change))
  }
  return change(answers)
}

function allocatorsOf(etf: Etf, file: ErlangMap, path: string): Term {
  const allocators = file.get(etf.atom('allocators'))
  if (allocators === undefined) throw new Error(`${path} has no allocators`)
  return allocators
}

export async function trafficPayload(): Promise<Payload> {
  const etf = await load.etf()
  const bytes = etf.encode(traffic(etf))
  return { name: 'traffic', title: `mixed traffic, ${formatSize(bytes.length)}`, bytes }
}

const SESSIONS = 400

/**
 * The state of a server as it may be asked for: maps in maps, binaries short and long, floats, integers of
 * 32, 64 and 128 bits, pids, references, strings, lists in lists. Always the same.
 */
function traffic(etf: Etf): Term {
  const { atom, binary, float, map, string, tuple } = etf
  const next = random(20_825)
  const node = atom('shop@host-17.example.net')
  const word = (): number => Math.floor(next() * 2 ** 32)
  const roles = ['guest', 'customer', 'clerk', 'admin'].map((it) => atom(it))
  return Array.from({ length: SESSIONS }, (_, index) =>
    map([
      [atom('id'), (BigInt(word()) << 31n) | BigInt(word())],
      [atom('key'), (BigInt(word()) << 96n) | (BigInt(word()) << 40n) | BigInt(index)],
      [atom('name'), binary(`session-${index}-Zoë`)],
      [atom('pid'), new etf.Pid(node, word() % 2 ** 28, word() % 2 ** 13, 1_700_000_000)],
      [atom('monitor'), new etf.Reference(node, 1_700_000_000, [word() % 2 ** 18, word(), word()])],
      [atom('role'), roles[index % roles.length] ?? atom('guest')],
      [atom('score'), float(next() * 100)],
      [atom('seen'), tuple(tuple(2026, 11, 1 + (index % 28)), tuple(index % 24, index % 60, 7))],
      [atom('remote'), tuple(tuple(10, 0, index % 256, 17), 40_000 + index)],
      [atom('agent'), string('Mozilla/5.0 (X11; Linux x86_64)')],
      [
        atom('basket'),
        Array.from({ length: 4 }, (_, position) =>
          map([
            [atom('article'), binary(`A-${word() % 100_000}`)],
            [atom('count'), 1 + (word() % 5)],
            [atom('price'), float(Math.round(next() * 10_000) / 100)],
            [atom('tags'), [atom('new'), atom('sale'), [position, -word(), []]]],
          ]),
        ),
      ],
      [atom('token'), Uint8Array.from({ length: 120 }, () => word() % 128)],
      [atom('parent'), atom(index % 2 === 0 ? 'undefined' : 'true')],
    ]),
  )
}

/** Numbers from 0 to 1, the same for the same seed: mulberry32. */
function random(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

function formatSize(bytes: number): string {
  return bytes < 100_000 ? `${Math.round(bytes / 1e3)} kB` : `${(bytes / 1e6).toFixed(1)} MB`
}
