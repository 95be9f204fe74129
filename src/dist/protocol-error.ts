/**
 * The root of what a peer can do wrong in the distribution protocol.
 */
import { BeamscopeError } from '../errors.ts'

/** The peer sent what the protocol does not allow. Subclasses say whether the connection can go on. */
export abstract class ProtocolError extends BeamscopeError {}
