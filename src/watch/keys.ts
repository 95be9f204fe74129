/**
 * What each key means.
 */

/** A key as `useInput` of ink tells it: what it types, and whether it is one that types nothing. */
export interface Key {
  readonly input: string
  readonly upArrow?: boolean
  readonly downArrow?: boolean
  readonly leftArrow?: boolean
  readonly rightArrow?: boolean
  readonly pageUp?: boolean
  readonly pageDown?: boolean
  readonly home?: boolean
  readonly end?: boolean
  readonly return?: boolean
  readonly escape?: boolean
  readonly tab?: boolean
  readonly shift?: boolean
  readonly ctrl?: boolean
}

export type Command =
  | { readonly type: 'move'; readonly rows: number }
  | { readonly type: 'switch-node'; readonly by: number }
  | { readonly type: 'choose-node'; readonly index: number }
  | {
      readonly type:
        | 'open'
        | 'back'
        | 'sort'
        | 'unit'
        | 'freeze'
        | 'help'
        | 'save'
        | 'redraw'
        | 'suspend'
        | 'quit'
        | 'interrupt'
    }

const PAGE = 10

/** Farther than any list is long. */
const ALL = 10_000

const LETTERS: Readonly<Record<string, Command>> = {
  j: { type: 'move', rows: 1 },
  k: { type: 'move', rows: -1 },
  g: { type: 'move', rows: -ALL },
  G: { type: 'move', rows: ALL },
  l: { type: 'open' },
  h: { type: 'back' },
  s: { type: 'sort' },
  u: { type: 'unit' },
  f: { type: 'freeze' },
  ' ': { type: 'freeze' },
  w: { type: 'save' },
  n: { type: 'switch-node', by: 1 },
  p: { type: 'switch-node', by: -1 },
  '?': { type: 'help' },
  q: { type: 'quit' },
}

const WITH_CTRL: Readonly<Record<string, Command>> = {
  c: { type: 'interrupt' },
  l: { type: 'redraw' },
  z: { type: 'suspend' },
}

/** As they come among other characters, when several were typed before any was read: then ink does not name them. */
const CONTROLS: Readonly<Record<string, Command>> = {
  '\u0003': { type: 'interrupt' },
  '\t': { type: 'switch-node', by: 1 },
  '\u000c': { type: 'redraw' },
  '\r': { type: 'open' },
  '\u001a': { type: 'suspend' },
}

/** Of a key that means something; several characters may come at once, from somebody who types fast. */
export function commandsOf(key: Key): readonly Command[] {
  const { input } = key
  if (key.ctrl) return known(WITH_CTRL[input])
  if (key.upArrow) return [{ type: 'move', rows: -1 }]
  if (key.downArrow) return [{ type: 'move', rows: 1 }]
  if (key.pageUp) return [{ type: 'move', rows: -PAGE }]
  if (key.pageDown) return [{ type: 'move', rows: PAGE }]
  if (key.home) return [{ type: 'move', rows: -ALL }]
  if (key.end) return [{ type: 'move', rows: ALL }]
  if (key.return || key.rightArrow) return [{ type: 'open' }]
  if (key.escape || key.leftArrow) return [{ type: 'back' }]
  if (key.tab) return [{ type: 'switch-node', by: key.shift ? -1 : 1 }]
  return Array.from(input).flatMap(ofCharacter)
}

function ofCharacter(character: string): readonly Command[] {
  if (/^[1-9]$/.test(character)) return [{ type: 'choose-node', index: Number(character) - 1 }]
  const commands = Object.hasOwn(CONTROLS, character) ? CONTROLS : LETTERS
  return known(Object.hasOwn(commands, character) ? commands[character] : undefined)
}

function known(command: Command | undefined): readonly Command[] {
  return command === undefined ? [] : [command]
}

/** For the help: the keys, and what they do. */
export const KEYS: readonly (readonly [keys: string, what: string])[] = [
  ['↑ ↓ k j', 'select an allocator'],
  ['Enter →', 'its instances that hold more than always: by scheduler, 0 for none'],
  ['Esc ←', 'back'],
  ['s', 'sort by waste, allocated, usage, name'],
  ['u', 'unit: readable, byte, kilobyte, megabyte, gigabyte'],
  ['Space f', 'freeze the screen; sampling goes on behind it'],
  ['w', 'save what is shown as a snapshot file in this folder'],
  ['Tab n p', 'the next node, or the one before; 1 to 9 choose one'],
  ['Ctrl-L', 'draw everything again'],
  ['q', 'quit; Ctrl-C as well'],
]
