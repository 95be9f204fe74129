/**
 * Between what a node answers and the form in which recon keeps it: `recon_alloc:snapshot/0`.
 *
 * Recon turns `{Alloc, [{instance, N, Properties}]}` into `{{Alloc, N}, Properties}`, sorts the
 * properties, leaves their versions out, and merges the blocks by type that OTP 23 and later count.
 *
 * @see https://ferd.github.io/recon/recon_alloc.html#snapshot_save-1
 */
import { add } from '../analysis/integer.ts'
import type { Integer } from '../analysis/snapshot.ts'
import { atom, tuple } from '../etf/build.ts'
import { isAtom, isInteger, isList, isTuple, keyfind } from '../etf/match.ts'
import { compareTerms } from '../etf/order.ts'
import { Atom, type Term } from '../etf/terms.ts'

/** Whether a list of allocators is in recon's form; an empty list is in both. */
export function isReconForm(allocators: Term): boolean {
  if (!isList(allocators)) return false
  const first = allocators[0]
  return isTuple(first, 2) && isTuple(first.elements[0], 2)
}

/** What recon asks for before the allocators with carriers. */
const FIRST = ['erts_mmap', 'sys_alloc', 'mseg_alloc']

/**
 * A list of allocators in recon's form and order. What is no allocator, and the disabled ones, are left
 * out.
 */
export function toReconForm(allocators: Term): Term {
  if (!isList(allocators) || isReconForm(allocators)) return allocators
  const isNamed = (entry: Term, name: string) => isTuple(entry) && isAtom(entry.elements[0], name)
  const ordered = [
    ...FIRST.flatMap((name) => allocators.filter((entry) => isNamed(entry, name))),
    ...allocators.filter((entry) => !FIRST.some((name) => isNamed(entry, name))),
  ]
  return ordered.flatMap((entry): Term[] => {
    const [allocator, answer] = isTuple(entry, 2) ? entry.elements : []
    if (!(allocator instanceof Atom) || !isList(answer)) return []
    if (allocator.name === 'erts_mmap') return [tuple(tuple(allocator, 0), answer)]
    return answer.flatMap((instance): Term[] => {
      const [tag, number, properties] = isTuple(instance, 3) ? instance.elements : []
      if (!isAtom(tag, 'instance') || number === undefined || !isList(properties)) return []
      return [tuple(tuple(allocator, number), mergeBlocks(allocator, properties))]
    })
  })
}

/** An instance's properties as recon keeps them. */
function mergeBlocks(allocator: Atom, properties: readonly Term[]): Term {
  return [...properties].sort(compareTerms).flatMap((property): Term[] => {
    const [key, list] = isTuple(property, 2) ? property.elements : []
    if (key === undefined || list === undefined) return []
    if (!isList(list)) return [tuple(key, list)]
    const merge = isAtom(key, 'mbcs_pool') ? mergePooled : mergeCounted
    return [
      tuple(
        key,
        list.flatMap((part): readonly Term[] => {
          const [name, blocks] = isTuple(part, 2) ? part.elements : []
          if (!isAtom(name, 'blocks') || !isList(blocks)) return [part]
          return [
            merge('blocks', 'count', blocks),
            merge('blocks_size', 'size', blocks),
            tuple(
              atom('foreign_blocks'),
              blocks.filter((entry) => !isOfType(entry, allocator)),
            ),
            tuple(atom('raw_blocks'), blocks),
          ]
        }),
      ),
    ]
  })
}

function isOfType(entry: Term, allocator: Atom): boolean {
  return isTuple(entry) && isAtom(entry.elements[0], allocator.name)
}

/** `{Name, Current, LastMax, Max}`, each over all types. */
function mergeCounted(name: string, field: string, blocks: readonly Term[]): Term {
  return tuple(atom(name), ...[1, 2, 3].map((position) => sumOver(blocks, field, position)))
}

/** `{Name, N}` over all types. */
function mergePooled(name: string, field: string, blocks: readonly Term[]): Term {
  return tuple(atom(name), sumOver(blocks, field, 1))
}

function sumOver(blocks: readonly Term[], field: string, position: number): Integer {
  let total: Integer = 0
  for (const entry of blocks) {
    const [, properties] = isTuple(entry, 2) ? entry.elements : []
    const value = keyfind(field, properties)?.elements[position]
    if (isInteger(value)) total = add(total, value)
  }
  return total
}

/**
 * A list of allocators as a node answers, from recon's form. What recon left out, the versions and the
 * disabled allocators, stays out.
 */
export function fromReconForm(allocators: Term): Term {
  if (!isList(allocators) || !isReconForm(allocators)) return allocators
  const answers: Term[] = []
  let current: { readonly allocator: Atom; readonly instances: Term[] } | undefined
  for (const entry of allocators) {
    const [key, properties] = isTuple(entry, 2) ? entry.elements : []
    const [allocator, number] = isTuple(key, 2) ? key.elements : []
    if (!(allocator instanceof Atom) || number === undefined || properties === undefined) continue
    if (allocator.name === 'erts_mmap') {
      answers.push(tuple(allocator, properties))
      continue
    }
    // Only neighbours are put together: sums of doubles depend on the order of the instances.
    if (current?.allocator.name !== allocator.name) {
      current = { allocator, instances: [] }
      answers.push(tuple(allocator, current.instances))
    }
    current.instances.push(tuple(atom('instance'), number, splitBlocks(properties)))
  }
  return answers
}

/** An instance's properties as a node gives them. */
function splitBlocks(properties: Term): Term {
  if (!isList(properties)) return properties
  return properties.map((property): Term => {
    const [key, list] = isTuple(property, 2) ? property.elements : []
    const raw = keyfind('raw_blocks', list)?.elements[1]
    if (key === undefined || !isList(list) || raw === undefined) return property
    return tuple(
      key,
      list.flatMap((part): Term[] => {
        const name = isTuple(part) ? part.elements[0] : undefined
        if (isAtom(name, 'blocks')) return [tuple(name, raw)]
        return isAtom(name) && MADE_BY_RECON.has(name.name) ? [] : [part]
      }),
    )
  })
}

const MADE_BY_RECON: ReadonlySet<string> = new Set(['blocks_size', 'foreign_blocks', 'raw_blocks'])
