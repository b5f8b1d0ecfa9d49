import { transportConformance } from '@millrace/testing'
import { describe, inject, test } from 'vitest'
import { kafka } from '../src/index.ts'

describe.concurrent('Kafka', () => {
  transportConformance({ test, factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers'), client: 'confluent' }) }) })
})

describe.concurrent('Kafka, by the packed client', () => {
  transportConformance({ test, factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers'), client: 'packed' }) }) })
})

describe.concurrent.each(['confluent', 'packed'] as const)('Kafka, with groups of the new protocol, by %s', (client) => {
  // oxlint-disable-next-line vitest/valid-title -- the suite gives the names
  const register = test
  transportConformance({
    // The others have no group.
    test: (name, run) => (/^(groups|transactions): /.test(name) ? register(name, run) : undefined),
    factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers'), client, groupProtocol: 'consumer' }) }),
  })
})
