import { expect, inject, test } from 'vitest'
import { run } from '../src/run.ts'

test('the load publishes every event to a Kafka that is named, the second time too', async () => {
  for (let time = 0; time < 2; time++) {
    let said = ''
    const code = await run(['load', '--brokers', inject('kafkaBrokers'), '--posts', '100'], (text) => {
      said += text
    })
    expect(said).toContain('100 of 100 events published')
    expect(code).toBe(0)
  }
})
