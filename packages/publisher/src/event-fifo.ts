import { Fifo } from './fifo.ts'
import type { PendingEvent } from './pending-event.ts'

/** Events in the order in which they were taken. */
export class EventFifo extends Fifo<PendingEvent> {
  constructor(isThere: (event: PendingEvent) => boolean) {
    super(isThere, sequenceOf)
  }
}

/** It may be taken by a flush. */
export function isReady({ state }: PendingEvent): boolean {
  return state === 'waiting'
}

/** No flush has it yet. */
export function waits({ state }: PendingEvent): boolean {
  return state === 'waiting' || state === 'aside'
}

function sequenceOf({ sequence }: PendingEvent): number {
  return sequence
}
