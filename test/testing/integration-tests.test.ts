/** The example in docs/integration-tests.md that needs no node: imported, it registers its tests here. */
import { afterAll, expect, it } from 'vitest'
import { readSnippets, writeSnippets } from '../snippets.ts'

const snippets = (await readSnippets('docs/integration-tests.md')).filter(
  ({ fileName }) => fileName === 'test/recording.test.ts',
)
const written = await writeSnippets(snippets)

afterAll(() => written[Symbol.asyncDispose]())

it('is one file', () => {
  expect(snippets).toHaveLength(1)
})

for (const file of written.files) await import(/* @vite-ignore */ file)
