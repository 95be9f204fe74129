/**
 * A snapshot as it came: what was asked of a node, in the terms that it answered.
 *
 * The terms are kept because they say more than the model does: files are written from them, and an
 * analysis that learns to read more can be run again on an old recording.
 *
 * @see https://www.erlang.org/doc/apps/erts/erlang.html#system_info/1 `{allocator, Alloc}`
 */
import type { Missing, OsMemory, Snapshot } from '../analysis/snapshot.ts'
import type { EncodedTerm } from '../etf/encoded-term.ts'
import type { Term } from '../etf/terms.ts'
import { type AllocatorParts, readAllocators, readMemory } from './allocator-terms.ts'

/** What is not known, because a file does not hold it or a node did not say, is `undefined`. */
export interface RawSnapshot {
  readonly node: string | undefined
  /** ISO 8601, UTC. */
  readonly takenAt: string | undefined
  /** `"27"`. */
  readonly otpRelease: string | undefined
  readonly schedulers: number | undefined
  readonly schedulersOnline: number | undefined
  /** What `erlang:memory()` returned; `undefined` where it raised `notsup`. */
  readonly memory: Term | undefined
  /**
   * `[{Alloc, Answer}, …]`, each answer that of `erlang:system_info({allocator, Alloc})`, `false` for a
   * disabled allocator; or `[{{Alloc, Instance}, Properties}, …]`, as recon keeps them.
   */
  readonly allocators: Term
  readonly os: OsMemory | undefined
  readonly missing: readonly Missing[]
  /** How long the allocators took to answer, in milliseconds. */
  readonly duration?: number | undefined
}

/** The same before the allocators' answer, of which there is much, was decoded. */
export interface EncodedAnswers extends Omit<RawSnapshot, 'allocators'> {
  readonly allocators: EncodedTerm
}

/**
 * The model of what the terms say.
 *
 * @throws {MemoryShapeError} when `memory` is not what `erlang:memory()` returns
 * @throws {AllocatorListError} when `allocators` is no list of allocators
 * @throws {AllocatorShapeError} when an allocator's answer does not have the shape of any release
 * @throws {AllocatorFieldMissingError} when one lacks what every release has
 * @throws {DecodeError} when the allocators' answer is encoded, and no term
 */
export function toSnapshot(raw: RawSnapshot | EncodedAnswers): Snapshot {
  return modelOf(raw, readAllocators(raw.allocators))
}

/**
 * The model, once the allocators' answers were read.
 *
 * @throws {MemoryShapeError} when `memory` is not what `erlang:memory()` returns
 */
export function modelOf(
  raw: RawSnapshot | EncodedAnswers,
  { unknown, ...parts }: AllocatorParts,
): Snapshot {
  return {
    node: raw.node,
    takenAt: raw.takenAt,
    otpRelease: raw.otpRelease,
    schedulers: raw.schedulers,
    schedulersOnline: raw.schedulersOnline,
    memory: raw.memory === undefined ? undefined : readMemory(raw.memory),
    ...parts,
    os: raw.os,
    ...(raw.duration === undefined ? {} : { duration: raw.duration }),
    missing: [
      ...raw.missing,
      ...unknown.map((name) => ({ what: name, why: 'its answer has no shape that is known here' })),
    ],
  }
}
