import { describe, expect, it } from 'vitest'
import { HostNotFoundError, SocketError, TimeoutError } from '../../src/net/errors.ts'
import { failuresText, type NodeFailure } from '../../src/present/failures.ts'
import { paperOf } from '../../src/present/paper.ts'

const paper = paperOf({ isTTY: true, columns: 80 }, { NO_COLOR: '1' })

function text(failures: readonly NodeFailure[], all = true): string {
  const rows = { all, isWanted: () => true }
  return failuresText(failures, [], paper, rows).join('\n\n')
}

const slow = (node: string): NodeFailure => ({ node, error: new TimeoutError(node, 10_000) })
const lost = (node: string, host: string): NodeFailure => ({
  node,
  error: new HostNotFoundError(host, `${host}:4369`),
})

describe('failures', () => {
  it('are no section where there are none', () => {
    expect(failuresText([], [], paper)).toEqual([])
  })

  it('have the same hint once, and stand in the order of their names', () => {
    expect(text([slow('n10@h'), lost('n1@far', 'far'), slow('n9@h')])).toBe(
      [
        'Did not answer',
        '- n1@far: the host far cannot be resolved',
        '  hint: try an address: --map far=ADDRESS',
        '- n9@h: no answer within 10000 ms',
        '- n10@h: no answer within 10000 ms',
        '  hint: allow more with --timeout',
      ].join('\n'),
    )
  })

  it('of several hosts have a hint for any of them', () => {
    const shown = text([lost('n1@far', 'far'), lost('n2@off', 'off')])
    expect(shown.match(/hint:.*/g)).toEqual(['hint: try an address: --map HOST=ADDRESS'])
  })

  it('have the hint of what caused them', () => {
    const error = new SocketError('reset', 'h:1', { cause: new TimeoutError('it', 1) })
    expect(text([{ node: 'a@h', error }])).toMatch(/^- a@h: reset\n {2}hint: allow more/m)
  })

  it('that are no errors of ours are said to be faults of ours', () => {
    expect(text([{ node: 'a@h', error: new TypeError('x is undefined\nat line 7') }])).toBe(
      [
        'Did not answer',
        '- a@h: x is undefined',
        '  hint: this is a fault of beamscope itself; --verbose shows where',
      ].join('\n'),
    )
    expect(text([{ node: 'a@h', error: 'text' }])).toContain('- a@h: text\n')
  })

  it('are shortened group by group, if not all are wanted', () => {
    const many = Array.from({ length: 30 }, (_, index) => slow(`n${index}@h`))
    const shown = text([...many, lost('x@far', 'far')], false)
    expect(shown).toContain('n19@h: ')
    expect(shown).not.toContain('n20@h: ')
    expect(shown).toContain('\n  and 10 more; --all shows them\n  hint: allow more')
    expect(shown).toContain('- x@far: the host')
    expect(text(many)).toContain('n29@h: ')
    const hosts = Array.from({ length: 25 }, (_, index) => ({
      node: `a@h${index}`,
      error: new Error(`${index}`),
    }))
    expect(text(hosts, false)).toContain('and 5 more')
  })

  it('of sources have a section of their own', () => {
    const [first, second] = failuresText(
      [slow('a@h')],
      [{ source: 'seed b@h', error: new TimeoutError('connecting to b@h', 5) }],
      paper,
    )
    expect(first).toMatch(/^Not found\n- seed b@h: connecting to b@h: no answer within 5 ms\n/)
    expect(second).toMatch(/^Did not answer\n- a@h: /)
  })
})
