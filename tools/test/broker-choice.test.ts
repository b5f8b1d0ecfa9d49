import { chmodSync, existsSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { once } from 'node:events'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { openBroker } from '../broker/broker.mjs'
import { planContainers } from '../../packages/cli/broker/docker-broker.mjs'
import { JavaNode } from '../../packages/cli/broker/java-node.mjs'
import { logFolder } from '../../packages/cli/broker/log-folder.mjs'
import { serverProperties } from '../../packages/cli/broker/node-settings.mjs'
import { temporaryFolder } from './support/temporary-folder.ts'

describe('KAFKA_BROKERS', () => {
  test('where nothing answers is an error, not a reason to take another way', async () => {
    await expect(openBroker({}, { KAFKA_BROKERS: '127.0.0.1:1' })).rejects.toThrow(
      'KAFKA_BROKERS is 127.0.0.1:1, but no Kafka broker answers there',
    )
  })

  test('where something answers that is not Kafka is an error too', async () => {
    const server = createServer((socket) => socket.end('HTTP/1.1 400 Bad Request\r\n\r\n')).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const { port } = server.address() as AddressInfo
    await expect(openBroker({}, { KAFKA_BROKERS: `127.0.0.1:${port}` })).rejects.toThrow('no Kafka broker answers')
  })

  test('can be put behind no proxy', async () => {
    await expect(openBroker({ proxyPorts: [1] }, { KAFKA_BROKERS: 'one:9092' })).rejects.toThrow("can't be put behind a proxy")
  })

  test('with fewer brokers than are needed is an error', async () => {
    await expect(openBroker({ nodes: 3 }, { KAFKA_BROKERS: 'one:9092' })).rejects.toThrow('3 nodes are needed')
  })
})

test('a port that is asked for and taken is refused: who listens there would be taken for ours', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo

  await expect(openBroker({ port }, {})).rejects.toThrow(`Port ${port} is taken`)
  await expect(openBroker({ port: port - 1, nodes: 2 }, {})).rejects.toThrow('is taken')
})

test('a broker that ended while another one answered at its port has not started', async () => {
  const folder = temporaryFolder()
  const java = join(folder, 'java')
  writeFileSync(java, '#!/bin/sh\necho $$ > pid\n')
  chmodSync(java, 0o755)
  vi.stubEnv('PATH', `${folder}${delimiter}${process.env['PATH']}`)
  onTestFinished(() => void vi.unstubAllEnvs())
  const pid = () => (existsSync(join(folder, 'pid')) ? Number(readFileSync(join(folder, 'pid'), 'utf8')) : 0)
  // It answers as Kafka does, and not before that one is gone.
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', () => {
      const isGone = vi.waitUntil(() => pid() > 0 && !isAlive(pid()), { timeout: 60_000 })
      void isGone.then(() => socket.write(Buffer.from([0, 0, 0, 6, 0, 0, 0, 77, 0, 0])))
    })
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const plan = { id: 1, port, controllerPort: 0, folder }
  const node = new JavaNode(plan, { classpath: '', longLived: true, reaper: { watch() {}, forget() {} } as never })

  await expect(node.start()).rejects.toThrow('Broker 1 ended while starting.')
})

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe('a container', () => {
  test('of Kafka takes the settings from its environment', () => {
    const [plan] = planContainers('apache/kafka:4.1.1', 'localhost', [9092])
    expect(plan?.command).toBeUndefined()
    expect(plan?.environment).toMatchObject({
      KAFKA_ADVERTISED_LISTENERS: 'PLAINTEXT://localhost:9092,INNER://kafka-1:19092',
      KAFKA_AUTO_CREATE_TOPICS_ENABLE: 'false',
      KAFKA_OFFSETS_TOPIC_REPLICATION_FACTOR: '1',
    })
  })

  test('behind a proxy has a listener more, and tells who comes by it to take that way again', () => {
    const proxied = [{ port: 9100, advertised: 9200 }]
    const [kafka] = planContainers('apache/kafka:4.1.1', 'localhost', [9092], proxied)
    expect(kafka?.proxied).toEqual(proxied[0])
    expect(kafka?.environment['KAFKA_LISTENERS']).toContain(',PROXIED://:9100')
    expect(kafka?.environment['KAFKA_ADVERTISED_LISTENERS']).toContain(',PROXIED://127.0.0.1:9200')
    const [redpanda] = planContainers('redpanda', 'localhost', [9092], proxied)
    expect(redpanda?.command?.join(' ')).toMatch(/PROXIED:\/\/0\.0\.0\.0:9100 --advertise-kafka-addr \S+,PROXIED:\/\/127\.0\.0\.1:9200 /)
  })

  test('of Redpanda is told by its command line', () => {
    const [plan] = planContainers('docker.redpanda.com/redpandadata/redpanda:v25.1.1', 'localhost', [9092])
    expect(plan?.command?.join(' ')).toContain('--advertise-kafka-addr PLAINTEXT://localhost:9092')
  })

  test('of a cluster knows the others', () => {
    const plans = planContainers('apache/kafka:4.1.1', 'localhost', [9092, 9093, 9094])
    const voters = plans.map((plan) => plan.environment['KAFKA_CONTROLLER_QUORUM_VOTERS'])
    expect(new Set(voters)).toEqual(new Set(['1@kafka-1:19093,2@kafka-2:19093,3@kafka-3:19093']))
  })
})

test('three nodes keep three copies, and one keeps one', () => {
  const node = (id: number) => ({ id, port: 9000 + id, controllerPort: 9100 + id, folder: `/tmp/${id}` })
  expect(serverProperties(node(1), [node(1)])).toContain('transaction.state.log.replication.factor=1\n')
  expect(serverProperties(node(1), [node(1), node(2), node(3)])).toMatch(/replication\.factor=3\n[^]*transaction\.state\.log\.min\.isr=2\n/)
})

test('a node behind a proxy has a listener more, and tells who comes by it to take that way again', () => {
  const node = { id: 1, port: 9001, controllerPort: 9101, folder: '/tmp/1' }
  const settings = serverProperties({ ...node, proxied: { port: 9201, advertised: 9301 } }, [node])
  expect(settings).toContain('listeners=PLAINTEXT://127.0.0.1:9001,CONTROLLER://127.0.0.1:9101,PROXIED://127.0.0.1:9201\n')
  expect(settings).toContain('advertised.listeners=PLAINTEXT://127.0.0.1:9001,PROXIED://127.0.0.1:9301\n')
  expect(serverProperties(node, [node])).not.toContain('PROXIED://')
})

test('logs of a broker are in memory where there is plenty of it and the broker lives for minutes, else on the disk', () => {
  const plenty = 64 * 2 ** 30
  // Any folder with room stands for one in memory.
  const roomy = fileURLToPath(new URL('.', import.meta.url))
  expect(logFolder(false, roomy, plenty)).toBe(roomy)
  expect(logFolder(false, roomy, 2 ** 30)).toBe(tmpdir())
  expect(logFolder(true, roomy, plenty)).toBe(tmpdir())
  expect(logFolder(false, '/nowhere', plenty)).toBe(tmpdir())
})
