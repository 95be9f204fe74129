/** The example in docs/integration-tests.md with a real node: imported, it registers its tests here. */
import { afterAll, expect, inject, it } from 'vitest'
import { readSnippets, writeSnippets } from '../test/snippets.ts'
import { describeOnRelease } from './support/describe-on-release.ts'

const names = ['test/global-setup.ts', 'test/erlang.test.ts']
const snippets = (await readSnippets('docs/integration-tests.md')).filter(
  ({ fileName }) => fileName !== undefined && names.includes(fileName),
)
const written = await writeSnippets(snippets)
const [setup = '', test = ''] = written.files

afterAll(() => written[Symbol.asyncDispose]())

it('is two files', () => {
  expect(snippets.map(({ fileName }) => fileName)).toEqual(names)
})

describeOnRelease(27, 'the example with a real node', async () => {
  it('has the images it needs after its set-up', async (context) => {
    const { images } = inject('erlangReleases')
    context.skip(images === undefined, 'no Docker engine answers')
    const { default: setUp }: { readonly default: () => Promise<void> } = await import(
      /* @vite-ignore */ setup
    )
    await expect(setUp()).resolves.toBeUndefined()
  })

  await import(/* @vite-ignore */ test)
})
