import { readdirSync, readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const folder = new URL('../../src/analysis/', import.meta.url)
const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
)

it.each(files)('%s imports nothing but the analysis, so that a browser can', (file) => {
  const url = new URL(file, folder)
  const source = readFileSync(url, 'utf8')
  for (const [, path = ''] of source.matchAll(/\bfrom '([^']*)'|\bimport\(/g)) {
    expect(path).toMatch(/^\.{1,2}\/.*\.ts$/)
    expect(relative(fileURLToPath(folder), fileURLToPath(new URL(path, url)))).not.toMatch(/^\.\./)
  }
})
