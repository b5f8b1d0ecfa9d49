import { prepare } from './setup/prepare.mjs'

await prepare({ native: 'required', build: true })
