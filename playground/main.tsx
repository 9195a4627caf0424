// The page's entry: puts the views on the screen and the page's own files into the browser's cache. Loads no model.
import { render } from 'preact'
import './playground.css'
import { Offline } from './offline.js'
import { Session } from './session.js'
import { Theme } from './theme.js'
import { App } from './views/app.js'

const root = document.getElementById('app')!
root.replaceChildren()
const offline = new Offline()
render(<App session={new Session()} theme={new Theme()} offline={offline} />, root)
void offline.start()
