import { start } from '../../../src/app/start.ts'
import mortal from './mortal.ts'

const app = await start(mortal)
await app.run()
