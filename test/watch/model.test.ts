/** How samples and keys change what is shown. */
import { describe, expect, it } from 'vitest'
import { commandsOf, type Key } from '../../src/watch/keys.ts'
import {
  allocatorRows,
  instanceRows,
  type Model,
  selectedAllocator,
  shownNode,
  update,
} from '../../src/watch/model.ts'
import { courseBefore, lookAt, NOON, watchedModel } from './made-looks.ts'

const NODES = ['a@host', 'b@host', 'c@host']

function press(model: Model, ...keys: readonly (string | Omit<Key, 'input'>)[]): Model {
  return keys
    .flatMap((key) => commandsOf(typeof key === 'string' ? { input: key } : { ...key, input: '' }))
    .reduce((before, command) => update(before, { type: 'command', command }), model)
}

const model = watchedModel(NODES, 80, 24)
const names = (it: Model): readonly string[] => allocatorRows(it).map(({ name }) => name)

describe('the selected allocator', () => {
  it('is the first until one is chosen, and then stays that one in whichever order', () => {
    expect(selectedAllocator(model)?.name).toBe('binary_alloc')
    const byName = press(model, 's', 's', 's')
    expect(byName.sort).toBe('name')
    expect(selectedAllocator(byName)?.name).toBe(names(byName)[0])
    const chosen = press(model, 'j')
    const name = selectedAllocator(chosen)?.name
    expect(name).toBe(names(model)[1])
    expect(selectedAllocator(press(chosen, 's', 's', 's'))?.name).toBe(name)
  })

  it('stops at both ends', () => {
    expect(selectedAllocator(press(model, 'k', { upArrow: true }))?.name).toBe('binary_alloc')
    expect(selectedAllocator(press(model, 'G', 'j'))?.name).toBe(names(model).at(-1))
    expect(selectedAllocator(press(model, 'G', 'g'))?.name).toBe('binary_alloc')
    expect(selectedAllocator(press(model, { end: true }, { home: true }))?.name).toBe(
      'binary_alloc',
    )
  })
})

it('sorts by waste, allocated, usage and name, each in its own direction', () => {
  const by = (...keys: readonly string[]) => allocatorRows(press(model, ...keys))
  const wastes = by().map(({ waste }) => Number(waste))
  expect(wastes).toEqual([...wastes].sort((left, right) => right - left))
  const sizes = by('s').map(({ allocated }) => Number(allocated))
  expect(sizes).toEqual([...sizes].sort((left, right) => right - left))
  const usages = by('s', 's').map(({ usage }) => usage)
  expect(usages).toEqual([...usages].sort((left, right) => left - right))
  const sorted = by('s', 's', 's').map(({ name }) => name)
  expect(sorted).toEqual([...sorted].sort())
  expect(press(model, 's', 's', 's', 's').sort).toBe('waste')
})

it('goes through the units, and back to sizes with their own', () => {
  const units = [1, 2, 3, 4, 5].map((times) => press(model, 'u'.repeat(times)).unit)
  expect(units).toEqual(['byte', 'kilobyte', 'megabyte', 'gigabyte', undefined])
})

describe('the instances', () => {
  it('open and close by the same key, and by Escape', () => {
    const open = press(model, { return: true })
    expect(open.instance).toBe(0)
    expect(instanceRows(open).length).toBeGreaterThan(0)
    expect(press(open, { return: true }).instance).toBeUndefined()
    expect(press(open, { escape: true }).instance).toBeUndefined()
    expect(press(open, { leftArrow: true }).instance).toBeUndefined()
  })

  it('are walked through while they are open, and the allocator stays', () => {
    const open = press(model, { rightArrow: true }, 'j')
    expect(open.instance).toBe(Math.min(1, instanceRows(open).length - 1))
    expect(selectedAllocator(open)?.name).toBe('binary_alloc')
    expect(press(open, 'G', 'G').instance).toBe(instanceRows(open).length - 1)
  })

  it('close when another node is looked at', () => {
    expect(press(model, { return: true }, 'n').instance).toBeUndefined()
  })
})

describe('nodes', () => {
  it('follow each other in a circle, and have digits', () => {
    expect(press(model, { tab: true }).selected).toBe(1)
    expect(press(model, 'n', 'n', 'n').selected).toBe(0)
    expect(press(model, 'p').selected).toBe(2)
    expect(press(model, { tab: true, shift: true }).selected).toBe(2)
    expect(press(model, '3').selected).toBe(2)
    expect(press(model, '9').selected).toBe(0)
  })

  it('keep their last look while they fail, and lose the failure when they answer again', () => {
    const failure = { time: NOON + 2_000, message: 'gone', hint: undefined }
    const failed = update(model, { type: 'failure', node: 'a@host', failure })
    expect(shownNode(failed)).toMatchObject({ failure, look: { node: 'a@host' } })
    expect(shownNode(press(failed, 'n'))?.failure).toBeUndefined()
    const look = lookAt('a@host', NOON + 4_000)
    const back = update(failed, { type: 'look', look, moments: courseBefore(look, 2_000) })
    expect(shownNode(back)).toMatchObject({ failure: undefined, look: { takenAt: look.takenAt } })
  })
})

describe('a frozen screen', () => {
  const frozen = press(model, ' ')
  const look = lookAt('a@host', NOON + 60_000)
  const later = update(frozen, { type: 'look', look, moments: [look.moment] })

  it('stays, while samples are taken', () => {
    expect(shownNode(later)?.look?.moment.time).toBe(NOON)
    expect(later.nodes[0]?.look?.moment.time).toBe(NOON + 60_000)
  })

  it('shows what was taken meanwhile when it goes on', () => {
    expect(shownNode(press(later, 'f'))?.look?.moment.time).toBe(NOON + 60_000)
  })
})

describe('a notice', () => {
  const notice = { text: 'saved', isError: false, until: NOON + 5_000 }
  const told = update(model, { type: 'notice', notice })

  it('goes with the next key', () => {
    expect(told.notice).toEqual(notice)
    expect(press(told, 'j').notice).toBeUndefined()
  })

  it('goes with a sample when it has stood for its time', () => {
    const sampled = (time: number): Model => {
      const look = lookAt('a@host', time)
      return update(told, { type: 'look', look, moments: [look.moment] })
    }
    expect(sampled(NOON + 4_000).notice).toEqual(notice)
    expect(sampled(NOON + 6_000).notice).toBeUndefined()
  })
})

describe('keys', () => {
  it('mean the same one by one and at once', () => {
    expect(press(model, 'jj')).toEqual(press(model, 'j', 'j'))
    expect(press(model, 'jsu')).toEqual(press(model, 'j', 's', 'u'))
  })

  it('mean the same among others as by themselves', () => {
    const types = (input: string) => commandsOf({ input }).map(({ type }) => type)
    expect(types('\rs\t\u000c\u001a')).toEqual(['open', 'sort', 'switch-node', 'redraw', 'suspend'])
    expect(types('\u0003\u0003')).toEqual(['interrupt', 'interrupt'])
  })

  it('mean nothing where they are no keys of ours', () => {
    for (const input of ['', 'x', '0', 'constructor', '__proto__', '\u001b[200~']) {
      expect(commandsOf({ input }).filter(({ type }) => type === 'quit')).toEqual([])
    }
    expect(commandsOf({ input: 'x' })).toEqual([])
    expect(commandsOf({ input: 'd', ctrl: true })).toEqual([])
    expect(commandsOf({ input: 'c', ctrl: true })).toEqual([{ type: 'interrupt' }])
  })

  it('scroll the help no further than to its end, whatever the size', () => {
    const end = press(model, '?', 'G').help ?? 0
    expect(end).toBeGreaterThan(0)
    expect(press(model, '?', 'G', 'j', 'k').help).toBe(end - 1)
    const grown = update(press(model, '?', 'G'), { type: 'size', size: { columns: 80, rows: 26 } })
    expect(press(grown, 'k').help).toBe(end - 3)
    const roomy = update(press(model, '?', 'G'), { type: 'size', size: { columns: 80, rows: 60 } })
    expect(press(roomy, 'j').help).toBe(0)
  })

  it('scroll the help while it is shown, no further than its beginning', () => {
    const help = press(model, '?')
    expect(press(help, 'jj').help).toBe(2)
    expect(press(help, 'jkk').help).toBe(0)
    expect(press(help, { escape: true }).help).toBeUndefined()
    expect(selectedAllocator(press(help, 'j'))?.name).toBe('binary_alloc')
  })
})
