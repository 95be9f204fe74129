import { describe, expect, it } from 'vitest'
import { ConnectionRefusedError } from '../../src/net/errors.ts'
import { Observations } from '../../src/serve/observations.ts'
import { NODE, OTHER, snapshot } from './served.ts'

const BEGIN = Date.parse('2026-01-31T12:00:00Z')

function answer(observations: Observations, seconds: number): void {
  const time = BEGIN + seconds * 1_000
  const takenAt = new Date(time).toISOString()
  observations.take({ type: 'sample', node: NODE, time, snapshot: { ...snapshot, takenAt } })
}

describe('what is known of a node', () => {
  it('is its last answer, and since when it is silent', () => {
    const observations = new Observations([NODE])
    const node = observations.find(NODE)
    expect(node).toMatchObject({ isUp: false, samples: 0, last: undefined, silence: undefined })
    answer(observations, 0)
    expect(node).toMatchObject({ isUp: true, samples: 1, silence: undefined })
    const error = new ConnectionRefusedError('127.0.0.1:1')
    observations.take({ type: 'failure', node: NODE, time: BEGIN + 1, error })
    expect(node).toMatchObject({ isUp: false, samples: 1, silence: { error, time: BEGIN + 1 } })
    expect(node?.last?.time).toBe(BEGIN)
    expect(node?.failures).toEqual(new Map([['ERR_NET_REFUSED', 1]]))
    answer(observations, 10)
    expect(node).toMatchObject({ isUp: true, samples: 2, silence: undefined })
    expect(node?.failures).toEqual(new Map([['ERR_NET_REFUSED', 1]]))
  })

  it('is its history, of which the moments are of now, and the rest of a minute ago at most', () => {
    const observations = new Observations([NODE])
    const node = observations.find(NODE)
    const histories = new Set<unknown>()
    for (let index = 0; index < 300; index++) {
      answer(observations, index * 10)
      const { last } = node ?? {}
      expect(last?.moments.at(-1)?.time).toBe(last?.time)
      const { history } = last?.diagnosis ?? {}
      histories.add(history?.to)
      expect(Number(last?.time) - Date.parse(String(history?.to))).toBeLessThan(60_000)
    }
    // Each of the first, and then one of six.
    expect(histories.size).toBeGreaterThan(64)
    expect(histories.size).toBeLessThan(64 + (300 - 64) / 6 + 3)
  })

  it('does not grow without end', () => {
    const observations = new Observations([NODE])
    for (let index = 0; index < 5_000; index++) answer(observations, index * 10)
    const node = observations.find(NODE)
    expect(node?.samples).toBe(5_000)
    expect(node?.last?.moments.length).toBeLessThanOrEqual(1_000)
    for (let index = 0; index < 1_000; index++) {
      const error = Object.assign(new ConnectionRefusedError('a'), { code: `ERR_${index}` })
      observations.take({ type: 'failure', node: NODE, time: 1, error })
    }
    expect(node?.failures.size).toBe(100)
  })
})

describe('observations', () => {
  it('are of each node once, and tell who listens until he does not', () => {
    const observations = new Observations([NODE, OTHER, NODE])
    expect(observations.nodes.map(({ node }) => node)).toEqual([NODE, OTHER])
    const told: string[] = []
    const stop = observations.listen(({ node }) => told.push(node))
    answer(observations, 0)
    observations.take({ type: 'failure', node: 'nobody@nowhere', time: 1, error: 'x' })
    stop()
    answer(observations, 1)
    expect(told).toEqual([NODE])
  })
})

describe('the nodes', () => {
  it('come and go, and whoever listens is told of who went', () => {
    const observations = new Observations([NODE])
    const told: string[] = []
    observations.listen(({ node }) => told.push(node))
    observations.add(OTHER)
    answer(observations, 0)
    observations.add(NODE)
    expect(observations.nodes.map(({ node, samples }) => [node, samples])).toEqual([
      [NODE, 1],
      [OTHER, 0],
    ])
    told.length = 0
    observations.remove(NODE)
    observations.remove(NODE)
    answer(observations, 10)
    expect(told).toEqual([NODE])
    expect(observations.nodes.map(({ node }) => node)).toEqual([OTHER])
    observations.add(NODE)
    expect(observations.find(NODE)).toMatchObject({ samples: 0, last: undefined })
  })
})
