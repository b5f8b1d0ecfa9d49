import { describe, inject, test } from 'vitest'
import { transportConformance } from '@millrace/testing'
import { kafka } from '../src/index.ts'

describe('the Kafka transport', () => {
  transportConformance({ test, factory: () => ({ transport: kafka({ brokers: inject('kafkaBrokers') }) }) })
})
