// All that the console draws on uPlot, as one file that is loaded when a screen first draws.
export { curvesPlot } from '../look/curves.js'
export { areaPlot, resize, timesData, timesPlot } from '../look/plots.js'
