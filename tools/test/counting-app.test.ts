import { expect, test } from 'vitest'
import { countingApp } from '../kafka-streams/counting-app.mjs'

test('without Java, tests beside Kafka Streams say what is missing', async () => {
  await expect(countingApp(() => undefined, { PATH: '/nowhere' })).rejects.toThrow(
    /need Java 17 and Maven, whichever broker they use[^]*\(no Java; on Debian: apt-get install openjdk-17-jre-headless maven\)/,
  )
})
