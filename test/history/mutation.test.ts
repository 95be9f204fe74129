import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BeamscopeError } from '../../src/errors.ts'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { goldenFiles, goldenNames, goldenPath } from '../analysis/golden.ts'
import { reconAnswers } from '../analysis/recon-answers.ts'

/** For each file; `npm run fuzz` spends more. */
const MILLISECONDS = 300

const arbitraryEdits = fc.array(
  fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), byte: fc.nat(255) }),
  { minLength: 1, maxLength: 8 },
)

describe.each(goldenNames)('%s with bytes changed by chance', (name) => {
  it.each(goldenFiles)('%s is a snapshot, or a typed error', (file) => {
    const whole = readFileSync(goldenPath(name, file))
    fc.assert(
      fc.property(arbitraryEdits, fc.double({ min: 0.5, max: 4, noNaN: true }), (edits, cut) => {
        const bytes = new Uint8Array(whole.subarray(0, Math.ceil(whole.length * Math.min(1, cut))))
        for (const { at, byte } of edits) bytes[Math.floor(at * (bytes.length - 1))] = byte
        try {
          const { snapshot } = readSnapshot(bytes)
          // Never NaN, which would be `null`.
          const answers = JSON.stringify(reconAnswers(snapshot, 'kilobyte'))
          expect(answers.replaceAll('"usage":null', '')).not.toContain('null')
        } catch (error) {
          expect(error).toBeInstanceOf(BeamscopeError)
          expect(String(error)).not.toContain('\n')
        }
      }),
      { interruptAfterTimeLimit: MILLISECONDS, numRuns: 10_000 },
    )
  })
})
