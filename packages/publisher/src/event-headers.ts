/** The header that says which event a record is: the same when it is sent again. */
export const EVENT_ID_HEADER = 'millrace-event-id'
/** The header that says of which type an event is. */
export const EVENT_TYPE_HEADER = 'millrace-event-type'
/** The header of an envelope, which holds several events: how many. */
export const EVENT_BATCH_HEADER = 'millrace-event-batch'
