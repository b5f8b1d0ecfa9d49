export const SINK_ROW = 'sink'
export const ONE_AT_A_TIME_ROW = 'sink, one insert at a time'
export const SINGLE_ROW = 'one insert an event'
