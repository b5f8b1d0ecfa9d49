import { installDebianPackages, missingDebianPackages } from './debian-packages.mjs'
import { findProgram } from './find-program.mjs'
import { tail } from './setup-error.mjs'

const names = ['chromium', 'chromium-browser', 'google-chrome', 'google-chrome-stable']

/** What to do where there is none, and it can't be installed here. */
export const browserAdvice =
  "The dashboard's tests need Chromium: install it (on Debian: apt-get install chromium), or name its program in CHROMIUM."

/**
 * The program of a Chromium on this machine; undefined if there is none.
 * @param {NodeJS.ProcessEnv} env
 * @returns {string | undefined}
 */
export function findBrowser({ CHROMIUM: named, PATH: path }) {
  return findProgram({ named, names, path })
}

/**
 * A browser for the tests of the dashboard: Debian's, where there is none. Without it the set-up goes on, and those tests fail and say why.
 * @param {import('./checkout.mjs').Checkout} checkout
 */
export function browser({ env, say }) {
  return {
    isDone: () => findBrowser(env) !== undefined,
    async run() {
      const missing = await missingDebianPackages(['chromium'], env)
      if (missing === undefined || missing.length === 0) return say(browserAdvice)
      say('installing Chromium, for the tests of the dashboard')
      const { code, output } = await installDebianPackages(missing, env)
      if (code !== 0) say(`Chromium could not be installed.\n${tail(output, 5)}\n${browserAdvice}`)
    },
  }
}
