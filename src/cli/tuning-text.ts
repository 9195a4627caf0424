// What tuning did in a process, in lines of `cache stats`. Pure: writes nowhere.
import { bytes, commas, duration, oneLine, plural } from '../format.js'
import type { AutoState, PredictorState, TuningState, WarmState } from '../tuning/report.js'

/** A line of each that is on, or was; none of what is as it always was. */
export function tuningLines({ policies, auto, predictors, warm }: TuningState): string[] {
  const others = Object.entries(policies).filter(([, policy]) => policy !== 'lru')
  return [
    ...(others.length > 0 ? [`Policies: ${others.map(([cache, policy]) => `${cache} ${policy}`).join(', ')}`] : []),
    ...(auto.on || auto.failed !== undefined ? [tunedLine(auto)] : []),
    ...predictors.filter(isWorthALine).map(aheadLine),
    ...(warm === undefined ? [] : [warmLine(warm)]),
  ]
}

/** Sizes are the tuner's, whatever was set: what it divides is said, and how much of it each has. */
function tunedLine({ failed, budgetBytes, shares, changes }: AutoState): string {
  const of = Object.entries(shares).map(([cache, share]) => `${cache} ${bytes(share.bytes)}`)
  const undone = changes.filter(change => change.undone).length
  const made = `${plural(changes.length, 'change', 'changes')}, ${commas(undone)} of them taking one back`
  const parts = of.length > 0 ? `${of.join(', ')} of ${bytes(budgetBytes)}; ` : ''
  const gaveUp = failed === undefined ? '' : `; the tuner gave up: ${oneLine(failed, 200)}`
  return `Tuned: ${parts}${changes.length > 0 ? made : 'nothing changed yet'}${gaveUp}`
}

/** Reading ahead is always there, and says nothing as long as nothing was read. */
function isWorthALine({ state, useful, useless, late }: PredictorState): boolean {
  return state === 'paused' || useful + useless + late > 0
}

function aheadLine({ name, cache, state, useful, useless, late, micros }: PredictorState): string {
  const ended = useful + useless + late
  const took = micros > 0 ? ` in ${duration(micros / 1000)}` : ''
  const paused = state === 'paused' ? '; it has paused itself' : ''
  return `Fetched ahead: ${commas(ended)}${took} (${name}, ${cache}), ${commas(useful)} of them in time and of use${paused}`
}

function warmLine({ loaded, ms, used, gone }: WarmState): string {
  if (loaded === 0) return 'Warm: nothing was there to be loaded'
  const missing = gone > 0 ? `, ${commas(gone)} gone` : ''
  return `Warm: ${commas(loaded)} loaded in ${duration(ms)}${missing}; ${commas(used)} of them asked for since`
}
