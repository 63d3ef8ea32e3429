import { SystemClock } from '../core/clock.ts'
import type { Clock } from '../core/clock.ts'
import { Journal } from '../orchestrator/journal/journal.ts'
import type { JournalReader } from '../orchestrator/journal/reader.ts'
import type { LineTerminal } from './progress-line.ts'
import { followerOf } from './cores-follower.ts'
import type { RunState } from './run-follower.ts'
import { endText, recent, stateText } from './run-state-text.ts'
import type { SeenState } from './run-state-text.ts'

/** Slow enough for eyes; a look costs a few milliseconds. */
const LOOK_MS = 500
/** In a pipe a line is kept: one now and then. */
const PIPE_LINE_NS = 5e9

/** A run of a journal, on the computer's clock. Ctrl-C ends the process on the spot: there is nothing to make safe. */
export async function followFile(file: string, name: string, terminal: LineTerminal): Promise<RunState> {
  const clock = new SystemClock()
  await using journal = await Journal.open(file, { clock, mode: 'read' })
  return await follow(journal, name, { terminal, clock, signal: new AbortController().signal })
}

/**
 * Shows a run while another process writes it, until it ends. On a terminal the same lines are drawn over; in a pipe
 * there is one line now and then, when something has changed. Resolves with how it ended.
 */
export async function follow(
  journal: JournalReader,
  name: string,
  to: { readonly terminal: LineTerminal; readonly clock: Clock; readonly signal: AbortSignal },
): Promise<RunState> {
  const { terminal, clock, signal } = to
  const follower = await followerOf(journal, name)
  const show = terminal.isTTY === true ? screen(terminal) : pipe(terminal)
  let seen: readonly SeenState[] = []
  for (;;) {
    const state = await follower.look()
    const seenNs = clock.monotonicNs()
    seen = recent([...seen, { state, seenNs }], seenNs)
    const hasEnded = state.run.status !== 'running'
    show(stateText(seen), seenNs, hasEnded)
    if (hasEnded) {
      terminal.write(`${endText(state)}\n`)
      return state
    }
    await clock.sleep(LOOK_MS, signal)
  }
}

type Show = (lines: readonly string[], nowNs: number, isLast: boolean) => void

/** Lines that are drawn over: up to the first of them, and what is left of the old ones is wiped out. */
function screen(terminal: LineTerminal): Show {
  let drawn = 0
  return (lines) => {
    const { columns = 0 } = terminal
    const width = columns > 0 ? columns : 80
    const up = drawn === 0 ? '' : `\x1b[${drawn}A`
    terminal.write(`${up}\r\x1b[J${lines.map((line) => `${line.slice(0, width - 1)}\n`).join('')}`)
    drawn = lines.length
  }
}

function pipe(terminal: LineTerminal): Show {
  let [said, saidNs] = ['', -Infinity]
  return (lines, nowNs, isLast) => {
    const line = lines.join('; ')
    if (line === said || (nowNs - saidNs < PIPE_LINE_NS && !isLast)) return
    terminal.write(`${line}\n`)
    said = line
    saidNs = nowNs
  }
}
