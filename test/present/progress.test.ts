/** How far a sweep is, in one line. */
import { expect, it } from 'vitest'
import { progressText } from '../../src/present/progress.ts'

it('names the node that is waited for once it is slow', () => {
  const progress = { answered: 11, failed: 1, running: 16 }
  const after = (duration: number) => ({ ...progress, slowest: { node: 'web1@h', duration } })
  expect(progressText(after(400), 100)).toBe('12 of 100 nodes done, 1 of them failed; 16 running')
  expect(progressText(after(3_210), 100)).toBe(
    '12 of 100 nodes done, 1 of them failed; 16 running, the slowest web1@h for 3.2 s',
  )
})

it('says at the end only what is done', () => {
  const progress = { answered: 3, failed: 0, running: 0, slowest: undefined }
  expect(progressText(progress, 3)).toBe('3 of 3 nodes done, 0 of them failed')
})

it('lets no name do anything to the terminal', () => {
  const slowest = { node: 'a\u001b[2J@h', duration: 2_000 }
  const text = progressText({ answered: 0, failed: 0, running: 1, slowest }, 1)
  expect(text).not.toContain('\u001b')
})
