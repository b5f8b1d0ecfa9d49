import axe, { type AxeResults } from 'axe-core'
import type { Browser, Page } from 'playwright-core'
import { expect } from 'vitest'

/** Machines that are starved are waited for. */
const PATIENCE = { timeout: 60_000 }

export const eventually = <T>(look: () => T) => expect.poll(look, PATIENCE)

/** A page, and what went wrong in it. */
export async function openPage(browser: Browser, url: string, options: Parameters<Browser['newPage']>[0] = {}) {
  const page = await browser.newPage(options)
  page.setDefaultTimeout(PATIENCE.timeout)
  const errors: string[] = []
  page.on('pageerror', (error) => errors.push(error.message))
  page.on('console', (message) => {
    if (message.type() === 'error' && !message.text().startsWith('Failed to load resource')) errors.push(message.text())
  })
  await page.goto(url)
  return { page, errors }
}

/** Resolves when the view is there: the click alone only asks for it. */
export async function go(page: Page, view: string): Promise<void> {
  await page.getByRole('navigation').getByRole('link', { name: view }).click()
  await eventually(() => page.getByRole('heading', { level: 2 }).innerText()).toBe(view)
}

export const statusOf = (page: Page) => page.getByRole('status').innerText()

/** What axe-core finds wrong with the page for who can't see it, or not well. */
export async function faultsOf(page: Page): Promise<string[]> {
  // Not as a script of the page, which it would refuse.
  await page.evaluate(axe.source)
  const { violations } = await page.evaluate<AxeResults>('axe.run(document, { resultTypes: ["violations"] })')
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary = '' }) => `${target.join(' ')} (${failureSummary})`).join(', ')}`,
  )
}
