import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { examine } from '../../fuzz/examine.ts'
import { targets } from '../../fuzz/targets/all.ts'

const corpus = new URL('corpus/', import.meta.url)

const inputs = targets.flatMap((target) => {
  const folder = new URL(`${target.name}/`, corpus)
  return existsSync(folder)
    ? readdirSync(folder).map((name) => ({ target, name, path: new URL(name, folder) }))
    : []
})

describe('what once failed', () => {
  it.each(inputs)('$target.name: $name', async ({ target, path }) => {
    expect((await examine(target, readFileSync(path))).finding).toBeUndefined()
  })

  it('is all known to a target', () => {
    const folders = readdirSync(corpus)
    expect(new Set(inputs.map(({ target }) => target.name))).toEqual(new Set(folders))
  })
})
