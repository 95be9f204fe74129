/**
 * Answers about allocators, and the files that hold them.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import { readFileSync } from 'node:fs'
import {
  atom,
  DecodeError,
  EncodedTerm,
  encode,
  formatTerm,
  isList,
  isTuple,
  type Term,
  tuple,
} from '../../src/etf/index.ts'
import * as tag from '../../src/etf/tags.ts'
import {
  readSnapshot,
  type SnapshotFormat,
  writeSnapshot,
} from '../../src/history/snapshot-bytes.ts'
import {
  CorruptSnapshotError,
  NotASnapshotError,
  SnapshotContentError,
  SnapshotTooLargeError,
  SnapshotVersionError,
} from '../../src/history/snapshot-error.ts'
import { readAllocators, readMemory } from '../../src/probe/allocator-terms.ts'
import {
  AllocatorFieldMissingError,
  AllocatorListError,
  AllocatorShapeError,
  MemoryShapeError,
} from '../../src/probe/allocator-terms-error.ts'
import type { RawSnapshot } from '../../src/probe/raw-snapshot.ts'
import type { ByteWriter } from '../byte-writer.ts'
import { writeNamed, writeTerm } from '../generate-term.ts'
import { root } from '../root.ts'
import {
  attempt,
  check,
  checkNoPollution,
  json,
  once,
  type Target,
  type Verdict,
} from '../target.ts'

const ALLOCATORS = [
  'binary_alloc',
  'eheap_alloc',
  'ets_alloc',
  'fix_alloc',
  'literal_alloc',
  'temp_alloc',
  'some_alloc',
  '__proto__',
]
const COUNTED = ['blocks', 'blocks_size', 'carriers', 'carriers_size']
const PLAIN = [
  'mseg_alloc_carriers',
  'sys_alloc_carriers',
  'mseg_alloc_carriers_size',
  'sys_alloc_carriers_size',
]

/** `[{Name, …}, …]`, the elements behind the name written by `write`. */
function writeProperties(
  out: ByteWriter,
  names: readonly string[],
  arity: number,
  write: (name: string) => void,
): void {
  const { random } = out
  const shown = names.filter(() => !random.oneIn(60))
  if (shown.length > 0) {
    out.uint8(tag.LIST)
    out.uint32(out.count(shown.length))
    for (const name of shown) {
      out.uint8(tag.SMALL_TUPLE)
      out.uint8(out.count(arity))
      if (random.oneIn(100)) writeTerm(out, 1)
      else writeNamed(out, name)
      if (random.oneIn(100)) writeTerm(out, 2)
      else write(name)
    }
  }
  if (random.oneIn(100)) writeTerm(out, 1)
  else out.uint8(tag.NIL)
}

function writeFigure(out: ByteWriter): void {
  const { random } = out
  if (random.oneIn(60)) {
    writeTerm(out, 1)
    return
  }
  switch (random.below(6)) {
    case 0:
      out.uint8(tag.SMALL_BIG)
      out.uint8(8)
      out.uint8(random.oneIn(20) ? 1 : 0)
      out.noise(8)
      return
    case 1:
    case 2:
      out.uint8(tag.INTEGER)
      out.uint32(random.oneIn(20) ? random.uint32() : random.uint32() >>> 1)
      return
    default:
      out.uint8(tag.SMALL_INTEGER)
      out.uint8(random.below(256))
      return
  }
}

function writeFigures(out: ByteWriter): void {
  for (let i = 0; i < 3; i++) writeFigure(out)
}

function writeCarriers(out: ByteWriter, isPool: boolean): void {
  const { random } = out
  const write = (): void => (isPool ? writeFigure(out) : writeFigures(out))
  const arity = isPool ? 2 : 4
  const byType = random.oneIn(2)
  out.uint8(tag.LIST)
  out.uint32(out.count(3))
  // Blocks by type, as OTP 23 and later have them, or in one counter.
  if (byType) {
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(2)
    writeNamed(out, 'blocks')
    writeProperties(out, [random.pick(ALLOCATORS), 'ets_alloc'], 2, () =>
      writeProperties(out, ['count', 'size'], arity, write),
    )
  } else {
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(arity)
    writeNamed(out, 'blocks')
    write()
  }
  for (const name of ['carriers', 'carriers_size']) {
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(arity)
    writeNamed(out, name)
    write()
  }
  // The rest stands in the tail of the list.
  if (isPool) writeProperties(out, byType ? [] : ['blocks_size'], 2, write)
  else if (random.oneIn(2)) writeProperties(out, PLAIN, 2, () => writeFigure(out))
  else writeProperties(out, byType ? [] : COUNTED, 4, write)
}

function writeInstance(out: ByteWriter): void {
  writeProperties(out, ['versions', 'options', 'mbcs', 'mbcs_pool', 'sbcs', 'calls'], 2, (name) => {
    switch (name) {
      case 'mbcs':
      case 'sbcs':
        writeCarriers(out, false)
        return
      case 'mbcs_pool':
        writeCarriers(out, true)
        return
      case 'calls':
        writeProperties(out, ['binary_alloc', 'sys_alloc'], 3, () => {
          writeFigure(out)
          writeFigure(out)
        })
        return
      default:
        writeProperties(out, ['e', 't', 'as', 'acul', '__proto__'], 2, () => writeTerm(out, 0))
    }
  })
}

/** As a node answers, or as recon keeps it. */
export function writeAllocators(out: ByteWriter, isRecon: boolean = out.random.oneIn(4)): void {
  const { random } = out
  const count = random.small(5)
  if (count > 0) {
    out.uint8(tag.LIST)
    out.uint32(out.count(count))
    for (let left = count; left > 0; left--) {
      out.uint8(tag.SMALL_TUPLE)
      out.uint8(out.count(2))
      if (isRecon) {
        out.uint8(tag.SMALL_TUPLE)
        out.uint8(2)
        writeNamed(out, random.pick(ALLOCATORS))
        writeFigure(out)
        writeInstance(out)
      } else writeAnswer(out)
    }
  }
  out.uint8(tag.NIL)
}

function writeAnswer(out: ByteWriter): void {
  const { random } = out
  writeNamed(
    out,
    random.oneIn(10)
      ? random.pick(['sys_alloc', 'mseg_alloc', 'erts_mmap'])
      : random.pick(ALLOCATORS),
  )
  if (random.oneIn(8)) {
    writeNamed(out, 'false')
    return
  }
  if (random.oneIn(20)) {
    writeTerm(out, 3)
    return
  }
  const count = 1 + random.small(3)
  out.uint8(tag.LIST)
  out.uint32(out.count(count))
  for (let number = 0; number < count; number++) {
    out.uint8(tag.SMALL_TUPLE)
    out.uint8(3)
    writeNamed(out, 'instance')
    out.uint8(tag.SMALL_INTEGER)
    out.uint8(number)
    writeInstance(out)
  }
  out.uint8(tag.NIL)
}

/** What `erlang:memory()` returns. */
export function writeMemory(out: ByteWriter): void {
  if (out.random.oneIn(8)) {
    writeNamed(out, 'undefined')
    return
  }
  writeProperties(out, ['total', 'processes', 'system', '__proto__'], 2, () => writeFigure(out))
}

/** What real nodes answered, but only some allocators, and of each two instances. */
export const goldenSnapshots: () => readonly RawSnapshot[] = once((): readonly RawSnapshot[] => {
  const names = [
    'otp23-binary-8-schedulers',
    'otp27-mixed-supercarrier',
    'otp29-mixed-4-schedulers',
  ]
  return names.map((name, index) => {
    const bytes = readFileSync(new URL(`test/fixtures/golden/${name}/snapshot.etf`, root))
    const { raw } = readSnapshot(bytes)
    const answers = isList(raw.allocators) ? raw.allocators : []
    const few = answers.flatMap((entry): Term[] => {
      const [allocator, answer] = isTuple(entry, 2) ? entry.elements : []
      if (allocator === undefined || answer === undefined) return []
      const isMapper = formatTerm(allocator) === 'erts_mmap'
      return [tuple(allocator, isList(answer) && !isMapper ? answer.slice(0, 2) : answer)]
    })
    return { ...raw, allocators: few.slice(index * 3, index * 3 + 3) }
  })
})

const ERRORS = [AllocatorListError, AllocatorShapeError, AllocatorFieldMissingError, DecodeError]

export const allocatorsTarget: Target = {
  name: 'allocators',
  title: 'answers about allocators, and about memory',
  seeds: once(() => goldenSnapshots().map((it) => encode(it.allocators).subarray(1))),
  generate: (out) => (out.random.oneIn(20) ? writeMemory(out) : writeAllocators(out)),
  run(input): Verdict {
    const fromBytes = attempt(ERRORS, () => readAllocators(new EncodedTerm(input)))
    const term = attempt([DecodeError], () => new EncodedTerm(input).decode())
    if (term === undefined) return fromBytes === undefined ? 'refused' : 'accepted'
    attempt([MemoryShapeError], () => readMemory(term))
    const fromTerm = attempt(ERRORS, () => readAllocators(term))
    const isSame = json(fromBytes) === json(fromTerm)
    // The rest of a list as a string: no node writes that either, and it is refused.
    const isRefused = fromBytes === undefined && input.includes(tag.STRING)
    const isOdd = isRefused || Buffer.from(input).includes(EMPTY_HEAD)
    check(isSame || isOdd, 'an answer is read differently as a term')
    checkNoPollution()
    return fromTerm === undefined ? 'refused' : 'accepted'
  },
}

/** LIST_EXT without elements, which means its tail: no node writes it, and not every reader looks behind it. */
const EMPTY_HEAD = Buffer.of(tag.LIST, 0, 0, 0, 0)

const SNAPSHOT_ERRORS = [
  NotASnapshotError,
  CorruptSnapshotError,
  SnapshotContentError,
  SnapshotVersionError,
  SnapshotTooLargeError,
]

const FORMATS: readonly SnapshotFormat[] = ['native', 'etf', 'terms', 'recon']
const MAX_SIZE = 1024 * 1024

export const snapshotsTarget: Target = {
  name: 'snapshots',
  title: 'snapshot files, in all formats',
  seeds: once(() =>
    goldenSnapshots().flatMap((raw) => [
      ...FORMATS.map((format) =>
        writeSnapshot(
          {
            ...raw,
            node: 'a@b',
            takenAt: '2026-01-31T12:00:00.000Z',
            otpRelease: '27',
            schedulers: 4,
          },
          format,
        ),
      ),
      encode(raw.allocators),
    ]),
  ),
  generate(out) {
    const { random } = out
    out.uint8(tag.VERSION)
    if (random.oneIn(3)) {
      const keys = [
        'beamscope',
        'allocators',
        'memory',
        'node',
        'taken_at',
        'otp_release',
        'schedulers',
        'os',
        'missing',
        'duration',
      ]
      const shown = keys.filter((_, index) => index < 2 || random.oneIn(2))
      out.uint8(tag.MAP)
      out.uint32(out.count(shown.length))
      for (const key of shown) writeNativeField(out, key)
      return
    }
    if (!random.oneIn(6)) {
      out.uint8(tag.SMALL_TUPLE)
      out.uint8(out.count(2))
      writeMemory(out)
    }
    writeAllocators(out)
  },
  allowance: { time: 200, memory: 64 * MAX_SIZE },
  run(input): Verdict {
    const loaded = attempt(SNAPSHOT_ERRORS, () => readSnapshot(input, { maxSize: MAX_SIZE }))
    checkNoPollution()
    if (loaded === undefined) return 'refused'
    const again = readSnapshot(writeSnapshot(loaded.raw, 'native')).snapshot
    check(
      json(again) === json(loaded.snapshot),
      'a snapshot is another one after writing and reading it',
    )
    return 'accepted'
  },
}

function writeNativeField(out: ByteWriter, key: string): void {
  const { random } = out
  writeNamed(out, key)
  if (random.oneIn(20)) {
    writeTerm(out, 2)
    return
  }
  switch (key) {
    case 'beamscope':
      out.bytes(encode(tuple(atom('snapshot'), random.oneIn(20) ? 2 : 1)).subarray(1))
      return
    case 'allocators':
      writeAllocators(out)
      return
    case 'memory':
      writeMemory(out)
      return
    case 'node':
      writeNamed(out, random.pick(['a@b', 'é@x', '\u001b[0m']))
      return
    case 'taken_at':
    case 'otp_release': {
      const text = random.pick([
        '2026-01-31T12:00:00.000Z',
        '2026-99-31T12:00Z',
        '27',
        '\u0007',
        '',
      ])
      out.uint8(tag.BINARY)
      out.uint32(out.count(text.length))
      out.text(text)
      return
    }
    case 'os':
      out.uint8(tag.MAP)
      out.uint32(out.count(2))
      writeNamed(out, 'source')
      out.bytes(encode(Buffer.from('/proc')).subarray(1))
      writeNamed(out, 'resident')
      writeFigure(out)
      return
    case 'missing':
      out.bytes(encode([tuple(Buffer.from('what'), Buffer.from('why'))]).subarray(1))
      return
    default:
      writeFigure(out)
      return
  }
}
