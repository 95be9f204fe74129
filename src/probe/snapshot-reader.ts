/**
 * The model of snapshots that came one after another, as those of a recording do: they share the terms in which they
 * do not differ, and of an instance that did not change nothing is read again.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import type { AllocatorInstance, Snapshot } from '../analysis/snapshot.ts'
import { tuple } from '../etf/build.ts'
import { isAtom, isList, isTuple } from '../etf/match.ts'
import { Atom, type Term, type Tuple } from '../etf/terms.ts'
import { type AllocatorParts, readAllocators } from './allocator-terms.ts'
import { modelOf, type RawSnapshot } from './raw-snapshot.ts'

/** `{Alloc, [{instance, N, Properties}, …]}`, or another `{Alloc, Answer}`, which has no instances. */
interface Entry {
  readonly term: Tuple
  readonly allocator: Atom
  readonly instances: readonly Tuple[]
}

/** Makes of each snapshot of a node what `toSnapshot` makes of it. */
export class SnapshotReader {
  /** What was read of the instances of the last one. */
  #known: ReadonlyMap<Tuple, AllocatorInstance> = new Map()

  /** @throws whatever `toSnapshot` throws */
  read(raw: RawSnapshot): Snapshot {
    const { allocators } = raw
    return modelOf(raw, this.#readChanged(allocators) ?? readAllocators(allocators))
  }

  /** `undefined` for a list in which there is anything odd. */
  #readChanged(list: Term): AllocatorParts | undefined {
    const entries = entriesOf(list)?.map((entry) => ({ ...entry, known: this.#knownOf(entry) }))
    if (entries === undefined) return undefined
    const parts = readAllocators(entries.flatMap(changedOf))
    const allocators: AllocatorInstance[] = []
    const all = new Map<Tuple, AllocatorInstance>()
    let taken = 0
    for (const { allocator, instances, known } of entries) {
      for (const [index, it] of instances.entries()) {
        const before = known[index]
        const read = parts.allocators[taken]
        if (before !== undefined) {
          allocators.push(before)
          all.set(it, before)
        } else if (read?.allocator === allocator.name && read.instance === it.elements[1]) {
          allocators.push(read)
          all.set(it, read)
          taken += 1
        }
      }
    }
    this.#known = all
    return taken === parts.allocators.length ? { ...parts, allocators } : undefined
  }

  #knownOf({ allocator, instances }: Entry): readonly (AllocatorInstance | undefined)[] {
    return instances.map((it) => {
      const known = this.#known.get(it)
      return known?.allocator === allocator.name ? known : undefined
    })
  }
}

/** An entry without the instances that are known; nothing where that is all. */
function changedOf({
  term,
  allocator,
  instances,
  known,
}: Entry & { readonly known: readonly unknown[] }): readonly Tuple[] {
  const changed = instances.filter((_, index) => known[index] === undefined)
  if (changed.length === instances.length) return [term]
  return changed.length === 0 ? [] : [tuple(allocator, changed)]
}

function entriesOf(list: Term): readonly Entry[] | undefined {
  if (!isList(list)) return undefined
  const entries: Entry[] = []
  for (const term of list) {
    if (!isTuple(term, 2)) return undefined
    const [allocator, answer] = term.elements
    if (!(allocator instanceof Atom)) return undefined
    const instances = isList(answer) && allocator.name !== 'erts_mmap' ? answer : []
    if (!instances.every(isInstance)) return undefined
    entries.push({ term, allocator, instances })
  }
  return entries
}

function isInstance(term: Term): term is Tuple {
  return isTuple(term, 3) && isAtom(term.elements[0], 'instance')
}
