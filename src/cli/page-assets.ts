/**
 * What every page holds besides the figures: its style and its script, which are made when the program is built.
 */
import { readFile } from 'node:fs/promises'
import type { PageAssets } from '../present/page/page.ts'

/** Beside the program, in a folder of their own; for the source, where the build puts them. */
function read(file: string): Promise<string> {
  return readFile(new URL(`../../lib/page/${file}`, import.meta.url), 'utf8')
}

export async function readPageAssets(): Promise<PageAssets> {
  const [css, script] = await Promise.all([read('page.css'), read('page.js')])
  return { css, script }
}
