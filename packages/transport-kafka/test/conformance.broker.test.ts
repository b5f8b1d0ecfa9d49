import { transportConformance } from '@millrace/testing'
import { describe, inject, test } from 'vitest'
import { kafka } from '../src/index.ts'

describe('Kafka', () => {
  transportConformance({ test, factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers'), client: 'confluent' }) }) })
})

describe('Kafka, by the packed client', () => {
  transportConformance({ test, factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers'), client: 'packed' }) }) })
})

describe('Kafka, by the packed client with groups of the new protocol', () => {
  transportConformance({
    test,
    factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers'), client: 'packed', groupProtocol: 'consumer' }) }),
  })
})

describe('Kafka, with groups of the new protocol', () => {
  // oxlint-disable-next-line vitest/valid-title -- the suite gives the names
  const register = test
  transportConformance({
    test: (name, run) => (name.startsWith('groups: ') ? register(name, run) : undefined),
    factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers'), client: 'confluent', groupProtocol: 'consumer' }) }),
  })
})
