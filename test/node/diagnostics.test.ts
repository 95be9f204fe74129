import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { Cookie } from '../../src/dist/cookie.ts'
import { atom, tuple } from '../../src/etf/index.ts'
import type { DiagnosticEvents } from '../../src/node/diagnostics.ts'
import { COOKIE, PEER_NAME, ScriptedPeer } from './scripted-peer.ts'

const NAMES = [
  'beamscope:connect',
  'beamscope:handshake',
  'beamscope:call',
  'beamscope:tick',
  'beamscope:close',
] as const satisfies readonly (keyof DiagnosticEvents)[]

let events: [name: string, event: unknown][]
let peer: ScriptedPeer
const listen = (event: unknown, name: string | symbol): void => {
  events.push([String(name), event])
}

beforeEach(async () => {
  events = []
  peer = await ScriptedPeer.start()
  for (const name of NAMES) subscribe(name, listen)
})

afterEach(async () => {
  for (const name of NAMES) unsubscribe(name, listen)
  await peer.close()
})

const of = (name: keyof DiagnosticEvents) =>
  events.filter(([it]) => it === name).map(([, event]) => event)

describe('diagnostic events', () => {
  test('tell of a connection from its beginning to its end', async () => {
    const node = await peer.connect({ netTickTime: 200 })
    const address = `127.0.0.1:${peer.port}`
    expect(node.address).toBe(address)
    expect(of('beamscope:connect')).toEqual([
      { node: PEER_NAME, address, duration: expect.any(Number), error: undefined },
    ])
    // Both sides of it live here.
    expect(of('beamscope:handshake')).toContainEqual({
      address,
      duration: expect.any(Number),
      flags: node.connected.flags,
      error: undefined,
    })
    const result = node.call('m', 'f', [atom('a secret')])
    const { reqId, from } = await peer.nthRequest(0)
    const { pid } = peer.identity
    peer.send(
      { type: 'payload_monitor_p_exit', fromProc: pid, toPid: from, ref: reqId },
      tuple(reqId, atom('return'), atom('another secret')),
    )
    await result
    await expect(node.call('m', 'g', [], { timeout: 10 })).rejects.toThrow()
    expect(of('beamscope:call')).toMatchObject([
      { node: PEER_NAME, what: 'm:f/1', error: undefined },
      { node: PEER_NAME, what: 'm:g/0', error: { code: 'ERR_TIMEOUT' } },
    ])
    await expect
      .poll(() => of('beamscope:tick'))
      .toContainEqual({ node: PEER_NAME, direction: 'sent' })
    await node.close()
    expect(of('beamscope:close')).toContainEqual({
      node: PEER_NAME,
      error: expect.objectContaining({ code: 'ERR_NODE_NOT_CONNECTED' }),
    })
    const told = JSON.stringify(events, (_, value) =>
      typeof value === 'bigint' ? `${value}` : value,
    )
    expect(told).not.toContain('secret')
  })

  test('tell why there is no connection', async () => {
    await expect(peer.connect({ cookie: new Cookie('wrong') })).rejects.toThrow()
    const error = expect.objectContaining({ code: 'ERR_DIST_WRONG_COOKIE' })
    expect(of('beamscope:connect')).toEqual([
      { node: PEER_NAME, address: undefined, duration: expect.any(Number), error },
    ])
    expect(of('beamscope:handshake')).toContainEqual(
      expect.objectContaining({ flags: undefined, error }),
    )
    expect(JSON.stringify(COOKIE)).toBe('"[cookie]"')
  })
})
