/** A node with a NIF that takes memory with malloc: the diagnosis has to look outside the allocators. */
import { afterAll, beforeAll, expect, it } from 'vitest'
import { accountingLine } from '../src/analysis/accounting.ts'
import { type Diagnosis, diagnose } from '../src/analysis/diagnose.ts'
import { Cookie } from '../src/dist/cookie.ts'
import { HiddenNode } from '../src/node/hidden-node.ts'
import { probe } from '../src/probe/probe.ts'
import { toSnapshot } from '../src/probe/raw-snapshot.ts'
import { erlangReleases } from '../src/testing/images.ts'
import { expectToAddUp } from './support/accounting.ts'
import { compileLibrary } from './support/compile-library.ts'
import { describeUnless } from './support/describe-on-release.ts'
import { whyNoImage } from './support/extra-images.ts'
import {
  createTemporaryFolder,
  type ErlangNode,
  startErlangNode,
  type TemporaryFolder,
} from './support/index.ts'
import { loadErlangModule } from './support/random-terms.ts'

const BYTES = 300_000_000

const MODULE = `
-module(malloc_nif).
-export([load/1, take/1]).
load(Path) -> erlang:load_nif(Path, 0).
take(_) -> erlang:nif_error(not_loaded).
`

const shortfall = await whyNoImage('compiler')
if (shortfall !== undefined) console.error(`a NIF that mallocs skipped: ${shortfall}`)

async function diagnoseNode({ cookie, epmdPort, name }: ErlangNode): Promise<Diagnosis> {
  await using hidden = new HiddenNode({ cookie: new Cookie(cookie), epmdPort })
  return diagnose(toSnapshot(await probe(await hidden.connect(name))))
}

describeUnless(shortfall, 'a NIF that takes memory with malloc', () => {
  let folder: TemporaryFolder

  beforeAll(async () => {
    folder = await createTemporaryFolder()
    await compileLibrary('malloc_nif', folder.path)
  })

  afterAll(async () => {
    await folder[Symbol.asyncDispose]()
  })

  it.each(erlangReleases)('is found outside the allocators of OTP %i', async (release) => {
    await using node = await startErlangNode({
      release,
      folders: [folder.path],
      emulatorArguments: ['+S', '2:2'],
    })
    await loadErlangModule(node, MODULE)
    expect(await node.evaluate(`malloc_nif:load("${folder.path}/malloc_nif")`)).toBe('ok')
    expect((await diagnoseNode(node)).verdict).toBe('healthy')
    expect(await node.evaluate(`malloc_nif:take(${BYTES})`)).toBe('ok')
    const { verdict, findings, accounting } = await diagnoseNode(node)
    expect(verdict).toBe('outside-allocators')
    expect(findings.map(({ id }) => id)).toContain('outside-allocators')
    // Less what carriers hold that is not resident: the sum cannot tell one from the other.
    expect(Number(accountingLine(accounting, 'unexplained').bytes)).toBeGreaterThan(0.95 * BYTES)
    expectToAddUp(accounting)
  })
})
