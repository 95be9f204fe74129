/** The file of what is shown. */
import { describe, expect, it } from 'vitest'
import { takesUtf8 } from '../../src/watch/locale.ts'
import { snapshotFileName } from '../../src/watch/save.ts'
import { clockTime, durationText } from '../../src/watch/times.ts'
import { HOSTILE } from '../cli/hostile-node.ts'

const takenAt = '2026-01-31T12:04:31.250Z'

describe('the name of a snapshot file', () => {
  it('is that of the node and the moment', () => {
    expect(snapshotFileName({ node: 'rabbit@myhost', takenAt })).toBe(
      'rabbit@myhost-2026-01-31T12-04-31-250Z.snapshot',
    )
  })

  it.each(['../../etc/passwd', '-rf@host', '.hidden@host', HOSTILE, 'a/b@c', '日本@host'])(
    'is in the folder, and no option, for %j',
    (node) => {
      const name = snapshotFileName({ node, takenAt: `${takenAt}/../x` })
      expect(name).toMatch(/^[\w@][\w@.-]*\.snapshot$/)
    },
  )

  it('is no longer than a file system takes', () => {
    expect(snapshotFileName({ node: `${'n'.repeat(255)}@host`, takenAt }).length).toBeLessThan(255)
  })
})

it('UTF-8 is what the first variable that is set says', () => {
  expect(takesUtf8({ LANG: 'C.UTF-8' })).toBe(true)
  expect(takesUtf8({ LANG: 'de_DE.utf8' })).toBe(true)
  expect(takesUtf8({ LANG: 'de_DE.UTF-8', LC_ALL: 'C' })).toBe(false)
  expect(takesUtf8({ LANG: 'C', LC_ALL: '', LC_CTYPE: 'en_US.UTF-8' })).toBe(true)
  expect(takesUtf8({ LANG: 'de_DE@euro' })).toBe(false)
  expect(takesUtf8({})).toBe(false)
})

it('times are short', () => {
  expect(clockTime(new Date(2026, 0, 31, 9, 4, 31).getTime())).toBe('09:04:31')
  expect([500, 2_000, 60_000, 90_000, 1_500].map(durationText)).toEqual([
    '500ms',
    '2s',
    '1m',
    '90s',
    '1500ms',
  ])
})
