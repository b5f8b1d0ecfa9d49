import { chromium, type Browser } from 'playwright-core'
import { browserAdvice, findBrowser } from '../../tools/setup/browser.mjs'

/** A real Chromium, without a window. Rejects with what to do if this machine has none. */
export async function openBrowser(): Promise<Browser> {
  const executablePath = findBrowser(process.env)
  if (executablePath === undefined) throw new Error(browserAdvice)
  // Its sandbox wants rights that containers don't give; what it shows here is ours.
  return chromium.launch({ executablePath, chromiumSandbox: false, args: ['--disable-gpu', '--disable-dev-shm-usage'] })
}
