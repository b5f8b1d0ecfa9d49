import { setTimeout as pause } from 'node:timers/promises'
import { freePort } from '../../packages/cli/broker/free-port.mjs'

const startLimitMs = 120_000

/**
 * A server in a container, removed by `stop()`, and by Testcontainers when this process dies.
 * @param {object} plan
 * @param {string} plan.image
 * @param {number} plan.port Inside.
 * @param {Record<string, string>} plan.environment
 * @param {{ folder: string, megabytes: number } | undefined} plan.smallDisk
 * @param {(host: string, port: number) => string} plan.url
 * @param {(host: string, port: number) => Promise<boolean>} plan.answers
 * @returns {Promise<import('./database-server.mjs').DatabaseServer>}
 */
export async function dockerServer({ image, port, environment, url, answers, smallDisk }) {
  const { GenericContainer, Wait, getContainerRuntimeClient } = await import('testcontainers')
  const client = await getContainerRuntimeClient()
  const { host } = client.info.containerRuntime
  const outer = await freePort()
  const container = new GenericContainer(image)
  if (smallDisk !== undefined) container.withPrivilegedMode().withTmpFs({ [smallDisk.folder]: `rw,size=${smallDisk.megabytes}m,mode=777` })
  const started = await container
    .withExposedPorts({ container: port, host: outer })
    .withEnvironment(environment)
    .withWaitStrategy(Wait.forListeningPorts())
    .withStartupTimeout(startLimitMs)
    .start()
  const ready = async () => {
    for (const until = Date.now() + startLimitMs; !(await answers(host, outer)); await pause(100))
      if (Date.now() > until) throw new Error(`${image} did not answer within ${startLimitMs} ms.`)
  }
  try {
    await ready()
  } catch (error) {
    await started.stop({ timeout: 0 })
    throw error
  }
  const running = client.container.dockerode.getContainer(started.getId())
  return {
    kind: 'docker',
    url: url(host, outer),
    kill: async () => void (await started.stop({ timeout: 0, remove: false })),
    restart: async () => {
      await started.restart({ timeout: 10_000 })
      await ready()
    },
    freeze: async () => void (await running.pause()),
    thaw: async () => void (await running.unpause()),
    stop: async () => void (await started.stop({ timeout: 10_000 })),
    ...(smallDisk !== undefined && {
      smallDisk: {
        folder: smallDisk.folder,
        grow: async () => {
          const { exitCode, output } = await started.exec(['mount', '-o', 'remount,size=1g', smallDisk.folder], { user: 'root' })
          if (exitCode !== 0) throw new Error(`The small disk of ${image} could not be made larger: ${output}`)
        },
      },
    }),
  }
}
