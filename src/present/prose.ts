/**
 * Sentences on lines of a given width.
 */

/**
 * Breaks at spaces so that no line has more than `width` characters; a longer word stays whole. `indent`
 * stands before each line but the first, beyond the width: what stands before the first is the caller's.
 */
export function wrap(text: string, width: number, indent = ''): string {
  const lines: string[] = []
  let line = ''
  for (const word of text.split(' ')) {
    if (line !== '' && line.length + 1 + word.length > width) {
      lines.push(line)
      line = word
    } else {
      line = line === '' ? word : `${line} ${word}`
    }
  }
  lines.push(line)
  return lines.join(`\n${indent}`)
}
