import { readdirSync, readFileSync } from 'node:fs'
import { expect, it } from 'vitest'

const folder = new URL('../../src/analysis/', import.meta.url)

it.each(readdirSync(folder))(
  '%s imports nothing but the analysis, so that a browser can',
  (file) => {
    const source = readFileSync(new URL(file, folder), 'utf8')
    const imported = Array.from(source.matchAll(/\bfrom '([^']+)'|\bimport\(/g), ([, path]) => path)
    for (const path of imported) expect(path).toMatch(/^\.\/[\w-]+\.ts$/)
  },
)
