/**
 * The terms of a page, in a sentence each.
 */
import { html } from './html.ts'
import type { Section } from './sections.ts'

const TERMS: readonly (readonly [string, string])[] = [
  ['resident', 'what the operating system counts of this process in memory right now (RSS).'],
  [
    'allocator',
    'a part of the Erlang runtime that hands out memory for one kind of data: eheap_alloc for heaps of processes, binary_alloc for large binaries, ets_alloc for tables.',
  ],
  [
    'instance',
    'one of several equal allocators of a kind: one for each scheduler, so that they need not wait for each other.',
  ],
  ['block', 'memory for one piece of data.'],
  [
    'carrier',
    'a large piece of memory from the operating system, in which blocks lie; it can be given back only when no block is left in it.',
  ],
  ['multiblock carrier (mbcs)', 'a carrier for many blocks.'],
  [
    'single-block carrier (sbcs)',
    'a carrier for one block that is larger than a threshold (sbct).',
  ],
  ['usage', 'how much of what is allocated is taken by blocks.'],
  [
    'fragmentation',
    'much memory in carriers that hold few blocks, so that neither the system nor other data can have it.',
  ],
  [
    'idle floor',
    'what carriers hold without using it on an idle node as well: nobody can save it.',
  ],
  ['waste', 'what carriers hold without using it, beyond the idle floor.'],
  ['pool', 'carriers that an instance abandoned as too empty, for any other one to fetch.'],
  [
    'segment cache',
    'what mseg_alloc keeps for a while of carriers that were freed, in case that one is needed again.',
  ],
]

export const GLOSSARY: Section = {
  id: 'glossary',
  title: 'Terms',
  body: html`<dl class="glossary">${TERMS.map(
    ([term, meaning]) => html`<div><dt>${term}</dt><dd>${meaning}</dd></div>`,
  )}</dl>`,
}
