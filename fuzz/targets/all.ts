/**
 * All that is fuzzed.
 */
import type { Target } from '../target.ts'
import { allocatorsTarget, snapshotsTarget } from './allocators.ts'
import { conversationTarget } from './conversation.ts'
import { epmdAnswerTarget, epmdRequestTarget } from './epmd.ts'
import { epmdClientTarget, epmdServerTarget } from './epmd-sockets.ts'
import { framesTarget } from './frames.ts'
import { handshakeMessageTarget, handshakeStateTarget } from './handshake.ts'
import { controlTarget, fragmentsTarget, messagesTarget, sentTarget } from './messages.ts'
import { nodeListTarget, nodeNameTarget, nodePatternTarget } from './names.ts'
import { cookieTarget, tlsFilesTarget, valuesTarget } from './options.ts'
import { osMemoryTarget } from './os-memory.ts'
import { probeTarget } from './probe.ts'
import { recordingsTarget } from './recordings.ts'
import {
  compressedTarget,
  cursorTarget,
  decodeTarget,
  formatTarget,
  readerTarget,
} from './terms.ts'
import { callTarget, textTarget } from './texts.ts'

export const targets: readonly Target[] = [
  decodeTarget,
  readerTarget,
  compressedTarget,
  cursorTarget,
  formatTarget,
  textTarget,
  callTarget,
  epmdRequestTarget,
  epmdAnswerTarget,
  epmdServerTarget,
  epmdClientTarget,
  handshakeMessageTarget,
  handshakeStateTarget,
  framesTarget,
  messagesTarget,
  fragmentsTarget,
  controlTarget,
  sentTarget,
  conversationTarget,
  allocatorsTarget,
  snapshotsTarget,
  recordingsTarget,
  osMemoryTarget,
  probeTarget,
  nodeNameTarget,
  nodeListTarget,
  nodePatternTarget,
  valuesTarget,
  cookieTarget,
  tlsFilesTarget,
]

/** @throws {RangeError} for a name that none has */
export function targetNamed(name: string): Target {
  const target = targets.find((it) => it.name === name)
  if (target === undefined) throw new RangeError(`there is no target ${name}`)
  return target
}
