/**
 * The real `recon_alloc`, on real nodes, asked for everything that this project computes in its place.
 */
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  allocatorTypes,
  averageBlockSizes,
  cacheHitRates,
  fragmentation,
  type Json,
  memoryReport,
  type Snapshot,
  sbcsToMbcs,
  toJson,
  UNITS,
} from '../src/analysis/index.ts'
import { decode, Float, isAtom, isList, isTuple, type Term, tuple } from '../src/etf/index.ts'
import { readSnapshot, writeSnapshot } from '../src/history/snapshot-bytes.ts'
import { readAllocators } from '../src/probe/allocator-terms.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { rawSnapshotOf } from '../test/analysis/snapshots.ts'
import { arbitraryAllocators } from '../test/probe/arbitrary-allocators.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'

const KEYWORDS = ['current', 'max'] as const

/** Everything on the snapshot that the calling process has frozen or loaded. */
const ANSWERS = `
  [{Unit, begin
     recon_alloc:set_unit(Unit),
     [{Keyword, [
        {memory, [{Key, catch recon_alloc:memory(Key, Keyword)}
                  || Key <- [used, allocated, unused, usage, allocated_types, allocated_instances]]},
        {fragmentation, catch recon_alloc:fragmentation(Keyword)},
        {average_block_sizes, catch recon_alloc:average_block_sizes(Keyword)},
        {sbcs_to_mbcs, catch recon_alloc:sbcs_to_mbcs(Keyword)},
        {cache_hit_rates, catch recon_alloc:cache_hit_rates()}]}
      || Keyword <- [current, max]]
   end} || Unit <- [${UNITS.join(', ')}]]`

/** What keeps memory in use, or leaves it in fragments, until the node ends. */
const LOADS = {
  idle: 'ok',
  'fragmented binaries': `
    Parent = self(),
    spawn(fun() ->
      All = [{I, binary:copy(<<0>>, 4096)} || I <- lists:seq(1, 20000)],
      Kept = [B || {I, B} <- All, I rem 20 =:= 0],
      garbage_collect(),
      Parent ! ready,
      receive stop -> Kept end
    end),
    receive ready -> ok end`,
  'large binaries and an ETS table with holes': `
    Parent = self(),
    spawn(fun() ->
      Large = [binary:copy(<<0>>, 600000) || _ <- lists:seq(1, 30)],
      Table = ets:new(holes, [public]),
      [ets:insert(Table, {I, lists:duplicate(50, I)}) || I <- lists:seq(1, 20000)],
      [ets:delete(Table, I) || I <- lists:seq(1, 20000), I rem 50 =/= 0],
      Parent ! ready,
      receive stop -> Large end
    end),
    receive ready -> ok end`,
} as const

describeOnEachRelease(
  'recon_alloc',
  (release) => {
    // Before OTP 29 `/` does not take the nearest double of an integer beyond 2^64, sums included.
    const maxBits = release < 29 ? 55 : 127

    let node: ErlangNode
    let folder: TemporaryFolder

    beforeAll(async () => {
      folder = await createTemporaryFolder()
      node = await startErlangNode({
        release,
        withRecon: true,
        emulatorArguments: ['+S', '3:3'],
        folders: [folder.path],
      })
    })
    afterAll(async () => {
      await node?.stop()
      await folder?.[Symbol.asyncDispose]()
    })

    /** The value of an expression as a term. */
    const ask = async (expression: string): Promise<Term> => {
      const text = await node.evaluate(
        `base64:encode(term_to_binary(begin ${expression} end, [compressed]))`,
      )
      return decode(Buffer.from(text.replace(/^<<"|">>$/g, ''), 'base64'))
    }
    /** The same for recon's form of snapshots, through recon's own reader of files. */
    const askOnFiles = async (files: readonly Uint8Array[]): Promise<readonly Term[]> => {
      const paths = files.map((_, index) => join(folder.path, `${index}.terms`))
      await Promise.all(paths.map((path, index) => writeFile(path, files[index] ?? '')))
      return listOf(
        await ask(`
          [begin recon_alloc:snapshot_load(Path), ${ANSWERS} end
           || Path <- [${paths.map((path) => JSON.stringify(path)).join(', ')}]]`),
      )
    }

    describe.each(Object.entries(LOADS))('on a node that is %s', (_, load) => {
      beforeAll(() => node.evaluate(load))

      it('gives the same figures of its own snapshot', async () => {
        const [frozen, answers, types] = partsOf(
          await ask(`
            recon_alloc:snapshot(),
            Answers = ${ANSWERS},
            recon_alloc:set_unit(byte),
            {recon_alloc:snapshot_get(), Answers, recon_alloc:allocators(types)}`),
        )
        const [memory, allocators] = partsOf(frozen)
        const snapshot = toSnapshot(rawSnapshotOf(listOf(allocators), { memory: memory ?? [] }))
        expect(snapshot.allocators.length).toBeGreaterThan(30)
        expect(expectSame(snapshot, answers)).toBe(0)
        expectSameTypes(snapshot, types)
      })

      it('reads what is written for it of the raw terms, and gives the same figures', async () => {
        // Recon before 2.5.4, which is what Debian has beside OTP 25, cannot convert the units of it.
        const first = release < 27 ? '' : 'erts_mmap, '
        const [memory, allocators] = partsOf(
          await ask(`
            {erlang:memory(),
             [{A, erlang:system_info({allocator, A})}
              || A <- [${first}sys_alloc, mseg_alloc | erlang:system_info(alloc_util_allocators)]]}`),
        )
        const raw = rawSnapshotOf(listOf(allocators), { memory: memory ?? [] })
        const file = writeSnapshot(raw, 'recon')
        const [answers] = await askOnFiles([file])
        expect(expectSame(toSnapshot(raw), answers)).toBe(0)
        expect(readSnapshot(file).snapshot.allocators).toEqual(toSnapshot(raw).allocators)
      })
    })

    it.each([
      ['possible', 40],
      ['any', 20],
    ] as const)(
      'gives the same figures of %s snapshots that no node here has',
      async (kinds, numRuns) => {
        const samples = fc.sample(arbitraryAllocators({ kinds, maxBits }), {
          numRuns,
          seed: release,
        })
        const raws = samples.map((allocators) => rawSnapshotOf(allocators))
        const answers = await askOnFiles(raws.map((raw) => writeSnapshot(raw, 'recon')))
        expect(answers).toHaveLength(numRuns)
        let crashes = 0
        for (const [index, raw] of raws.entries())
          crashes += expectSame(toSnapshot(raw), answers[index])
        // Where recon answered nothing there was nothing to compare.
        expect(crashes).toBeLessThan((kinds === 'possible' ? 0.02 : 0.7) * numRuns * ANSWER_COUNT)
      },
    )
  },
  { recon: true },
)

/** How many answers of recon one snapshot has. */
const ANSWER_COUNT = UNITS.length * KEYWORDS.length * 10

/** Compares to the bit, and returns how many of recon's answers were crashes. */
function expectSame(snapshot: Snapshot, answers: Term | undefined): number {
  let crashes = 0
  for (const unit of UNITS) {
    for (const keyword of KEYWORDS) {
      const functions = valueAt(valueAt(answers, unit), keyword)
      const report = memoryReport(snapshot, keyword, unit)
      const same = (name: string, ours: unknown, theirs: Term, read: (term: Term) => Json) => {
        expect(JSON.stringify(ours), name).not.toContain('null')
        if (isCrash(theirs)) crashes++
        else expect(ours, `${name}(${keyword}) in ${unit}s`).toStrictEqual(read(theirs))
      }
      const memory = valueAt(functions, 'memory')
      same('used', toJson(report.used), valueAt(memory, 'used'), numberOf)
      same('allocated', toJson(report.allocated), valueAt(memory, 'allocated'), numberOf)
      same('unused', toJson(report.unused), valueAt(memory, 'unused'), numberOf)
      if (report.usage === undefined) {
        expect(isCrash(valueAt(memory, 'usage'))).toBe(true)
        crashes++
      } else same('usage', toJson(report.usage), valueAt(memory, 'usage'), numberOf)
      same(
        'allocated_types',
        toJson(report.allocatedTypes),
        valueAt(memory, 'allocated_types'),
        (term) => objectOf(term, numberOf),
      )
      same(
        'allocated_instances',
        toJson(report.allocatedInstances),
        valueAt(memory, 'allocated_instances'),
        (term) => objectOf(term, numberOf),
      )
      same(
        'fragmentation',
        toJson(fragmentation(snapshot, keyword, unit)),
        valueAt(functions, 'fragmentation'),
        (term) =>
          listOf(term).map((entry) => {
            const [key, values] = partsOf(entry)
            return { ...instanceOf(key), ...objectOf(values, numberOf) }
          }),
      )
      same(
        'average_block_sizes',
        toJson(averageBlockSizes(snapshot, keyword, unit)),
        valueAt(functions, 'average_block_sizes'),
        (term) => objectOf(term, (sizes) => objectOf(sizes, numberOf)),
      )
      same(
        'sbcs_to_mbcs',
        toJson(sbcsToMbcs(snapshot, keyword)),
        valueAt(functions, 'sbcs_to_mbcs'),
        (term) =>
          listOf(term).map((entry) => {
            const [key, ratio] = partsOf(entry)
            return { ...instanceOf(key), ratio: numberOf(ratio) }
          }),
      )
      same(
        'cache_hit_rates',
        toJson(cacheHitRates(snapshot)),
        valueAt(functions, 'cache_hit_rates'),
        (term) =>
          listOf(term).map((entry) => {
            const [key, values] = partsOf(entry)
            return { instance: numberOf(partsOf(key)[1]), ...objectOf(values, numberOf) }
          }),
      )
    }
  }
  return crashes
}

/** All but what `allocatorTypes` says it does otherwise: calls, options and blocks by type. */
function expectSameTypes(snapshot: Snapshot, types: Term | undefined): void {
  const ours = allocatorTypes(snapshot)
  const entries = listOf(types).map((entry) => {
    const [key, properties] = partsOf(entry)
    const [allocator, instances] = partsOf(key)
    return { allocator, instances: listOf(instances), properties }
  })
  expect(ours.map((it) => [it.allocator, it.instances])).toEqual(
    entries.map((it) => [nameOf(it.allocator), it.instances]),
  )
  const theirs = readAllocators(
    entries.map((it) => tuple(tuple(it.allocator ?? 0, 0), it.properties ?? 0)),
  )
  for (const entry of ours) {
    if (entry.allocator === 'mseg_alloc' && 'memoryKinds' in entry) {
      expect(entry.memoryKinds.map((it) => ({ ...it, calls: {} }))).toEqual(
        theirs.mseg[0]?.memoryKinds.map((it) => ({ ...it, calls: {} })),
      )
    } else if ('mbcs' in entry) {
      const same = theirs.allocators.find((it) => it.allocator === entry.allocator)
      for (const kind of ['mbcs', 'sbcs'] as const) {
        expect({ ...entry[kind], blocksByType: [] }).toEqual({ ...same?.[kind], blocksByType: [] })
      }
      const poolOf = (pool = entry.mbcsPool) =>
        pool && { ...pool, blocksByType: [], statistics: {} }
      expect(poolOf()).toEqual(poolOf(same?.mbcsPool))
      expect(entry.fixTypes).toEqual(same?.fixTypes)
    }
  }
}

function isCrash(term: Term): boolean {
  return isTuple(term, 2) && isAtom(term.elements[0], 'EXIT')
}

function listOf(term: Term | undefined): readonly Term[] {
  if (!isList(term)) throw new Error('recon did not answer with a list')
  return term
}

function partsOf(term: Term | undefined): readonly Term[] {
  if (!isTuple(term)) throw new Error('recon did not answer with a tuple')
  return term.elements
}

function nameOf(term: Term | undefined): string {
  if (!isAtom(term)) throw new Error('recon did not answer with an atom')
  return term.name
}

function valueAt(list: Term | undefined, name: string): Term {
  for (const entry of listOf(list)) {
    const [key, value] = partsOf(entry)
    if (isAtom(key, name) && value !== undefined) return value
  }
  throw new Error(`recon did not answer with ${name}`)
}

/** A number keeps whether it is a double: integers beyond 2^53 are strings, doubles are not. */
function numberOf(term: Term | undefined): Json {
  if (term instanceof Float) return term.value
  if (typeof term === 'number' || typeof term === 'bigint') return toJson(term)
  if (isAtom(term, 'infinity')) return 'infinity'
  throw new Error('recon did not answer with a number')
}

function objectOf(
  term: Term | undefined,
  read: (value: Term | undefined) => Json,
): Record<string, Json> {
  return Object.fromEntries(
    listOf(term).map((entry) => {
      const [key, value] = partsOf(entry)
      return [typeof key === 'number' ? String(key) : nameOf(key), read(value)]
    }),
  )
}

function instanceOf(key: Term | undefined): Record<string, Json> {
  const [allocator, instance] = partsOf(key)
  return { allocator: nameOf(allocator), instance: numberOf(instance) }
}
