// What a person does in a page of an engine that is driven by calls alone: reads, presses, types. Waiting is the caller's.
import type { Tab } from './engine.js'

/** Presses the button whose words begin with `name`. False where there is none, or it cannot be pressed. */
export const press = (tab: Tab, name: string) => tab.evaluate(pressButton, name)

/** Whether there is a button whose words begin so. */
export const hasButton = (tab: Tab, name: string) => tab.evaluate(button, name)

/** Types into the first that `selector` finds. */
export const type = (tab: Tab, selector: string, text: string) => tab.evaluate(typeInto, selector, text)

/** The texts of all that `selector` finds. */
export const texts = (tab: Tab, selector: string) =>
  tab.evaluate(
    wanted => [...document.querySelectorAll(wanted)].map(element => element.textContent?.trim() ?? ''),
    selector,
  )

// What follows runs in the page.

function button(name: string): boolean {
  return [...document.querySelectorAll('button')].some(one => one.textContent?.trim().startsWith(name))
}

function pressButton(name: string): boolean {
  const button = [...document.querySelectorAll('button')].find(one => one.textContent?.trim().startsWith(name))
  if (!button || button.disabled) return false
  button.click()
  return true
}

function typeInto(selector: string, text: string): void {
  const input = document.querySelector<HTMLInputElement | HTMLTextAreaElement>(selector)!
  input.value = text
  input.dispatchEvent(new Event('input', { bubbles: true }))
}
