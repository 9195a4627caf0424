// The page's entry: puts the views on the screen and the page's own files into the browser's cache. Loads no model.
import { effect } from '@preact/signals'
import { render } from 'preact'
import './playground.css'
import { Theme } from '../look/theme.js'
import { Offline } from './offline.js'
import { Session } from './session.js'
import { Tabs } from './tabs.js'
import { App } from './views/app.js'

const root = document.getElementById('app')!
root.replaceChildren()
const offline = new Offline()
const tabs: Tabs = new Tabs(() => void session.forgottenElsewhere())
const session = new Session(() => tabs.tellForgotten())
render(<App session={session} theme={new Theme()} offline={offline} />, root)
effect(() => {
  if (session.ready.value && offline.pageKept.value) void offline.keepEngine()
})
document.addEventListener('visibilitychange', () => {
  // Other tabs may have changed what is stored.
  if (!document.hidden) void session.refresh()
})
void session.askFetches()
void offline.start()
