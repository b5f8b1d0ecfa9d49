/** What a new project is made of. */
export interface NewProject {
  /** Of the package; the application is called so, too. */
  readonly name: string
  /** Of Millrace's packages. */
  readonly version: string
}

/** The files of a new project, by their paths in it. */
export function projectFiles(project: NewProject): ReadonlyMap<string, string> {
  return new Map([
    ['package.json', packageJson(project)],
    ['tsconfig.json', TSCONFIG],
    ['.gitignore', 'node_modules/\ndist/\nstate/\n'],
    ['src/topology.ts', TOPOLOGY],
    ['src/app.ts', app(project)],
    ['test/topology.test.ts', TEST],
    ['samples/lines.txt', 'to be or not to be\nthat is the question\n'],
    ['README.md', readme(project)],
  ])
}

function packageJson({ name, version }: NewProject): string {
  const ours = `^${version}`
  const manifest = {
    name,
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=20.19.4' },
    scripts: {
      dev: 'millrace dev src/app.ts --input lines=samples/lines.txt',
      start: 'millrace run dist/app.js',
      build: 'tsc',
      test: 'node --import tsx --test test/*.test.ts',
      describe: 'millrace describe src/app.ts',
    },
    dependencies: {
      '@millrace/cli': ours,
      millrace: ours,
    },
    devDependencies: {
      '@types/node': '^20.19.0',
      tsx: '^4.20.0',
      typescript: '^5.9.0',
    },
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

const TSCONFIG = `{
  "compilerOptions": {
    "module": "nodenext",
    "target": "es2022",
    "lib": ["es2023", "esnext.disposable"],
    "types": ["node"],
    "rootDir": "src",
    "outDir": "dist",
    "strict": true,
    "exactOptionalPropertyTypes": true,
    "noUncheckedIndexedAccess": true,
    "verbatimModuleSyntax": true,
    "skipLibCheck": true,
    "sourceMap": true
  },
  "include": ["src"]
}
`

const TOPOLOGY = `import { BatchCountAggregator, serdes, type Topology, TopologyBuilder } from 'millrace'
import { leveldb } from 'millrace/leveldb'

/** How often each word was seen: on local disk, and in a changelog topic. */
export const counts = leveldb.keyValueStore({ name: 'counts', key: serdes.string, value: serdes.safeInt64 })

/** What is read. */
export const lines = { key: serdes.nullable(serdes.string), value: serdes.string }

/** What is written. */
export const totals = { key: serdes.string, value: serdes.safeInt64 }

/** Counts the words of lines. */
export function wordCount(): Topology {
  const builder = new TopologyBuilder('word-count')
  builder
    .source('lines', { topics: ['lines'], ...lines })
    .flatMap('split', (line) => wordsOf(line.value).map((word) => ({ ...line, key: word })))
    .repartition('by-word', { key: serdes.string, value: serdes.string })
    .process('count', { create: () => new BatchCountAggregator(counts), stores: [counts] })
    .sink('totals', { topic: 'word-counts', ...totals })
  return builder.build()
}

function wordsOf(line: string): string[] {
  return line.toLowerCase().match(/[\\p{L}\\p{N}]+/gu) ?? []
}
`

function app({ name }: NewProject): string {
  return `import { defineApp } from 'millrace'
import { kafka } from 'millrace/kafka'
import { wordCount } from './topology.js'

/** Started by \`millrace run\`, and by \`millrace dev\` on an embedded log. */
export default defineApp({
  topology: wordCount(),
  applicationId: '${name}',
  transport: kafka({ brokers: process.env['KAFKA_BROKERS'] ?? 'localhost:9092' }),
  stateDir: process.env['STATE_DIR'] ?? './state',
  processingGuarantee: 'exactly-once',
})
`
}

const TEST = `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TopologyTestDriver } from 'millrace/testing'
import { lines, totals, wordCount } from '../src/topology.js'

test('counts words', async () => {
  const driver = await TopologyTestDriver.start(wordCount(), { batchSize: 10 })
  try {
    const input = driver.input('lines', lines)
    const output = driver.output('word-counts', totals)

    await input.send({ key: null, value: 'to be or not to be' })

    assert.deepEqual(
      await output.readToMap(),
      new Map([
        ['to', 2],
        ['be', 2],
        ['or', 1],
        ['not', 1],
      ]),
    )
  } finally {
    await driver.close()
  }
})
`

function readme({ name }: NewProject): string {
  return `# ${name}

A [Millrace](https://www.npmjs.com/package/millrace) application: it counts the words of the topic \`lines\` into the topic \`word-counts\`.

\`\`\`sh
npm run dev      # on an embedded log, with samples/lines.txt as input, anew at each change
npm test         # the topology, in the real engine, without a broker
npm run build && npm start   # on Kafka at localhost:9092, or KAFKA_BROKERS
\`\`\`

On Kafka both topics must exist. \`npx millrace broker --port 9092\` starts a local one; \`npx millrace lag src/app.ts\` shows how far the application
is, and \`npx millrace --help\` what else there is.
`
}
