/**
 * What is told on the channels of diagnostics.
 */
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { onTestFinished } from 'vitest'
import type { DiagnosticEvents } from '../../src/node/diagnostics.ts'

export interface Told {
  readonly error: unknown
}

/** The events of a channel from now on, until the test is over. */
export function listenTo(name: Exclude<keyof DiagnosticEvents, 'beamscope:tick'>): readonly Told[] {
  const events: Told[] = []
  const take = (event: unknown): void => {
    if (isTold(event)) events.push(event)
  }
  subscribe(name, take)
  onTestFinished(() => {
    unsubscribe(name, take)
  })
  return events
}

function isTold(event: unknown): event is Told {
  return typeof event === 'object' && event !== null && 'error' in event
}
