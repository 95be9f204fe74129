/**
 * An echo server written with the client: a real node sends it random terms of every kind, and each has
 * to come back as the very same.
 */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { Cookie } from '../src/dist/cookie.ts'
import { CLIENT_FLAGS, flag } from '../src/dist/flags.ts'
import { isTuple, Pid, tuple } from '../src/etf/index.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { describeOnEachRelease } from './support/describe-on-release.ts'
import { type ErlangNode, startErlangNode } from './support/index.ts'
import { echoRandomTerms, loadRandomTerms } from './support/random-terms.ts'

const COUNT = 10_000
const HEADERS = flag.DIST_HDR_ATOM_CACHE | flag.FRAGMENTS

/** Sends `{Number, Term}` to who sent `{From, Number, Term}`, until the node closes. */
async function serveEcho(node: HiddenNode): Promise<void> {
  const echo = node.spawn({ name: 'echo' })
  for await (const mail of echo) {
    if (mail.type !== 'message' || !isTuple(mail.message, 3)) continue
    const [from, number, term] = mail.message.elements
    if (!(from instanceof Pid) || number === undefined || term === undefined) continue
    echo.send(from, tuple(number, term))
  }
}

describeOnEachRelease('an echo server', (release) => {
  let node: ErlangNode

  beforeAll(async () => {
    node = await startErlangNode({ release })
    await loadRandomTerms(node)
  })

  afterAll(async () => {
    await node.stop()
  })

  it.each([
    ['without a distribution header', 0n],
    ['with the atom cache', flag.DIST_HDR_ATOM_CACHE],
    ['with fragments', flag.FRAGMENTS],
    ['with both', HEADERS],
  ])(
    'returns 10,000 random terms as they were, %s',
    async (_, headers) => {
      const { cookie, epmdPort } = node
      const name = `echo-${headers}@127.0.0.1`
      const flags = (CLIENT_FLAGS & ~HEADERS) | headers
      await using ours = new HiddenNode({ name, cookie: new Cookie(cookie), epmdPort, flags })
      const serving = serveEcho(ours)
      await ours.listen()
      const seed = Math.floor(Math.random() * 1_000_000)
      const options = { server: 'echo', node: name, count: COUNT, seed }
      const result = await node.evaluate(echoRandomTerms(options), { timeout: 180_000 })
      expect(result, `seed ${seed}`).toMatch(/^\{ok,\s*10000,/)
      expect(ours.remotes.map((it) => it.flags & HEADERS)).toEqual([headers])
      await ours.close()
      await serving
    },
    200_000,
  )
})
