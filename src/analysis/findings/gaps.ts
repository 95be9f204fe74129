/**
 * What the diagnosis could not see.
 */
import type { Examination, Finding } from '../finding.ts'
import { allocatorFlag } from '../flags.ts'
import type { Missing, Snapshot } from '../snapshot.ts'

export function disabledAllocators({ snapshot }: Examination): readonly Finding[] {
  return snapshot.disabled.map((allocator) => ({
    id: 'disabled-allocator',
    severity: 'info',
    allocator,
    summary:
      `${allocator} is disabled: malloc serves in its place, nothing is known of that memory, and ` +
      'erlang:memory() raises notsup.',
    bytes: undefined,
    verdict: undefined,
    evidence: [],
    remedies: [
      {
        flags: `${allocatorFlag(allocator, 'e')} true`,
        why: 'enables it, which is the default; +Mea min disables all but temp_alloc',
        price: 'whatever it was disabled for',
        restart: true,
      },
    ],
  }))
}

export function missingParts({ snapshot }: Examination): readonly Finding[] {
  return [...snapshot.missing, ...unsaid(snapshot)].map(({ what, why }) => ({
    id: 'missing-part',
    severity: 'info',
    allocator: undefined,
    summary: `Not available: ${what} (${why}).`,
    bytes: undefined,
    verdict: undefined,
    evidence: [],
    remedies: [],
  }))
}

/** What is not there although nobody said that it is missing. */
function unsaid({ os, memory, allocators, disabled, missing }: Snapshot): readonly Missing[] {
  const why = 'the snapshot does not hold it'
  const absent: readonly (readonly [what: string, is: boolean])[] = [
    ['resident size', os === undefined],
    ['erlang:memory()', memory === undefined && disabled.length === 0],
    ['allocators', allocators.length === 0],
  ]
  return absent
    .filter(([what, is]) => is && !missing.some((part) => part.what === what))
    .map(([what]) => ({ what, why }))
}
