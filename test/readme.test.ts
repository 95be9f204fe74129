/** The TypeScript of the README and of docs/ is right, and does what it says. */

import { existsSync } from 'node:fs'
import { chmod, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { binarySpikeFile, startReplayNode } from '../src/replay/start-replay-node.ts'
import { runProgram } from '../src/testing/program.ts'
import { createTemporaryFolder } from '../src/testing/temporary-folder.ts'
import { listDocuments, projectFolder, readSnippets, writeSnippets } from './snippets.ts'

const snippets = (await Promise.all((await listDocuments()).map(readSnippets))).flat()

/** Those with a name are files of a test suite: integration-tests.test.ts runs them. */
const programs = snippets.filter(({ fileName }) => fileName === undefined)

/** Of the node in the documents; the cookie stands there too, and in `~/.erlang.cookie`. */
const NAME = 'rabbit@127.0.0.1'
const COOKIE = 'the cookie'

const node = await startReplayNode({ snapshotFile: binarySpikeFile, name: NAME, cookie: COOKIE })
const home = await createTemporaryFolder()
const written = await writeSnippets(programs, (code) =>
  code
    .replaceAll("'rabbit@myhost'", `'${NAME}'`)
    .replaceAll(/\{ cookie(?=[:,])/g, `{ epmdPort: ${node.epmdPort}, cookie`),
)

beforeAll(async () => {
  const cookieFile = join(home.path, '.erlang.cookie')
  await writeFile(cookieFile, COOKIE)
  await chmod(cookieFile, 0o400)
  vi.stubEnv('HOME', home.path)
})

afterAll(async () => {
  vi.unstubAllEnvs()
  await written[Symbol.asyncDispose]()
  await home[Symbol.asyncDispose]()
  await node.close()
})

describe('the documents', () => {
  it('name tests that are there', async () => {
    const paths = new Set<string>()
    for (const document of await listDocuments()) {
      const text = await readFile(join(projectFolder, document), 'utf8')
      for (const [path] of text.matchAll(/(?<=`)(native-test|test)\/[\w./-]+(?=`)/g))
        paths.add(path)
    }
    expect(paths.size).toBeGreaterThan(20)
    expect([...paths].filter((path) => !existsSync(join(projectFolder, path)))).toEqual([])
  })
})

describe('the TypeScript of the documents', () => {
  it('has the types of what is exported', async () => {
    await using checked = await writeSnippets(snippets)
    const tsc = join(projectFolder, 'node_modules', '.bin', 'tsc')
    const command = [tsc, '--noEmit', '--project', checked.folder] as const
    const { status, stdout } = await runProgram(command, { timeout: 120_000 })
    expect({ status, stdout }).toEqual({ status: 0, stdout: '' })
  }, 150_000)

  it('prints a verdict with its findings, then a release and an error, in the README', async () => {
    const lines: unknown[][] = []
    for (const { file } of filesOf(/^README/)) lines.push(...(await linesPrintedBy(file)))
    expect(lines).toEqual([
      ['fragmented', expect.arrayContaining(['fragmented-allocator binary_alloc'])],
      ['"27"'],
      // A replay node has no lists:nth/2.
      ['undef'],
    ])
  })

  it('prints what the calls, the processes and the server of the client give', async () => {
    const lines: unknown[][] = []
    for (const { file } of filesOf(/client/)) lines.push(...(await linesPrintedBy(file)))
    expect(lines).toEqual([
      ['"27"'],
      ['undef', expect.stringContaining('no_such_module')],
      ['hello'],
      [true, 'done'],
      ['1'],
    ])
  })

  // Last: what one of these subscribes to, it goes on to print.
  it.each(filesOf(/^docs\/(?!client)/))('runs: $place', async ({ file }) => {
    await expect(linesPrintedBy(file)).resolves.toBeDefined()
  })
})

function filesOf(documents: RegExp): { readonly place: string; readonly file: string }[] {
  return written.files
    .map((file, index) => ({ file, place: programs[index]?.place ?? '' }))
    .filter(({ place }) => documents.test(place))
}

/** Imports a module, and returns the arguments of each call to print. */
async function linesPrintedBy(file: string): Promise<unknown[][]> {
  const lines: unknown[][] = []
  const print = (...line: unknown[]): void => {
    lines.push(line)
  }
  const spies = [
    vi.spyOn(console, 'log').mockImplementation(print),
    vi.spyOn(console, 'error').mockImplementation(print),
  ]
  try {
    await import(/* @vite-ignore */ file)
  } finally {
    for (const spy of spies) spy.mockRestore()
  }
  return lines
}
