// The page's entry: puts the views on the screen and begins to listen to the daemon.
import { render } from 'preact'
import './console.css'
import { Theme } from '../look/theme.js'
import { Client } from './client.js'
import { Router } from './router.js'
import { Session } from './state.js'
import { App } from './views/app.js'

const root = document.getElementById('app')!
root.replaceChildren()
const session = new Session(new Client())
render(<App session={session} router={new Router()} theme={new Theme()} />, root)
void session.start()
