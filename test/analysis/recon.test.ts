import { describe, expect, it } from 'vitest'
import { readSnapshot } from '../../src/history/snapshot-bytes.ts'
import { expected, goldenBytes, goldenFiles, goldenNames } from './golden.ts'
import { reconAnswers } from './recon-answers.ts'

describe.each(goldenNames)('%s', (name) => {
  describe.each(goldenFiles)('%s', (file) => {
    const { snapshot } = readSnapshot(goldenBytes(name, file))

    it.each(['byte', 'kilobyte', 'megabyte'] as const)('gives what recon gives, in %ss', (unit) => {
      // `toStrictEqual` compares numbers by `Object.is`.
      expect(reconAnswers(snapshot, unit)).toStrictEqual(expected(name, unit))
    })
  })
})
