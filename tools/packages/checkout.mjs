import { root } from '../paths.mjs'
import { say } from '../say.mjs'

/** @type {import('../setup/checkout.mjs').Checkout} */
export const checkout = { root, env: process.env, say }
