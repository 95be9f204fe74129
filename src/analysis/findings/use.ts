/**
 * Memory that is really used, and by what.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#memory/0
 */
import { accountingLine } from '../accounting.ts'
import {
  type Evidence,
  type Examination,
  type Finding,
  ratioInWords,
  sizeInWords,
} from '../finding.ts'
import { add, compare, divide, subtract, sum, toDouble } from '../integer.ts'
import { TABLES_NO_HELP, useNoHelp } from '../no-help.ts'
import { tableRemedies, useRemedies } from '../remedies.ts'
import { highestInstance } from '../settings.ts'
import type { Integer } from '../snapshot.ts'
import { largestHolders } from './largest-holders.ts'

/** What a kind of memory is called, by its key in `erlang:memory()`. */
const KINDS: Readonly<Record<string, string>> = {
  processes: 'processes: heaps, stacks and messages',
  binary: 'binaries',
  ets: 'ETS tables',
  code: 'loaded code',
  atom: 'atoms',
  other: 'the rest of the system: tables of the emulator, literals, drivers',
}

/** Where it is held, when `erlang:memory()` is not there to ask. */
export const KIND_OF_ALLOCATOR: ReadonlyMap<string, string> = new Map([
  ['eheap_alloc', 'processes'],
  ['binary_alloc', 'binary'],
  ['ets_alloc', 'ets'],
])

export function inUse(examination: Examination): readonly Finding[] {
  const { snapshot, accounting, thresholds, held, holders } = examination
  const used = accountingLine(accounting, 'used').bytes
  if (used === undefined) return []
  const schedulers = highestInstance(snapshot.allocators)
  const idle = thresholds.idleUse + schedulers * thresholds.idleUseOfScheduler
  if (compare(used, idle + thresholds.largeUse) < 0) return []
  const kinds = usedByKind(examination)
  const [largest] = kinds
  const literals = held.find(({ allocator }) => allocator === 'literal_alloc')?.mbcs.used ?? 0
  return [
    {
      id: 'in-use',
      severity: 'info',
      allocator: undefined,
      summary:
        `Blocks use ${sizeInWords(used)}` +
        (largest === undefined
          ? '.'
          : `, ${ratioInWords(Math.min(1, divide(largest.bytes, used)))} of it for ${KINDS[largest.kind] ?? largest.kind}.`),
      bytes: used,
      verdict: 'in-use',
      evidence: [
        {
          what: 'used by blocks',
          value: used,
          unit: 'byte',
          source: accountingLine(accounting, 'used').source,
        },
        {
          what: 'used on an idle node of so many schedulers',
          value: idle,
          unit: 'byte',
          source: 'measured on idle nodes',
        },
        ...kinds.map(
          ({ kind, bytes, source }): Evidence => ({
            what: KINDS[kind] ?? kind,
            value: bytes,
            unit: 'byte',
            source,
          }),
        ),
        {
          what: 'literals: constants of code, and persistent terms',
          value: literals,
          unit: 'byte',
          source: 'erlang:system_info({allocator, literal_alloc})',
        },
        ...(largest === undefined ? [] : largestHolders(holders, largest.kind)),
      ],
      remedies: largest === undefined ? [] : useRemedies(largest.kind),
      noHelp: useNoHelp(largest?.kind),
    },
  ]
}

/**
 * The port table and the process table lie in `ll_alloc` as long as the node runs, as large as the limits
 * allow: a container without a limit of open files makes the first one grow to gigabytes.
 */
export function emulatorTables({ snapshot, held, thresholds }: Examination): readonly Finding[] {
  const longLived = held.find(({ allocator }) => allocator === 'll_alloc')
  if (longLived === undefined) return []
  const { code = 0, atom = 0 } = snapshot.memory ?? {}
  const bytes = subtract(longLived.mbcs.used, add(code, atom))
  if (compare(bytes, thresholds.tables) < 0) return []
  const source = 'erlang:system_info({allocator, ll_alloc})'
  const { unused } = longLived.mbcs
  return [
    {
      id: 'emulator-tables',
      severity: 'info',
      allocator: 'll_alloc',
      summary:
        `ll_alloc uses ${sizeInWords(longLived.mbcs.used)}, far more than code and atoms need: the port ` +
        'table or the process table is that large, because of a high limit of open files, +Q or +P.',
      bytes,
      verdict: undefined,
      evidence: [
        { what: 'used in ll_alloc', value: longLived.mbcs.used, unit: 'byte', source },
        { what: 'unused beside it, mostly never touched', value: unused, unit: 'byte', source },
        { what: 'code', value: code, unit: 'byte', source: 'erlang:memory(code)' },
        { what: 'atoms', value: atom, unit: 'byte', source: 'erlang:memory(atom)' },
      ],
      remedies: tableRemedies(snapshot),
      noHelp: TABLES_NO_HELP,
    },
  ]
}

interface Kind {
  readonly kind: string
  readonly bytes: Integer
  readonly source: string
}

/** The largest first. */
function usedByKind({ snapshot: { memory }, held }: Examination): readonly Kind[] {
  const kinds = memory === undefined ? [] : kindsOfMemory(memory)
  const known = kinds.length > 0 ? kinds : kindsOfAllocators(held)
  return [...known].sort((left, right) => compare(right.bytes, left.bytes))
}

function kindsOfMemory(memory: Readonly<Record<string, Integer>>): readonly Kind[] {
  const named = ['processes', 'binary', 'ets', 'code', 'atom'].flatMap((kind) => {
    const bytes = memory[kind]
    return bytes === undefined ? [] : [{ kind, bytes, source: `erlang:memory(${kind})` }]
  })
  const { total } = memory
  if (total === undefined) return named
  const rest = subtract(total, sum(named.map(({ bytes }) => bytes)))
  return [...named, { kind: 'other', bytes: rest, source: 'erlang:memory(total) − the others' }]
}

function kindsOfAllocators(held: Examination['held']): readonly Kind[] {
  const kinds = new Map<string, Integer>()
  for (const { allocator, mbcs, sbcs } of held) {
    const kind = KIND_OF_ALLOCATOR.get(allocator) ?? 'other'
    kinds.set(kind, add(kinds.get(kind) ?? 0, add(mbcs.used, sbcs.used)))
  }
  return Array.from(kinds, ([kind, bytes]) => ({
    kind,
    bytes,
    source: 'blocks_size of the allocators of this kind',
  })).filter(({ bytes }) => toDouble(bytes) > 0)
}
