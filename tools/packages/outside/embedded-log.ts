import { memory } from 'millrace/memory'

/** What the program is given in place of Kafka, and its reader too. */
export const transport = memory()
