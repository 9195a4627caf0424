// What this process found warm when it started, and what the next one will.
import { count } from '../../src/format.js'
import type { WarmState } from '../../src/tuning/report.js'
import { warmWords } from '../tuning-words.js'
import { dateTime, rateOf } from '../words.js'
import { Empty, Facts, Panel } from './parts.js'

export function WarmPanel({ warm }: { readonly warm: WarmState | undefined }) {
  return (
    <Panel id="warm" title="Warm start">
      {warm === undefined ? (
        <Empty>
          Memory began empty, and fills as texts are asked for. With OPDBUS_WARM_START=on what is in use is remembered
          and loaded at the next start, in the background.
        </Empty>
      ) : (
        <Facts
          facts={[
            ['loaded at the start', warmWords(warm)],
            ['asked for since', rateOf(warm.used, warm.loaded)],
            [
              'remembered for the next',
              warm.savedAt === undefined
                ? 'nothing yet: it is saved now and then, and at the end'
                : `${count(warm.saved ?? 0)} entries, ${dateTime(warm.savedAt)}`,
            ],
          ]}
        />
      )}
    </Panel>
  )
}
