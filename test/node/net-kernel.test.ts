import { describe, expect, test } from 'vitest'
import { atom, type Term, tuple } from '../../src/etf/index.ts'
import { startNetKernel } from '../../src/node/net-kernel.ts'
import { body, delivered, LoneProcesses, remotePid, remoteReference } from './lone-processes.ts'

/** What `net_kernel` answers to a call. */
async function ask(request: Term): Promise<Term | undefined> {
  const node = new LoneProcesses()
  startNetKernel(node.processes)
  const from = remotePid()
  const message = body(tuple(atom('$gen_call'), tuple(from, remoteReference()), request))
  node.receive({ type: 'message', from, to: atom('net_kernel'), message })
  await delivered()
  return node.peer().sent[0]?.payload
}

describe('net_kernel', () => {
  test('says yes to a ping', async () => {
    expect(await ask(tuple(atom('is_auth'), atom('peer@127.0.0.1')))).toEqual(
      tuple(remoteReference(), atom('yes')),
    )
  })

  test.each<[string, Term]>([
    ['a spawn', tuple(atom('spawn'), atom('m'), atom('f'), [], remotePid())],
    ['anything', 5],
    ['a ping of another shape', tuple(atom('is_auth'))],
  ])('refuses %s at once, as an Erlang node refuses it', async (_, request) => {
    const notsup = tuple(atom('EXIT'), tuple(atom('notsup'), []))
    expect(await ask(request)).toEqual(tuple(remoteReference(), notsup))
  })

  test('keeps no program alive, and can be ended without harm', async () => {
    const node = new LoneProcesses()
    startNetKernel(node.processes)
    await delivered()
    expect(node.waits).toBe(0)
    const reason = body(atom('kill'))
    const to = atom('net_kernel')
    node.receive({ type: 'exit', ofLink: false, from: remotePid(), to, reason })
    await delivered()
    expect(node.processes.whereis('net_kernel')).toBeUndefined()
  })
})
