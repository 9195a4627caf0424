// What axe finds in a page, for tests.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

/** What is serious or critical, as `rule: selector`. */
export async function violations(page: Page): Promise<string[]> {
  const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
  // Not as a script tag: the page's own policy forbids those that are not its own.
  const found = await page.evaluate(`(() => { ${source} })(); axe.run(document, { resultTypes: ['violations'] })`)
  const { violations } = found as { violations: { id: string; impact: string; nodes: { target: string[] }[] }[] }
  return violations
    .filter(one => one.impact === 'serious' || one.impact === 'critical')
    .flatMap(one => one.nodes.map(node => `${one.id}: ${node.target.join(' ')}`))
}
