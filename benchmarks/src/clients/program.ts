import type { ClientConfig } from './client-config.ts'
import { readConfluent, writeConfluent } from './confluent-client.ts'
import { readPacked, writePacked } from './packed-client.ts'

// One client, one work, in a process of its own.
const config = JSON.parse(String(process.argv[2])) as ClientConfig
const WORKS = { packed: { read: readPacked, write: writePacked }, confluent: { read: readConfluent, write: writeConfluent } }
await WORKS[config.client][config.work](config)
