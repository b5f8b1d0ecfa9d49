import { Fifo } from './fifo.ts'
import type { PendingEvent } from './pending-event.ts'

/** Waiting events in order. */
export class EventFifo extends Fifo<PendingEvent> {
  constructor() {
    super(waits)
  }
}

function waits({ state }: PendingEvent): boolean {
  return state === 'waiting' || state === 'held'
}
