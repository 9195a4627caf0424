// What axe finds in a page, for tests.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import type { Page } from 'playwright-core'

interface Found {
  readonly id: string
  readonly impact: string
  readonly nodes: readonly { readonly target: readonly string[] }[]
}

/** Of what axe cannot decide by itself: must be in order all the same. */
const DECIDED = ['aria-required-children']

/** What is serious or critical, as `rule: selector`; by all rules, or by those that are named. */
export async function violations(page: Page, rules?: readonly string[]): Promise<string[]> {
  if (!(await page.evaluate('"axe" in globalThis'))) {
    const source = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')
    // Not as a script tag: the page's own policy forbids those that are not its own.
    await page.evaluate(`(() => { ${source} })()`)
  }
  const options = {
    resultTypes: ['violations', 'incomplete'],
    ...(rules && { runOnly: { type: 'rule', values: rules } }),
  }
  const found = await page.evaluate(`axe.run(document, ${JSON.stringify(options)})`)
  const { violations, incomplete } = found as Record<'violations' | 'incomplete', Found[]>
  return [...violations, ...incomplete.filter(({ id }) => DECIDED.includes(id))]
    .filter(one => one.impact === 'serious' || one.impact === 'critical')
    .flatMap(one => one.nodes.map(node => `${one.id}: ${node.target.join(' ')}`))
}
