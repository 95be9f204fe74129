/** A registration against a port mapper that goes and comes back. */
import { setTimeout as delay } from 'node:timers/promises'
import { describe, expect, it } from 'vitest'
import { lookup, names } from '../../src/epmd/client.ts'
import { startEpmdServer } from '../../src/epmd/server.ts'
import { BeamscopeError } from '../../src/errors.ts'
import { listenTcp } from '../../src/net/tcp.ts'
import { keepRegistered } from '../../src/node/registration.ts'
import { listenTo, type Told } from './listen-to.ts'

const HOST = '127.0.0.1'
const REGISTRANT = { name: 'scope', port: 4711, kind: 'hidden' } as const

/** Of each that was told of. */
function codesOf(told: readonly Told[]): string[] {
  return told.map(({ error }) => (error instanceof BeamscopeError ? error.code : 'registered'))
}

describe('a registration that is kept', () => {
  it('is there until it is closed, and the name is free then', async () => {
    await using mapper = await startEpmdServer()
    const { port } = mapper
    const told = listenTo('beamscope:register')
    const registration = await keepRegistered(REGISTRANT, { host: HOST, port })
    expect(await lookup('scope', { host: HOST, port })).toMatchObject({
      port: 4711,
      kind: 'hidden',
    })
    await registration[Symbol.asyncDispose]()
    await expect.poll(() => mapper.names()).toEqual([])
    await delay(150)
    expect(mapper.names()).toEqual([])
    expect(codesOf(told)).toEqual(['registered'])
  })

  it('comes back with its mapper, again and again', async () => {
    let mapper = await startEpmdServer()
    const { port } = mapper
    const told = listenTo('beamscope:register')
    await using _ = await keepRegistered(REGISTRANT, { host: HOST, port })
    for (const round of [1, 2]) {
      await mapper.close()
      await expect.poll(() => told.length).toBeGreaterThan(2 * round - 1)
      await expect.poll(() => codesOf(told).at(-1)).toBe('ERR_EPMD_NOT_RUNNING')
      mapper = await startEpmdServer({ port })
      await expect
        .poll(() => mapper.names(), { timeout: 5_000 })
        .toEqual([{ name: 'scope', port: 4711 }])
      // The mapper knows it before its answer has come.
      await expect.poll(() => codesOf(told).at(-1)).toBe('registered')
    }
    await mapper.close()
  })

  it('comes back when another who took the name is gone', async () => {
    const first = await startEpmdServer()
    const { port } = first
    const told = listenTo('beamscope:register')
    await using _ = await keepRegistered(REGISTRANT, { host: HOST, port })
    await first.close()
    await using mapper = await startEpmdServer({ port })
    const { unregister } = mapper.register({
      ...REGISTRANT,
      port: 1,
      protocol: 0,
      highestVersion: 6,
      lowestVersion: 6,
      extra: new Uint8Array(),
    })
    await expect.poll(() => codesOf(told).at(-1)).toBe('ERR_EPMD_REGISTRATION_REFUSED')
    unregister()
    await expect
      .poll(() => mapper.names(), { timeout: 5_000 })
      .toEqual([{ name: 'scope', port: 4711 }])
  })

  it('is not tried again once it is closed, whatever it was waiting for', async () => {
    const first = await startEpmdServer()
    const { port } = first
    const told = listenTo('beamscope:register')
    const inPause = await keepRegistered(REGISTRANT, { host: HOST, port })
    await first.close()
    await inPause[Symbol.asyncDispose]()
    // One that takes the connection and says nothing.
    const second = await startEpmdServer({ port })
    const inAttempt = await keepRegistered(REGISTRANT, { host: HOST, port })
    await second.close()
    const mute = await listenTcp({ host: HOST, port }, () => {
      tried()
    })
    let tried = (): void => {}
    await new Promise<void>((resolve) => {
      tried = resolve
    })
    const start = performance.now()
    await inAttempt[Symbol.asyncDispose]()
    expect(performance.now() - start).toBeLessThan(1_000)
    await mute.close()
    const count = told.length
    await using third = await startEpmdServer({ port })
    await delay(300)
    expect(await names({ host: HOST, port })).toEqual([])
    expect(third.names()).toEqual([])
    expect(told).toHaveLength(count)
  })

  it('fails at once when it cannot be had at all, or not in time', async () => {
    const mapper = await startEpmdServer()
    const { port } = mapper
    await mapper.close()
    const told = listenTo('beamscope:register')
    await expect(keepRegistered(REGISTRANT, { host: HOST, port })).rejects.toMatchObject({
      code: 'ERR_EPMD_NOT_RUNNING',
    })
    const mute = await listenTcp({ host: HOST, port }, () => {})
    await expect(
      keepRegistered(REGISTRANT, { host: HOST, port, timeout: 20 }),
    ).rejects.toMatchObject({ code: 'ERR_TIMEOUT' })
    await mute.close()
    await delay(150)
    expect(codesOf(told)).toEqual(['ERR_EPMD_NOT_RUNNING', 'ERR_TIMEOUT'])
  })
})
