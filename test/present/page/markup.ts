/**
 * What stands in a page, taken apart without believing it: all that is no tag of a page is text.
 */

export interface Tag {
  readonly name: string
  readonly attributes: ReadonlyMap<string, string>
}

export interface Markup {
  readonly tags: readonly Tag[]
  /** With a line for each block. */
  readonly text: string
}

const TAG = /<(\/?)([a-z][a-z0-9]*)((?:\s+[a-z][\w:-]*(?:="[^"]*")?)*)\s*\/?>/gi
const ATTRIBUTE = /\s+([a-z][\w:-]*)(?:="([^"]*)")?/gi

/** Where a line ends. */
const BLOCKS =
  /^(?:h\d|p|li|tr|dt|dd|pre|caption|summary|button|section|div|text|footer|figcaption)$/

/** Stands in no text of a page: it would be named there. */
const CELL = '\t'

/** @throws when something in it is neither a tag nor text */
export function parseMarkup(html: string): Markup {
  const tags: Tag[] = []
  const body = html
    .replace(/^<!doctype html>\n/, '')
    .replace(/<style>.*?<\/style>/gs, '')
    .replace(/<script[^>]*>.*?<\/script>/gs, '')
  const rest = body.replace(TAG, (_, close: string, name: string, attributes: string) => {
    if (close === '') {
      const all = [...attributes.matchAll(ATTRIBUTE)]
      tags.push({
        name,
        attributes: new Map(all.map(([, key = '', value = '']) => [key, unescaped(value)])),
      })
    }
    if (BLOCKS.test(name)) return '\n'
    return name === 'td' || name === 'th' ? CELL : ''
  })
  const stray = /.{0,40}[<>].{0,40}/s.exec(rest)
  if (stray !== null) throw new Error(`neither tag nor text: ${stray[0]}`)
  const lines = rest
    .split('\n')
    .map((line) => line.replaceAll(/[ \t]*\t[ \t]*/g, ' | ').replace(/^[ |]+|[ |]+$/g, ''))
  const text = lines.filter((line) => line !== '').join('\n')
  return { tags, text: unescaped(text) }
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&amp;': '&',
  '&lt;': '<',
  '&gt;': '>',
  '&quot;': '"',
  '&#39;': "'",
}

function unescaped(text: string): string {
  return text.replace(/&[^;]*;/g, (entity) => {
    const character = ENTITIES[entity]
    if (character === undefined) throw new Error(`an unknown entity: ${entity}`)
    return character
  })
}

/** All attributes of that name, in order. */
export function attributes({ tags }: Markup, name: string): readonly string[] {
  return tags.flatMap((tag) => tag.attributes.get(name) ?? [])
}
