import { counted, measured, seconds } from './numbers.ts'
import type { RunOutcome } from './run-job.ts'
import type { RunState } from './run-follower.ts'

/** A state and when it was seen, on the clock of whoever looks. */
export interface SeenState {
  readonly state: RunState
  readonly seenNs: number
}

/** So far back rates look: short enough to tell what is going on now. */
const RATE_WINDOW_NS = 1e10

/** Looks that rates are taken from: the last ten seconds, and one before. */
export function recent(seen: readonly SeenState[], nowNs: number): readonly SeenState[] {
  const first = seen.findLastIndex(({ seenNs }) => nowNs - seenNs >= RATE_WINDOW_NS)
  return seen.slice(Math.max(0, first))
}

/** What is going on, a line for each matter. The last of `seen` is now, those before it give the rates. */
export function stateText(seen: readonly SeenState[]): readonly string[] {
  const { state } = seen.at(-1)!
  const { run, step, benchS } = state
  const doing = run.status === 'running' ? (step ?? 'starting') : run.status
  return [
    `run ${run.id} (${run.kind}): ${doing}, ${measured(benchS)} s on the bench`,
    ...framesText(seen),
    ...probesText(state),
    ...listText('power', state.powersW, 'W'),
    ...listText('temperature', state.temperaturesC, '°C'),
  ]
}

function framesText(seen: readonly SeenState[]): string[] {
  const [first, last] = [seen[0]!, seen.at(-1)!]
  const { frames, repeatedFrames, done, macs } = last.state
  if (frames === 0) return []
  const elapsedS = (last.seenNs - first.seenNs) / 1e9
  const gained = (done ?? 0) - (first.state.done ?? 0)
  const parts = [
    `${counted(frames)} frames${done === undefined ? '' : ` (${Math.floor(100 * done)} %)`}`,
    ...(repeatedFrames === 0 ? [] : [`${counted(repeatedFrames)} repeated`]),
    ...(elapsedS > 0 ? [`${measured((frames - first.state.frames) / elapsedS, 3)} frames/s`] : []),
    ...(elapsedS > 0 && macs !== undefined && done !== undefined
      ? [`${measured((gained * macs) / elapsedS / 1e9, 3)} GMAC/s`]
      : []),
    ...(elapsedS > 0 && gained > 0 && done !== undefined && done < 1
      ? [`about ${seconds((elapsedS / gained) * (1 - done))} left`]
      : []),
  ]
  return [parts.join(', ')]
}

function probesText({ probeError, probeBits }: RunState): string[] {
  if (probeError === undefined) return []
  // Exact probes have no end of bits.
  const bits = probeBits === undefined || !Number.isFinite(probeBits) ? '' : `, ${probeBits.toFixed(1)} effective bits`
  return [`probes so far: off by ${measured(100 * probeError, 2)} % (RMS)${bits}`]
}

/** More would fill the screen: of many lasers the first ones stand for all. */
const LISTED = 6

function listText(name: string, values: ReadonlyMap<string, number>, unit: string): string[] {
  if (values.size === 0) return []
  const items = [...values].slice(0, LISTED).map(([what, value]) => `${what} ${measured(value, 3)} ${unit}`)
  const rest = values.size > LISTED ? [`and ${values.size - LISTED} more`] : []
  return [`${name}: ${[...items, ...rest].join(', ')}`]
}

/** How a run ended. */
export function endText({ run }: RunState): string {
  const { error, safe } = (run.result ?? {}) as Partial<RunOutcome>
  const why = error === undefined ? '' : `: ${error.code} ${error.message}`
  switch (run.status) {
    case 'done':
      return `run ${run.id} is done; bench safe, read back`
    case 'interrupted':
      return run.endedMs === null
        ? `run ${run.id} was interrupted: its process is gone without a word, and nobody read the bench back`
        : `run ${run.id} was interrupted${why}`
    default:
      return `run ${run.id} ${run.status}${why}${safe === false ? '; THE BENCH IS NOT KNOWN TO BE SAFE' : ''}`
  }
}
