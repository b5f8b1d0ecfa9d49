import { expect, test } from 'vitest'
import { loadModule } from '../../src/confluent/load-module.ts'

function failing(message: string, code?: string): () => Promise<unknown> {
  return () => Promise.reject(Object.assign(new Error(message), code === undefined ? {} : { code }))
}

test('a package that is not installed is named, with how to get it', async () => {
  const missing = failing("Cannot find package '@confluentinc/kafka-javascript' imported from /app/x.js", 'ERR_MODULE_NOT_FOUND')
  await expect(loadModule(missing)).rejects.toMatchObject({
    code: 'KAFKA_CLIENT_MISSING',
    retryable: false,
    message: expect.stringMatching(
      /^The client 'confluent' needs the package @confluentinc\/kafka-javascript, which is not installed\. .*: npm install @confluentinc\/kafka-javascript; or use the client 'packed'.*CKJS_LINKING=dynamic/,
    ) as string,
  })
})

test('a native part that was not built, or for another Node, is told with what building takes', async () => {
  const notBuilt = failing("Cannot find module '../build/Release/confluent-kafka-javascript'\nRequire stack:\n- /x", 'MODULE_NOT_FOUND')
  await expect(loadModule(notBuilt)).rejects.toThrow(/can't be loaded \(Cannot find module '[^']+'\)\. Build it again: npm rebuild/)
  const otherNode = failing('The module was compiled against a different Node.js version', 'ERR_DLOPEN_FAILED')
  await expect(loadModule(otherNode)).rejects.toThrow('compiled against a different Node.js version')
})

test('a worker thread is told that it is one', async () => {
  await expect(loadModule(failing("Module did not self-register: '/x.node'.", 'ERR_DLOPEN_FAILED'))).rejects.toThrow(
    "can't be loaded in a worker thread",
  )
})
